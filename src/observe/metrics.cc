#include "observe/metrics.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace strata::observe {
namespace {

// Threads take shards in turn; two that share one are still right, only slower.
std::size_t MyShard() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

void AppendLabelValue(std::string& out, std::string_view value) {
  for (char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

constexpr std::string_view kClassNames[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

void LatencyHistogram::Add(std::chrono::nanoseconds latency) {
  auto seconds = std::chrono::duration<double>(latency).count();
  auto at = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), seconds);
  auto bucket = static_cast<std::size_t>(at - kLatencyBounds.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  auto ns = std::max<std::int64_t>(latency.count(), 0);
  sum_ns_.fetch_add(static_cast<std::uint64_t>(ns), std::memory_order_relaxed);
}

void LatencyHistogram::AddTo(HistogramReading& reading) const {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    reading.counts[i] += counts_[i].load(std::memory_order_relaxed);
  }
  reading.sum_s += static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
}

// ---- text

void PrometheusText::Family(std::string_view name, std::string_view type, std::string_view help) {
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusText::Line(std::string_view name, std::string_view suffix, Labels labels,
                          std::string_view le, double value) {
  text_ += name;
  text_ += suffix;
  char open = '{';
  auto label = [&](std::string_view key, std::string_view text) {
    text_ += open;
    text_ += key;
    text_ += "=\"";
    AppendLabelValue(text_, text);
    text_ += '"';
    open = ',';
  };
  for (const auto& [key, text] : labels) label(key, text);
  if (!le.empty()) label("le", le);
  if (open == ',') text_ += '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void PrometheusText::Sample(std::string_view name, Labels labels, double value) {
  Line(name, "", labels, "", value);
}

void PrometheusText::Histogram(std::string_view name, Labels labels,
                               const HistogramReading& reading) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < reading.counts.size(); ++i) {
    below += reading.counts[i];
    auto le = i < kLatencyBounds.size() ? fmt::format("{}", kLatencyBounds[i]) : "+Inf";
    Line(name, "_bucket", labels, le, static_cast<double>(below));
  }
  Line(name, "_sum", labels, "", reading.sum_s);
  Line(name, "_count", labels, "", static_cast<double>(below));
}

void PrometheusText::Gauge(std::string_view name, std::string_view help, double value) {
  Family(name, "gauge", help);
  Sample(name, {}, value);
}

void PrometheusText::Counter(std::string_view name, std::string_view help, double value) {
  Family(name, "counter", help);
  Sample(name, {}, value);
}

// ---- requests

struct RequestMetrics::Series {
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kStatusClasses> by_class{};
    LatencyHistogram latency;
    LatencyHistogram first_token;
  };
  std::string dialect;
  std::string operation;
  std::array<Shard, kShards> shards;
};

RequestMetrics::RequestMetrics(std::size_t slots) : series_(slots) {}

RequestMetrics::~RequestMetrics() {
  for (auto& series : series_) delete series.load();
}

void RequestMetrics::Begin() {
  running_[MyShard() % kShards].count.fetch_add(1, std::memory_order_relaxed);
}

RequestMetrics::Series& RequestMetrics::SeriesOf(const FinishedRequest& request) {
  auto& place = series_.at(request.slot);
  auto* series = place.load(std::memory_order_acquire);
  if (series != nullptr) return *series;
  auto made = std::make_unique<Series>();
  made->dialect = request.dialect;
  made->operation = request.operation;
  // Another thread may have been first; then its series counts and this one goes away.
  if (place.compare_exchange_strong(series, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *series;
}

void RequestMetrics::End(const FinishedRequest& request) {
  auto mine = MyShard() % kShards;
  running_[mine].count.fetch_sub(1, std::memory_order_relaxed);
  auto& shard = SeriesOf(request).shards[mine];
  auto status_class = static_cast<std::size_t>(std::clamp(request.status / 100, 0, 5));
  shard.by_class[status_class].fetch_add(1, std::memory_order_relaxed);
  shard.latency.Add(request.latency);
  if (request.first_token) shard.first_token.Add(*request.first_token);
}

// A request may begin on one thread and end on another, so only the sum means something.
std::int64_t RequestMetrics::InFlight() const {
  std::int64_t sum = 0;
  for (const auto& shard : running_) sum += shard.count.load(std::memory_order_relaxed);
  return std::max<std::int64_t>(sum, 0);
}

void RequestMetrics::Write(PrometheusText& out) const {
  // Several routes may be one operation: they are one line.
  std::map<std::pair<std::string_view, std::string_view>, std::vector<const Series*>> operations;
  for (const auto& place : series_) {
    if (const auto* series = place.load(std::memory_order_acquire)) {
      operations[{series->dialect, series->operation}].push_back(series);
    }
  }
  out.Gauge("strata_requests_in_flight", "Requests that are being answered.",
            static_cast<double>(InFlight()));
  out.Family("strata_requests_total", "counter",
             "Finished requests; status none: the client left before an answer.");
  for (const auto& [name, all] : operations) {
    for (std::size_t c = 0; c < kStatusClasses; ++c) {
      std::uint64_t count = 0;
      for (const auto* series : all) {
        for (const auto& shard : series->shards) {
          count += shard.by_class[c].load(std::memory_order_relaxed);
        }
      }
      if (count == 0) continue;
      out.Sample("strata_requests_total",
                 {{"dialect", name.first}, {"operation", name.second}, {"status", kClassNames[c]}},
                 static_cast<double>(count));
    }
  }
  auto histogram = [&](std::string_view title, std::string_view help, auto member) {
    out.Family(title, "histogram", help);
    for (const auto& [name, all] : operations) {
      HistogramReading reading;
      for (const auto* series : all) {
        for (const auto& shard : series->shards) (shard.*member).AddTo(reading);
      }
      out.Histogram(title, {{"dialect", name.first}, {"operation", name.second}}, reading);
    }
  };
  histogram("strata_request_duration_seconds", "From a request's arrival to the end of its answer.",
            &Series::Shard::latency);
  histogram("strata_request_first_token_seconds",
            "From a request's arrival to the first token of its answer.",
            &Series::Shard::first_token);
}

// ---- model calls

void CallMetrics::Add(std::span<const store::CallRow> rows) {
  std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    Name name(row.intent.provider, row.intent.model);
    if (deployments_.size() >= kModelsMax && !deployments_.contains(name))
      name = {"other", "other"};
    auto& place = deployments_[name];
    if (!place) place = std::make_unique<Deployment>();
    const auto& outcome = row.outcome;
    auto status = std::string(store::CallStatusName(outcome.status));
    ++place->by_outcome[outcome.error_code.empty() ? status : outcome.error_code];
    place->tokens.input_tokens += outcome.usage.input_tokens;
    place->tokens.output_tokens += outcome.usage.output_tokens;
    place->tokens.cache_read_tokens += outcome.usage.cache_read_tokens;
    place->tokens.cache_write_tokens += outcome.usage.cache_write_tokens;
    place->tokens.reasoning_tokens += outcome.usage.reasoning_tokens;
    if (outcome.cost) {
      place->cost_picousd = domain::AddPicousd(place->cost_picousd, outcome.cost->picousd);
    } else {
      ++place->unpriced;
    }
    place->latency.Add(std::chrono::milliseconds(outcome.latency_ms));
    if (outcome.ttft_ms) place->first_token.Add(std::chrono::milliseconds(*outcome.ttft_ms));
  }
}

void CallMetrics::Write(PrometheusText& out) const {
  std::lock_guard lock(mutex_);
  auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto write) {
    out.Family(name, type, help);
    for (const auto& [key, deployment] : deployments_)
      write(name, key.first, key.second, *deployment);
  };
  using Text = std::string_view;
  each("strata_model_calls_total", "counter", "Model calls by how they ended.",
       [&](Text name, Text provider, Text model, const Deployment& d) {
         for (const auto& [outcome, count] : d.by_outcome) {
           out.Sample(name, {{"provider", provider}, {"model", model}, {"outcome", outcome}},
                      static_cast<double>(count));
         }
       });
  each("strata_model_tokens_total", "counter",
       "Tokens as the ledger has them; output includes reasoning.",
       [&](Text name, Text provider, Text model, const Deployment& d) {
         auto sample = [&](Text kind, std::int64_t tokens) {
           if (tokens == 0) return;
           out.Sample(name, {{"provider", provider}, {"model", model}, {"kind", kind}},
                      static_cast<double>(tokens));
         };
         sample("input", d.tokens.input_tokens);
         sample("output", d.tokens.output_tokens);
         sample("cache_read", d.tokens.cache_read_tokens);
         sample("cache_write", d.tokens.cache_write_tokens);
         sample("reasoning", d.tokens.reasoning_tokens);
       });
  each("strata_model_cost_usd_total", "counter", "Cost of calls whose price is known.",
       [&](Text name, Text provider, Text model, const Deployment& d) {
         out.Sample(name, {{"provider", provider}, {"model", model}},
                    static_cast<double>(d.cost_picousd) / 1e12);
       });
  each("strata_model_calls_unpriced_total", "counter", "Calls whose price is not known.",
       [&](Text name, Text provider, Text model, const Deployment& d) {
         out.Sample(name, {{"provider", provider}, {"model", model}},
                    static_cast<double>(d.unpriced));
       });
  auto histogram = [&](Text name, Text help, auto member) {
    each(name, "histogram", help, [&](Text family, Text provider, Text model, const Deployment& d) {
      HistogramReading reading;
      (d.*member).AddTo(reading);
      out.Histogram(family, {{"provider", provider}, {"model", model}}, reading);
    });
  };
  histogram("strata_model_call_duration_seconds", "From a model call's start to its end.",
            &Deployment::latency);
  histogram("strata_model_first_token_seconds", "From a model call's start to its first token.",
            &Deployment::first_token);
}

// ---- the process

void WriteProcessMetrics(PrometheusText& out) {
  long pages_all = 0;
  long pages_resident = 0;
  if (auto* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%ld %ld", &pages_all, &pages_resident) != 2) pages_resident = 0;
    std::fclose(file);
  }
  auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  out.Gauge("process_resident_memory_bytes", "Resident memory.",
            static_cast<double>(pages_resident) * page);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  out.Counter("process_cpu_seconds_total", "User and system time.",
              seconds(usage.ru_utime) + seconds(usage.ru_stime));
  std::size_t files = 0;
  if (auto* folder = ::opendir("/proc/self/fd")) {
    while (::readdir(folder) != nullptr) ++files;
    ::closedir(folder);
  }
  // Without ".", ".." and the folder that was just open.
  out.Gauge("process_open_fds", "Open file descriptors.",
            static_cast<double>(files < 3 ? 0 : files - 3));
}

}  // namespace strata::observe
