#include "dialect/cohere/answer.h"

#include <algorithm>
#include <charconv>

#include "base/format_message.h"

namespace strata::dialect::cohere {
namespace {

using domain::StopReason;

// Longer texts of a source are not repeated as the quote.
constexpr std::size_t kQuoteBytesMax = 4096;
// Of the ids that documents of the request are given.
constexpr std::string_view kDocumentPrefix = "doc_";

// The API writes counts as numbers with a point.
std::int64_t Count(const JsonField& object, std::string_view key) {
  return static_cast<std::int64_t>(object.Get(key).Double(0, 1e15).value_or(0));
}

// N of "doc_N", 0 for other ids.
int DocumentIndex(std::string_view id) {
  int index = 0;
  if (!id.starts_with(kDocumentPrefix)) return 0;
  id.remove_prefix(kDocumentPrefix.size());
  std::from_chars(id.data(), id.data() + id.size(), index);
  return std::max(index, 0);
}

Result<domain::TokenLogprob> ReadPiece(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  domain::TokenLogprob out;
  out.token = out.bytes = item.TextAt("text");
  auto list = item.Get("logprobs");
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto value = list.Item(i);
    STRATA_TRY(auto logprob, value.Double(-1e9, 1e9));
    out.logprob += logprob;
  }
  return out;
}

}  // namespace

Result<StopReason> StopReasonOf(std::string_view reason) {
  if (reason == "COMPLETE") return StopReason::kEndTurn;
  if (reason == "MAX_TOKENS" || reason == "ERROR_LIMIT") return StopReason::kMaxTokens;
  if (reason == "STOP_SEQUENCE") return StopReason::kStopSequence;
  if (reason == "TOOL_CALL") return StopReason::kToolUse;
  if (reason == "ERROR_TOXIC") return StopReason::kContentFiltered;
  return Fail(Code::kUnavailable,
              FormatMessage("the provider broke off: finish_reason {}", reason.substr(0, 100)));
}

domain::Usage ReadUsage(const JsonField& usage) {
  auto billed = usage.Get("billed_units");
  auto tokens = usage.Get("tokens");
  const auto& source = billed.Get("input_tokens").present() ? billed : tokens;
  domain::Usage out;
  out.cache_read_tokens = Count(usage, "cached_tokens");
  out.input_tokens =
      std::max<std::int64_t>(Count(source, "input_tokens") - out.cache_read_tokens, 0);
  out.output_tokens = Count(source, "output_tokens");
  return out;
}

Result<std::vector<domain::Citation>> ReadCitation(const JsonField& citation) {
  STRATA_CHECK_OK(citation.ExpectObject());
  domain::Citation base;
  if (auto start = citation.Get("start"); start.present()) {
    STRATA_TRY(base.answer_start, start.Integer(0, INT32_MAX));
  }
  if (auto end = citation.Get("end"); end.present()) {
    STRATA_TRY(base.answer_end, end.Integer(base.answer_start, INT32_MAX));
  }
  std::vector<domain::Citation> out;
  auto sources = citation.Get("sources");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto source = sources.Item(i);
    STRATA_CHECK_OK(source.ExpectObject());
    auto one = base;
    auto document = source.Get("document");
    const auto id = source.TextAt("id");
    one.document_index = DocumentIndex(id);
    // Not a document of the request: what a tool gave, which its id names.
    if (!id.starts_with(kDocumentPrefix)) one.place = domain::CitationPlace::kWeb;
    one.title = document.TextAt("title");
    one.source_uri = document.TextAt("url");
    if (one.source_uri.empty()) one.source_uri = id;
    one.quoted = document.TextAt("text");
    if (one.quoted.empty()) one.quoted = document.TextAt("snippet");
    if (one.quoted.size() > kQuoteBytesMax) one.quoted.clear();
    out.push_back(std::move(one));
  }
  if (out.empty()) out.push_back(std::move(base));
  return out;
}

Result<std::vector<domain::TokenLogprob>> ReadLogprobs(const JsonField& field) {
  std::vector<domain::TokenLogprob> out;
  if (!field.present()) return out;
  if (field.value().array() == nullptr) {
    STRATA_TRY(auto piece, ReadPiece(field));
    out.push_back(std::move(piece));
    return out;
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(auto piece, ReadPiece(item));
    out.push_back(std::move(piece));
  }
  return out;
}

}  // namespace strata::dialect::cohere
