#include "observe/ledger_rows.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text_writer.h"

namespace strata::observe {
namespace {

constexpr std::string_view kColumns[] = {
    "request_id",
    "call_number",
    "time",
    "workspace",
    "key",
    "trace_id",
    "tags",
    "dialect",
    "operation",
    "route",
    "model_asked",
    "model",
    "provider",
    "kb",
    "status",
    "error_code",
    "model_answered",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "usage_estimated",
    "cost_picousd",
    "price_date",
    "latency_ms",
    "ttft_ms",
    "router_version",
    "guardrail_version",
    "prompt_version",
    "catalog_version",
    "index_version",
    "role",
    "strong_picousd",
    "cheap_picousd",
};
// Columns of the first version of the ledger. The hash of a row that has none of the later ones is
// made of these alone, so that rows of before are verified as they were written.
constexpr std::size_t kFirstColumns = std::size(kColumns) - 3;

std::string TagsJson(const std::map<std::string, std::string>& tags) {
  std::string json = "{";
  for (const auto& [name, value] : tags) {
    if (json.size() > 1) json += ',';
    AppendJsonString(json, name);
    json += ':';
    AppendJsonString(json, value);
  }
  return json + "}";
}

std::map<std::string, std::string> TagsOf(std::string_view json) {
  std::map<std::string, std::string> tags;
  boost::system::error_code code;
  auto value = boost::json::parse(json, code);
  if (code || !value.is_object()) return tags;
  for (const auto& member : value.get_object()) {
    if (member.value().is_string()) {
      tags.emplace(std::string(member.key()), std::string(member.value().get_string()));
    }
  }
  return tags;
}

LedgerValue Maybe(const std::optional<domain::Money>& value) {
  if (!value) return nullptr;
  return value->picousd;
}

LedgerValue Maybe(const std::optional<std::int64_t>& value) {
  if (!value) return nullptr;
  return *value;
}

// Takes the values one after the other, in the order of kColumns.
class Reader {
 public:
  explicit Reader(std::span<const LedgerValue> values) : values_(values) {}
  std::string Text() {
    const auto* text = std::get_if<std::string_view>(&values_[at_++]);
    return text == nullptr ? std::string() : std::string(*text);
  }
  std::int64_t Integer() { return Optional().value_or(0); }
  std::optional<std::int64_t> Optional() {
    const auto* number = std::get_if<std::int64_t>(&values_[at_++]);
    return number == nullptr ? std::nullopt : std::optional(*number);
  }

 private:
  std::span<const LedgerValue> values_;
  std::size_t at_ = 0;
};

// Whether the row is as it comes back from its stored form: no text is cut, no count is changed.
bool IsBounded(const store::CallRow& row) {
  const auto& [intent, outcome] = row;
  const auto& usage = outcome.usage;
  auto fits = [](auto&... texts) { return (... && (texts.size() <= store::kCallTextMax)); };
  auto counts = [](auto... tokens) { return (... && (tokens >= 0)); };
  return intent.tags.empty() &&
         fits(intent.request_id.value, intent.workspace.value, intent.key.value, intent.trace_id,
              intent.dialect, intent.operation, intent.route, intent.model_asked, intent.model,
              intent.provider, intent.kb, intent.role, outcome.error_code, outcome.model_answered,
              outcome.price_date, outcome.decided_by.router, outcome.decided_by.guardrail,
              outcome.decided_by.prompt, outcome.decided_by.catalog, outcome.decided_by.index) &&
         counts(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens,
                usage.cache_write_tokens, usage.reasoning_tokens);
}

store::CallRow Bounded(const store::CallRow& row) {
  auto record = store::DecodeCallRecord(store::EncodeFinal(row));
  STRATA_CHECK(record.has_value(), "a call cannot be read back: " + record.error().message());
  return std::get<store::CallRow>(std::move(*record));
}

// Of a bounded row.
std::vector<LedgerValue> ValuesOf(const store::CallRow& row, std::string_view tags) {
  const auto& [intent, outcome] = row;
  const auto& usage = outcome.usage;
  std::vector<LedgerValue> values;
  values.reserve(std::size(kColumns));
  auto add = [&](const auto&... each) { (..., values.emplace_back(each)); };
  add(intent.request_id.value, static_cast<std::int64_t>(intent.call_number),
      ToUnixMicros(intent.time), intent.workspace.value, intent.key.value, intent.trace_id, tags,
      intent.dialect, intent.operation, intent.route, intent.model_asked, intent.model,
      intent.provider, intent.kb, CallStatusName(outcome.status), outcome.error_code,
      outcome.model_answered);
  add(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens,
      usage.reasoning_tokens, static_cast<std::int64_t>(usage.estimated ? 1 : 0),
      Maybe(outcome.cost), outcome.price_date, outcome.latency_ms, Maybe(outcome.ttft_ms));
  const auto& decided = outcome.decided_by;
  add(decided.router, decided.guardrail, decided.prompt, decided.catalog, decided.index);
  add(intent.role, Maybe(outcome.always_strong), Maybe(outcome.always_cheap));
  return values;
}

}  // namespace

std::span<const std::string_view> LedgerColumns() { return kColumns; }

LedgerValuesOf::LedgerValuesOf(const store::CallRow& row) {
  if (!IsBounded(row)) cut_ = Bounded(row);
  const auto& stored = cut_ ? *cut_ : row;
  tags_ = TagsJson(stored.intent.tags);
  values_ = ValuesOf(stored, tags_);
}

std::vector<LedgerValue> ReadLedgerValues(const store::Statement& statement, int first) {
  std::vector<LedgerValue> values;
  values.reserve(std::size(kColumns));
  for (int column = first; column < first + static_cast<int>(std::size(kColumns)); ++column) {
    switch (statement.type(column)) {
      case store::ColumnType::kNull:
        values.emplace_back(nullptr);
        break;
      case store::ColumnType::kInteger:
        values.emplace_back(statement.Integer(column));
        break;
      default:
        values.emplace_back(statement.Text(column));
    }
  }
  return values;
}

store::CallRow LedgerRowOf(std::span<const LedgerValue> values) {
  STRATA_CHECK(values.size() == std::size(kColumns), "a ledger row has all columns");
  Reader in(values);
  store::CallRow row;
  auto& [intent, outcome] = row;
  intent.request_id.value = in.Text();
  intent.call_number = static_cast<std::uint32_t>(in.Integer());
  intent.time = FromUnixMicros(in.Integer());
  intent.workspace.value = in.Text();
  intent.key.value = in.Text();
  intent.trace_id = in.Text();
  intent.tags = TagsOf(in.Text());
  intent.dialect = in.Text();
  intent.operation = in.Text();
  intent.route = in.Text();
  intent.model_asked = in.Text();
  intent.model = in.Text();
  intent.provider = in.Text();
  intent.kb = in.Text();
  outcome.status = store::ParseCallStatus(in.Text()).value_or(store::CallStatus::kOpen);
  outcome.error_code = in.Text();
  outcome.model_answered = in.Text();
  outcome.usage.input_tokens = in.Integer();
  outcome.usage.output_tokens = in.Integer();
  outcome.usage.cache_read_tokens = in.Integer();
  outcome.usage.cache_write_tokens = in.Integer();
  outcome.usage.reasoning_tokens = in.Integer();
  outcome.usage.estimated = in.Integer() != 0;
  if (auto cost = in.Optional()) outcome.cost = domain::Money{*cost};
  outcome.price_date = in.Text();
  outcome.latency_ms = in.Integer();
  outcome.ttft_ms = in.Optional();
  outcome.decided_by.router = in.Text();
  outcome.decided_by.guardrail = in.Text();
  outcome.decided_by.prompt = in.Text();
  outcome.decided_by.catalog = in.Text();
  outcome.decided_by.index = in.Text();
  intent.role = in.Text();
  if (auto cost = in.Optional()) outcome.always_strong = domain::Money{*cost};
  if (auto cost = in.Optional()) outcome.always_cheap = domain::Money{*cost};
  return row;
}

Sha256Digest LedgerHash(std::string_view previous, std::int64_t sequence,
                        std::span<const LedgerValue> values) {
  constexpr std::size_t kUsualBytes = 1024;
  thread_local std::string bytes;  // kept for its memory
  bytes.clear();
  TextWriter out(bytes, kUsualBytes);
  out.Raw(previous).Integer(sequence).Raw(';');
  auto later = values.subspan(std::min(kFirstColumns, values.size()));
  bool plain = std::ranges::all_of(later, [](const LedgerValue& value) {
    const auto* text = std::get_if<std::string_view>(&value);
    return std::holds_alternative<std::nullptr_t>(value) || (text != nullptr && text->empty());
  });
  if (plain) values = values.first(values.size() - later.size());
  for (const auto& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      out.Raw('i').Integer(*number).Raw(';');
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      out.Raw('t').Integer(static_cast<std::int64_t>(text->size())).Raw(':').Raw(*text);
    } else {
      out.Raw("n;");
    }
  }
  out.Finish();
  return Sha256(bytes);
}

}  // namespace strata::observe
