#include "observe/otlp.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>

#include "base/caught.h"
#include "base/encoding.h"
#include "base/log.h"
#include "store/file.h"

namespace strata::observe {
namespace {

namespace asio = boost::asio;

constexpr Option kOptions[] = {
    {"otlp.endpoint", OptionKind::kText, "", "", "",
     "Base URL of an OTLP/HTTP receiver (/v1/traces is added); empty takes "
     "OTEL_EXPORTER_OTLP_ENDPOINT, and without that nothing is exported."},
    {"otlp.headers", OptionKind::kTextList, "", "", "",
     "Headers as NAME=VALUE; a value may be env:NAME or file:PATH, and secrets must be."},
    {"otlp.service_name", OptionKind::kText, "", "strata", "",
     "The resource attribute service.name of exported spans."},
    {"otlp.queue_max", OptionKind::kInteger, "traces", "2048", "1..1000000",
     "Traces that wait for export; one more is dropped and counted."},
    {"otlp.batch_max", OptionKind::kInteger, "traces", "128", "1..10000",
     "Traces in one export request."},
    {"otlp.batch_wait", OptionKind::kInteger, "ms", "1000", "1..60000",
     "How long a batch may wait to fill."},
    {"otlp.timeout", OptionKind::kInteger, "ms", "10000", "100..300000",
     "Deadline of one export request."},
    {"otlp.attempts_max", OptionKind::kInteger, "", "5", "1..20",
     "Attempts for one batch (waiting twice as long each time), then it is dropped and counted."},
};

constexpr std::size_t kAnswerMax = 64 << 10;
constexpr auto kRetryWaitMax = std::chrono::seconds(60);

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<std::string> HeaderValue(std::string_view name, std::string_view value) {
  if (value.starts_with("env:")) {
    auto text = Environment(std::string(value.substr(4)).c_str());
    if (text.empty()) {
      return Fail(InvalidArgument("otlp.headers", fmt::format("{}: {} is not set", name, value)));
    }
    return text;
  }
  if (!value.starts_with("file:")) return std::string(value);
  STRATA_TRY(auto text, store::ReadWholeFile(std::string(value.substr(5)), 64 << 10));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<> AddHeader(std::string_view field, OtlpOptions& out) {
  auto equals = field.find('=');
  if (equals == field.npos || equals == 0) {
    return Fail(InvalidArgument("otlp.headers", "a header is written NAME=VALUE"));
  }
  auto name = field.substr(0, equals);
  STRATA_TRY(auto value, HeaderValue(name, field.substr(equals + 1)));
  bool bad = std::any_of(value.begin(), value.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (bad)
    return Fail(InvalidArgument("otlp.headers", fmt::format("{} has a control character", name)));
  out.headers.emplace_back(name, std::move(value));
  return {};
}

// The names under which collectors take keys. The message never repeats a value: it may be one.
Result<> CheckNoSecret(std::string_view field) {
  std::string name(field.substr(0, field.find('=')));
  auto value = field.substr(std::min(field.size(), name.size() + 1));
  if (value.starts_with("env:") || value.starts_with("file:")) return {};
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (std::string_view part : {"auth", "key", "token", "secret", "cookie", "password"}) {
    if (name.find(part) == name.npos) continue;
    return Fail(InvalidArgument(
        "otlp.headers", fmt::format("{}: expected env:NAME or file:PATH for a secret", name)));
  }
  return {};
}

// "a=1,b=x%20y", as the OpenTelemetry specification has it.
Result<> AddEnvironmentHeaders(std::string_view list, OtlpOptions& out) {
  while (!list.empty()) {
    auto field = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), field.size() + 1));
    auto decoded = PercentDecode(field);
    if (!decoded) return Fail(InvalidArgument("OTEL_EXPORTER_OTLP_HEADERS", "a broken escape"));
    if (!decoded->empty()) STRATA_CHECK_OK(AddHeader(*decoded, out));
  }
  return {};
}

std::string WithPath(std::string base) {
  while (base.ends_with('/')) base.pop_back();
  return base.empty() ? base : base + "/v1/traces";
}

// What the OTLP specification calls retryable.
bool IsRetryable(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

struct Attempt {
  bool done = false;
  bool again = false;
  std::optional<std::chrono::milliseconds> wait;
  std::string why;
};

}  // namespace

struct OtlpExporter::State {
  State(OtlpOptions given, std::shared_ptr<net::Client> given_client)
      : options(std::move(given)), client(std::move(given_client)) {}

  const OtlpOptions options;
  const std::shared_ptr<net::Client> client;
  std::mutex mutex;
  std::deque<FinishedTrace> queue;
  bool stopping = false;
  std::function<void()> wake;  // set while Run runs
  std::atomic<std::uint64_t> exported{0}, dropped{0}, retries{0};

  bool Stopping() {
    std::lock_guard lock(mutex);
    return stopping;
  }
  std::vector<FinishedTrace> Take() {
    std::lock_guard lock(mutex);
    std::vector<FinishedTrace> batch;
    while (!queue.empty() && batch.size() < options.batch_max) {
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    return batch;
  }
  Task<Attempt> TryOnce(std::string body);
  Task<> Export(std::vector<FinishedTrace> batch, asio::steady_timer& timer);
};

Task<Attempt> OtlpExporter::State::TryOnce(std::string body) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = options.endpoint;
  request.headers.Add("content-type", "application/json");
  for (const auto& [name, value] : options.headers) request.headers.Add(name, value);
  request.body = std::move(body);
  request.deadline = SystemClock().Steady() + options.timeout;
  request.allow_private_addresses = true;  // the operator named it
  Attempt attempt;
  auto response = co_await client->Send(std::move(request));
  if (!response.has_value()) {
    auto code = response.error().code();
    attempt.again = code == Code::kUnavailable || code == Code::kDeadlineExceeded;
    attempt.why = response.error().message();
    co_return attempt;
  }
  auto status = (*response)->status();
  attempt.done = status >= 200 && status < 300;
  attempt.again = IsRetryable(status);
  if (!attempt.done) attempt.why = fmt::format("status {}", status);
  auto after = (*response)->headers().Get("retry-after");
  int seconds = 0;
  if (std::from_chars(after.data(), after.data() + after.size(), seconds).ec == std::errc() &&
      seconds >= 0) {
    attempt.wait = std::chrono::seconds(seconds);
  }
  // Read to its end, so that the connection can be used again.
  [[maybe_unused]] auto rest = co_await (*response)->ReadAll(kAnswerMax);
  co_return attempt;
}

Task<> OtlpExporter::State::Export(std::vector<FinishedTrace> batch, asio::steady_timer& timer) {
  auto body = OtlpJson(batch, options.service_name);
  auto wait = options.retry_first;
  for (int number = 1;; ++number) {
    auto attempt = co_await TryOnce(body);
    if (attempt.done) {
      exported += batch.size();
      co_return;
    }
    if (!attempt.again || number >= options.attempts_max || Stopping()) {
      dropped += batch.size();
      Log(Level::kWarning, "otlp.export.failed",
          {{"traces", batch.size()}, {"attempts", number}, {"error", attempt.why}});
      co_return;
    }
    ++retries;
    timer.expires_after(
        std::min<std::chrono::milliseconds>(attempt.wait.value_or(wait), kRetryWaitMax));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    wait *= 2;
  }
}

OptionTable OtlpExporter::OtlpOptionTable() { return kOptions; }

Result<OtlpOptions> OtlpOptionsOf(const Options& options) {
  OtlpOptions out;
  out.endpoint = WithPath(options.Text("otlp.endpoint"));
  if (out.endpoint.empty()) out.endpoint = Environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (out.endpoint.empty()) out.endpoint = WithPath(Environment("OTEL_EXPORTER_OTLP_ENDPOINT"));
  if (!out.endpoint.empty() && !out.endpoint.starts_with("http://") &&
      !out.endpoint.starts_with("https://")) {
    return Fail(InvalidArgument("otlp.endpoint", "it begins with neither http:// nor https://"));
  }
  for (const auto& field : options.TextList("otlp.headers")) {
    STRATA_CHECK_OK(CheckNoSecret(field));
    STRATA_CHECK_OK(AddHeader(field, out));
  }
  if (out.headers.empty()) {
    STRATA_CHECK_OK(AddEnvironmentHeaders(Environment("OTEL_EXPORTER_OTLP_HEADERS"), out));
  }
  out.service_name = options.Text("otlp.service_name");
  out.queue_max = static_cast<std::size_t>(options.Integer("otlp.queue_max"));
  out.batch_max = static_cast<std::size_t>(options.Integer("otlp.batch_max"));
  out.batch_wait = std::chrono::milliseconds(options.Integer("otlp.batch_wait"));
  out.timeout = std::chrono::milliseconds(options.Integer("otlp.timeout"));
  out.attempts_max = static_cast<int>(options.Integer("otlp.attempts_max"));
  return out;
}

std::shared_ptr<OtlpExporter> OtlpExporter::Create(OtlpOptions options,
                                                   std::shared_ptr<net::Client> client) {
  auto state = std::make_shared<State>(std::move(options), std::move(client));
  return std::shared_ptr<OtlpExporter>(new OtlpExporter(std::move(state)));
}

OtlpExporter::~OtlpExporter() { Stop(); }

void OtlpExporter::Submit(FinishedTrace trace) {
  if (state_->options.endpoint.empty() || trace.spans.empty()) return;
  std::lock_guard lock(state_->mutex);
  if (state_->stopping || state_->queue.size() >= state_->options.queue_max) {
    ++state_->dropped;
    return;
  }
  state_->queue.push_back(std::move(trace));
}

Task<> OtlpExporter::Run() {
  auto state = state_;  // outlives this object when it is destroyed meanwhile
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor);
  {
    std::lock_guard lock(state->mutex);
    state->wake = [executor, weak = std::weak_ptr(timer)] {
      asio::post(executor, [weak] {
        if (auto alive = weak.lock()) alive->cancel();
      });
    };
  }
  while (true) {
    bool last = state->Stopping();
    auto batch = state->Take();
    if (!batch.empty()) {
      const auto traces = batch.size();
      auto sent = co_await Caught("otlp.export", state->Export(std::move(batch), *timer));
      if (!sent.has_value()) state->dropped += traces;
      continue;
    }
    if (last) break;
    timer->expires_after(state->options.batch_wait);
    // A Stop between the look above and here is seen at the latest after this wait.
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  }
  std::lock_guard lock(state->mutex);
  state->wake = nullptr;
}

void OtlpExporter::Stop() {
  std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  if (state_->wake) state_->wake();
}

OtlpExporter::Counters OtlpExporter::counters() const {
  return {state_->exported, state_->dropped, state_->retries};
}

}  // namespace strata::observe
