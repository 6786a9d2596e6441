// Usage, finish reasons and grounding, both ways.

#include <algorithm>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/gemini/parts.h"

namespace strata::dialect::gemini {
namespace {

using domain::StopReason;

constexpr std::size_t kCitationsMax = 1000;  // of one answer; hostile ones could multiply

std::int64_t Count(const JsonField& object, std::string_view key) {
  auto field = object.Get(key);
  return field.Integer(0, domain::kTokensMax).value_or(0);
}

// Byte offset → code points, clamped to the text.
std::int64_t CodePoints(std::string_view text, std::int64_t bytes) {
  const auto end = std::clamp<std::int64_t>(bytes, 0, static_cast<std::int64_t>(text.size()));
  return static_cast<std::int64_t>(CodePointCount(text.substr(0, static_cast<std::size_t>(end))));
}

domain::Citation ReadChunk(const JsonField& chunk) {
  domain::Citation out;
  out.place = domain::CitationPlace::kWeb;
  auto web = chunk.Get("web");
  auto context = chunk.Get("retrievedContext");
  const auto& source = web.present() ? web : context;
  out.source_uri = source.TextAt("uri");
  out.title = source.TextAt("title");
  if (!context.present()) return out;
  out.quoted = context.TextAt("text");
  if (const auto page = Count(context, "pageNumber"); page > 0 && page <= INT32_MAX) {
    out.pages.push_back({.page = static_cast<int>(page), .boxes = {}});
  }
  return out;
}

void ReadSupports(const JsonField& grounding, std::string_view text, int part,
                  std::vector<domain::Citation>& out) {
  auto chunks = grounding.Get("groundingChunks");
  auto supports = grounding.Get("groundingSupports");
  for (std::size_t i = 0; i < supports.size(); ++i) {
    auto support = supports.Item(i);
    auto segment = support.Get("segment");
    if (part >= 0 && Count(segment, "partIndex") != part) continue;
    auto indices = support.Get("groundingChunkIndices");
    for (std::size_t k = 0; k < indices.size() && out.size() < kCitationsMax; ++k) {
      auto index = indices.Item(k).Integer(0, static_cast<std::int64_t>(chunks.size()) - 1);
      if (!index) continue;
      auto chunk = chunks.Item(static_cast<std::size_t>(*index));
      auto citation = ReadChunk(chunk);
      citation.document_index = static_cast<int>(*index);
      citation.answer_start = CodePoints(text, Count(segment, "startIndex"));
      citation.answer_end = CodePoints(text, Count(segment, "endIndex"));
      out.push_back(std::move(citation));
    }
  }
}

}  // namespace

std::vector<domain::Citation> ReadCitations(const JsonField& candidate, std::string_view text,
                                            int part) {
  std::vector<domain::Citation> out;
  auto grounding = candidate.Get("groundingMetadata");
  ReadSupports(grounding, text, part, out);
  // Recitation: what the model repeats word by word. Its offsets count in the first part.
  auto metadata = candidate.Get("citationMetadata");
  auto sources = metadata.Get("citations");
  if (!sources.present()) return out;
  for (std::size_t i = 0; i < sources.size() && out.size() < kCitationsMax && part <= 0; ++i) {
    auto source = sources.Item(i);
    domain::Citation citation;
    citation.place = domain::CitationPlace::kWeb;
    citation.source_uri = source.TextAt("uri");
    citation.title = source.TextAt("title");
    citation.answer_start = CodePoints(text, Count(source, "startIndex"));
    citation.answer_end = CodePoints(text, Count(source, "endIndex"));
    out.push_back(std::move(citation));
  }
  return out;
}

void WriteGrounding(JsonWriter& out, const std::vector<PlacedCitation>& citations) {
  if (citations.empty()) return;
  out.Key("groundingMetadata").BeginObject().Key("groundingChunks").BeginArray();
  for (const auto& placed : citations) {
    const auto& citation = *placed.citation;
    const bool web = citation.place == domain::CitationPlace::kWeb && citation.quoted.empty() &&
                     citation.pages.empty();
    out.BeginObject().Key(web ? "web" : "retrievedContext").BeginObject();
    out.Field("uri", citation.source_uri).FieldIfAny("title", citation.title);
    if (!web) out.FieldIfAny("text", citation.quoted);
    if (!web && !citation.pages.empty()) out.Field("pageNumber", citation.pages.front().page);
    out.EndObject().EndObject();
  }
  out.EndArray().Key("groundingSupports").BeginArray();
  int index = 0;
  for (const auto& placed : citations) {
    const auto& text = *placed.text;
    const auto& citation = *placed.citation;
    auto bytes = [&](std::int64_t at) {
      return ByteOffset(text, static_cast<std::size_t>(std::max<std::int64_t>(at, 0)));
    };
    const bool spanned = citation.answer_end > citation.answer_start;
    const auto start = spanned ? bytes(citation.answer_start) : 0;
    const auto end = spanned ? bytes(citation.answer_end) : text.size();
    out.BeginObject().Key("segment").BeginObject();
    if (placed.part > 0) out.Field("partIndex", placed.part);
    out.Field("startIndex", static_cast<std::int64_t>(placed.text_start + start));
    out.Field("endIndex", static_cast<std::int64_t>(placed.text_start + end));
    out.Field("text", text.substr(start, end - start)).EndObject();
    out.Key("groundingChunkIndices").BeginArray().Value(index++).EndArray().EndObject();
  }
  out.EndArray().EndObject();
}

void WriteLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens) {
  if (tokens.empty()) return;
  auto write = [&](const domain::TokenLogprob& token) {
    out.BeginObject().Field("token", token.token).Field("logProbability", token.logprob);
    out.EndObject();
  };
  out.Key("logprobsResult").BeginObject().Key("chosenCandidates").BeginArray();
  for (const auto& token : tokens) write(token);
  out.EndArray();
  if (!tokens.front().top.empty()) {
    out.Key("topCandidates").BeginArray();
    for (const auto& token : tokens) {
      out.BeginObject().Key("candidates").BeginArray();
      for (const auto& other : token.top) write(other);
      out.EndArray().EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

std::vector<domain::TokenLogprob> ReadLogprobs(const JsonField& candidate) {
  auto read = [](const JsonField& item) {
    domain::TokenLogprob out;
    out.token = item.TextAt("token");
    out.bytes = out.token;
    auto value = item.Get("logProbability");
    out.logprob = value.Double(-1e9, 1e9).value_or(0);
    return out;
  };
  auto result = candidate.Get("logprobsResult");
  auto chosen = result.Get("chosenCandidates");
  auto top = result.Get("topCandidates");
  std::vector<domain::TokenLogprob> out;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    auto item = chosen.Item(i);
    out.push_back(read(item));
    auto place = top.Item(i);
    auto others = place.Get("candidates");
    for (std::size_t k = 0; k < others.size(); ++k) {
      auto other = others.Item(k);
      out.back().top.push_back(read(other));
    }
  }
  return out;
}

void WriteUsage(JsonWriter& out, const domain::Usage& usage) {
  out.Key("usageMetadata").BeginObject().Field("promptTokenCount", usage.PromptTokens());
  out.Field("candidatesTokenCount",
            std::max<std::int64_t>(usage.output_tokens - usage.reasoning_tokens, 0));
  out.Field("totalTokenCount", usage.TotalTokens());
  if (usage.cache_read_tokens > 0) out.Field("cachedContentTokenCount", usage.cache_read_tokens);
  if (usage.reasoning_tokens > 0) out.Field("thoughtsTokenCount", usage.reasoning_tokens);
  out.EndObject();
}

// The prompt count holds the cached tokens, but neither thoughts nor the prompts of the provider's
// own tools, which have counts of their own.
domain::Usage ReadUsage(const JsonField& usage) {
  domain::Usage out;
  out.cache_read_tokens = Count(usage, "cachedContentTokenCount");
  out.input_tokens =
      std::max<std::int64_t>(Count(usage, "promptTokenCount") - out.cache_read_tokens, 0) +
      Count(usage, "toolUsePromptTokenCount");
  out.reasoning_tokens = Count(usage, "thoughtsTokenCount");
  out.output_tokens = Count(usage, "candidatesTokenCount") + out.reasoning_tokens;
  return out;
}

std::string_view FinishReason(StopReason reason) {
  switch (reason) {
    case StopReason::kMaxTokens:
    case StopReason::kContextWindow:
      return "MAX_TOKENS";
    case StopReason::kGuardrail:
    case StopReason::kContentFiltered:
    case StopReason::kRefusal:
      return "SAFETY";
    case StopReason::kEndTurn:
    case StopReason::kToolUse:
    case StopReason::kStopSequence:
      break;
  }
  return "STOP";
}

Result<StopReason> StopReasonOf(std::string_view name) {
  if (name == "MAX_TOKENS") return StopReason::kMaxTokens;
  if (name.starts_with("MALFORMED_") || name == "UNEXPECTED_TOOL_CALL" ||
      name == "TOO_MANY_TOOL_CALLS" || name == "MISSING_THOUGHT_SIGNATURE") {
    return Fail(Code::kUnavailable,
                FormatMessage("the model's answer cannot be used: it ended with {}", name));
  }
  if (name.empty() || name == "STOP" || name == "FINISH_REASON_UNSPECIFIED") {
    return StopReason::kEndTurn;
  }
  // SAFETY, RECITATION, LANGUAGE, BLOCKLIST, PROHIBITED_CONTENT, SPII, OTHER and what is newer:
  // each means that the answer was stopped, never that it is whole.
  return StopReason::kContentFiltered;
}

}  // namespace strata::dialect::gemini
