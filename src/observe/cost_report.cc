// Cost lines as text: for terminals and for spreadsheets.

#include <fmt/format.h>

#include <algorithm>

#include "observe/ledger.h"
#include "observe/tag_costs.h"

namespace strata::observe {
namespace {

struct ByName {
  std::string_view name;
  CostQuery::By by;
};
constexpr ByName kByNames[] = {
    {"key", CostQuery::By::kKey},
    {"model", CostQuery::By::kModel},
    {"kb", CostQuery::By::kKb},
    {"tag", CostQuery::By::kTag},
    {"day", CostQuery::By::kDay},
    {"workspace", CostQuery::By::kWorkspace},
    {"provider", CostQuery::By::kProvider},
    {"router", CostQuery::By::kRouter},
};

bool IsUnknown(const CostLine& line) { return line.calls > 0 && line.unpriced_calls == line.calls; }

// A sum that lacks calls of unknown price says so.
std::string SumText(const CostLine& line) {
  if (line.calls == 0) return "0.00";
  if (IsUnknown(line)) return "unknown";
  if (line.unpriced_calls == 0) return FormatUsd(line.cost);
  return fmt::format("{} + {} unpriced", FormatUsd(line.cost), line.unpriced_calls);
}

std::string CostText(const CostLine& line) {
  if (line.estimated_calls == 0) return SumText(line);
  if (IsUnknown(line)) return fmt::format("unknown ({} estimated)", line.estimated_calls);
  return fmt::format("{} ({} of it estimated, {} {})", SumText(line), FormatUsd(line.estimated),
                     line.estimated_calls, line.estimated_calls == 1 ? "call" : "calls");
}

constexpr std::string_view kEstimatedNote =
    "\nestimated: no provider counted the tokens of these calls, as of one that a kill "
    "interrupted;\nthey are taken from the length of what was sent and of what could be answered\n";

CostLine Total(std::span<const CostLine> lines) {
  CostLine total;
  total.group = "total";
  for (const auto& line : lines) {
    total.calls += line.calls;
    total.unpriced_calls += line.unpriced_calls;
    total.input_tokens += line.input_tokens;
    total.output_tokens += line.output_tokens;
    total.cache_read_tokens += line.cache_read_tokens;
    total.cache_write_tokens += line.cache_write_tokens;
    total.cost += line.cost;
    total.estimated_calls += line.estimated_calls;
    total.estimated += line.estimated;
  }
  return total;
}

// With its 95 % interval where there are enough requests; "-" when nothing is compared.
std::string SavingText(const CostLine::Compared& c) {
  if (c.strong.picousd == 0) return "-";
  double saving = 1 - static_cast<double>(c.spent.picousd) / static_cast<double>(c.strong.picousd);
  auto out = fmt::format("{:.1f} %", 100 * saving);
  if (!c.saving_error) return out;
  return out + fmt::format(" ({:.1f} to {:.1f})", 100 * (saving - *c.saving_error),
                           100 * (saving + *c.saving_error));
}

// What routers saved; empty when no line is a router's.
std::string SavingsTable(std::span<const CostLine> lines, std::size_t width) {
  std::string out;
  constexpr std::string_view kRow = "{:<{}}  {:>8}  {:>16}  {:>16}  {:>16}  {:>8}\n";
  for (const auto& line : lines) {
    if (!line.compared) continue;
    if (out.empty()) {
      out = "\n" + fmt::format(kRow, "", width, "requests", "spent USD", "always-strong",
                               "always-cheap", "saving (95 %)");
    }
    const auto& c = *line.compared;
    out += fmt::format(kRow, line.group.empty() ? "-" : line.group, width, c.requests,
                       FormatUsd(c.spent), FormatUsd(c.strong), FormatUsd(c.cheap), SavingText(c));
  }
  return out;
}

// RFC 4180 §2: quoted when it holds a comma, a quote or a line break; quotes doubled.
std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

Result<CostQuery::By> ParseCostBy(std::string_view text) {
  std::string known;
  for (const auto& [name, by] : kByNames) {
    if (name == text) return by;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return Fail(InvalidArgument("by", fmt::format("'{}' is not one of {}", text, known)));
}

namespace {

enum class Sum : std::uint8_t { kNone, kOfLines };

std::string TableOf(std::span<const CostLine> lines, Sum sum) {
  std::size_t width = 5;
  for (const auto& line : lines) width = std::max(width, line.group.size());
  constexpr std::string_view kRow = "{:<{}}  {:>8}  {:>12}  {:>12}  {:>12}  {:>12}  {}\n";
  auto out = fmt::format(kRow, "", width, "calls", "input", "output", "cache read", "cache write",
                         "cost USD");
  auto add = [&](const CostLine& line) {
    out += fmt::format(kRow, line.group.empty() ? "-" : line.group, width, line.calls,
                       line.input_tokens, line.output_tokens, line.cache_read_tokens,
                       line.cache_write_tokens, CostText(line));
  };
  for (const auto& line : lines) add(line);
  if (lines.size() != 1 && sum == Sum::kOfLines) add(Total(lines));
  const bool estimated =
      std::ranges::any_of(lines, [](const auto& line) { return line.estimated_calls > 0; });
  if (estimated) out += kEstimatedNote;
  return out + SavingsTable(lines, width);
}

}  // namespace

std::string CostTable(std::span<const CostLine> lines) { return TableOf(lines, Sum::kOfLines); }

std::string TagCostTable(std::span<const CostLine> lines) { return TableOf(lines, Sum::kNone); }

std::string CostCsv(std::span<const CostLine> lines) {
  std::string out =
      "group,calls,unpriced_calls,input_tokens,output_tokens,cache_read_tokens,"
      "cache_write_tokens,cost_usd,estimated_calls,estimated_usd";
  const bool routers =
      std::ranges::any_of(lines, [](const auto& line) { return line.compared.has_value(); });
  if (routers) out += ",compared_requests,compared_usd,always_strong_usd,always_cheap_usd";
  out += "\r\n";
  for (const auto& line : lines) {
    const bool unknown = IsUnknown(line);
    out += fmt::format("{},{},{},{},{},{},{},{},{},{}", CsvField(line.group), line.calls,
                       line.unpriced_calls, line.input_tokens, line.output_tokens,
                       line.cache_read_tokens, line.cache_write_tokens,
                       unknown ? "unknown" : FormatUsd(line.cost), line.estimated_calls,
                       unknown && line.estimated_calls > 0 ? "unknown" : FormatUsd(line.estimated));
    if (const auto& c = line.compared) {
      out += fmt::format(",{},{},{},{}", c->requests, FormatUsd(c->spent), FormatUsd(c->strong),
                         FormatUsd(c->cheap));
    } else if (routers) {
      out += ",,,,";
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace strata::observe
