// Domain → Converse content blocks.

#include <algorithm>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/json/citations.h"
#include "dialect/json/signature.h"
#include "dialect/json/tool_id.h"

namespace strata::dialect::bedrock {
namespace {

using domain::CachePoint;
using domain::CitationPlace;
using domain::ContentBlock;
using domain::DocumentBlock;
using domain::StopReason;
using domain::TextBlock;

// The API allows letters, digits, single blanks, hyphens, parentheses and brackets, at most 200.
std::string DocumentName(std::string_view name) {
  constexpr std::string_view kAllowed = " -()[]";
  std::string out;
  for (char c : name.substr(0, 200)) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!word && kAllowed.find(c) == kAllowed.npos) c = '-';
    if (c == ' ' && out.ends_with(' ')) continue;
    out += c;
  }
  return out.empty() ? "document" : out;
}

void WriteChunks(JsonWriter& out, const std::vector<std::string>& chunks) {
  out.BeginArray();
  for (const auto& chunk : chunks) out.BeginObject().Field("text", chunk).EndObject();
  out.EndArray();
}

void WriteCite(JsonWriter& out, const DocumentBlock& document) {
  if (!document.cite) return;
  out.Key("citations").BeginObject().Field("enabled", *document.cite).EndObject();
}

// Each writes one member of a content union into the open object.
class MemberWriter {
 public:
  explicit MemberWriter(JsonWriter& out) : out_(out) {}

  Result<> operator()(const TextBlock& text) {
    if (text.guard_only) {
      out_.Key("guardContent").BeginObject().Key("text").BeginObject().Field("text", text.text);
      if (!text.guard_qualifiers.empty()) {
        out_.Key("qualifiers").BeginArray();
        for (const auto& qualifier : text.guard_qualifiers) out_.Value(qualifier);
        out_.EndArray();
      }
      out_.EndObject().EndObject();
    } else if (text.citations.empty()) {
      out_.Field("text", text.text);
    } else {
      out_.Key("citationsContent").BeginObject().Key("content");
      WriteChunks(out_, {text.text});
      out_.Key("citations").BeginArray();
      for (const auto& citation : text.citations) WriteCitation(out_, citation);
      out_.EndArray().EndObject();
    }
    return {};
  }
  Result<> operator()(const JsonText& json) {
    out_.RawField("json", json.text.empty() ? "{}" : json.text);
    return {};
  }
  Result<> operator()(const domain::ImageBlock& image) {
    if (!image.url.empty()) {
      return Fail(Code::kInvalidArgument,
                  "this provider takes images only as bytes, not by address");
    }
    out_.Key("image").BeginObject().Field("format", image.format).Key("source").BeginObject();
    out_.Field("bytes", Base64Encode(image.bytes)).EndObject().EndObject();
    return {};
  }
  Result<> operator()(const DocumentBlock& document) {
    if (!document.source_uri.empty() && !document.chunks.empty()) {
      out_.Key("searchResult").BeginObject().Field("source", document.source_uri);
      out_.Field("title", document.name).Key("content");
      WriteChunks(out_, document.chunks);
      WriteCite(out_, document);
      out_.EndObject();
      return {};
    }
    return Document(document);
  }
  Result<> operator()(const domain::ToolUseBlock& use) {
    out_.Key("toolUse").BeginObject().Field("toolUseId", WordId(use.id)).Field("name", use.name);
    out_.RawField("input", ObjectOrWrapped(use.input)).EndObject();
    return {};
  }
  Result<> operator()(const domain::ToolResultBlock& result) {
    out_.Key("toolResult").BeginObject().Field("toolUseId", WordId(result.tool_use_id));
    out_.Key("content").BeginArray();
    for (const auto& piece : result.content) {
      out_.BeginObject();
      STRATA_CHECK_OK(std::visit(*this, piece));
      out_.EndObject();
    }
    out_.EndArray();
    if (result.is_error) out_.Field("status", "error");
    out_.EndObject();
    return {};
  }
  Result<> operator()(const domain::ReasoningBlock& reasoning) {
    out_.Key("reasoningContent").BeginObject();
    if (!reasoning.redacted.empty()) {
      out_.Field("redactedContent",
                 Base64Encode(MarkRedacted(reasoning.redacted, reasoning.signer, kFamily)));
    } else {
      out_.Key("reasoningText").BeginObject().Field("text", reasoning.text);
      out_.FieldIfAny("signature", MarkSignature(reasoning.signature, reasoning.signer, kFamily));
      out_.EndObject();
    }
    out_.EndObject();
    return {};
  }
  Result<> operator()(const CachePoint& point) {
    out_.Key("cachePoint");
    WriteCachePoint(out_, point);
    return {};
  }

 private:
  Result<> Document(const DocumentBlock& document) {
    if (!document.url.empty()) {
      return Fail(Code::kInvalidArgument,
                  FormatMessage("document '{}': this provider takes no documents by address",
                                document.name));
    }
    out_.Key("document").BeginObject().FieldIfAny("format", document.format);
    out_.Field("name", DocumentName(document.name)).Key("source").BeginObject();
    if (!document.bytes.empty()) {
      out_.Field("bytes", Base64Encode(document.bytes));
    } else if (!document.chunks.empty()) {
      out_.Key("content");
      WriteChunks(out_, document.chunks);
    } else {
      out_.Field("text", document.text);
    }
    out_.EndObject().FieldIfAny("context", document.context);
    WriteCite(out_, document);
    out_.EndObject();
    return {};
  }

  JsonWriter& out_;
};

Result<> WriteOne(JsonWriter& out, const ContentBlock& block) {
  out.BeginObject();
  STRATA_CHECK_OK(std::visit(MemberWriter(out), block));
  out.EndObject();
  return {};
}

}  // namespace

bool Writable(const std::vector<ContentBlock>& content) {
  return std::ranges::any_of(content, [](const ContentBlock& block) {
    const auto* text = std::get_if<TextBlock>(&block);
    return text == nullptr || !text->text.empty();
  });
}

Result<> WriteBlocks(JsonWriter& out, const std::vector<ContentBlock>& content) {
  for (const auto& block : content) {
    const auto* text = std::get_if<TextBlock>(&block);
    if (text != nullptr && text->text.empty()) continue;
    if (text == nullptr || text->citations.empty()) {
      STRATA_CHECK_OK(WriteOne(out, block));
      continue;
    }
    for (auto& piece : SplitByCitations(*text)) {
      STRATA_CHECK_OK(WriteOne(out, ContentBlock(std::move(piece))));
    }
  }
  return {};
}

void WriteCachePoint(JsonWriter& out, const CachePoint& point) {
  out.BeginObject().Field("type", "default").FieldIfAny("ttl", point.ttl).EndObject();
}

void WriteCitation(JsonWriter& out, const domain::Citation& citation) {
  out.BeginObject().FieldIfAny("title", citation.title).FieldIfAny("source", citation.source_uri);
  if (!citation.quoted.empty()) {
    out.Key("sourceContent");
    WriteChunks(out, {citation.quoted});
  }
  out.Key("location").BeginObject();
  auto place = [&](std::string_view member, std::string_view index_name, std::int64_t start,
                   std::int64_t end) {
    out.Key(member).BeginObject().Field(index_name, citation.document_index);
    out.Field("start", start).Field("end", end).EndObject();
  };
  switch (PlaceOf(citation)) {
    case CitationPlace::kWeb:
      out.Key("web").BeginObject().Field("url", citation.source_uri).EndObject();
      break;
    case CitationPlace::kSearchResult: {
      // Offsets of a knowledge base's citation count code points: it is one piece here.
      const bool pieces = citation.place == CitationPlace::kSearchResult;
      place("searchResultLocation", "searchResultIndex", pieces ? citation.source_start : 0,
            pieces ? citation.source_end : 1);
      break;
    }
    case CitationPlace::kPages: {
      const int first = citation.pages.empty() ? 1 : citation.pages.front().page;
      const int last = citation.pages.empty() ? 1 : citation.pages.back().page;
      place("documentPage", "documentIndex", first, last + 1);
      break;
    }
    case CitationPlace::kChunks:
      place("documentChunk", "documentIndex", citation.source_start, citation.source_end);
      break;
    case CitationPlace::kText:
      place("documentChar", "documentIndex", citation.source_start, citation.source_end);
      break;
  }
  out.EndObject().EndObject();
}

void WriteUsage(JsonWriter& out, const domain::Usage& usage) {
  out.BeginObject().Field("inputTokens", usage.input_tokens);
  out.Field("outputTokens", usage.output_tokens).Field("totalTokens", usage.TotalTokens());
  out.Field("cacheReadInputTokens", usage.cache_read_tokens);
  out.Field("cacheWriteInputTokens", usage.cache_write_tokens).EndObject();
}

domain::Usage ReadUsage(const JsonField& usage) {
  auto read = [&](std::string_view key) {
    auto field = usage.Get(key);
    return field.Integer(0, domain::kTokensMax).value_or(0);
  };
  domain::Usage out;
  out.input_tokens = read("inputTokens");
  out.output_tokens = read("outputTokens");
  out.cache_read_tokens = read("cacheReadInputTokens");
  out.cache_write_tokens = read("cacheWriteInputTokens");
  return out;
}

std::string_view StopReasonName(StopReason reason) {
  switch (reason) {
    case StopReason::kEndTurn:
      return "end_turn";
    case StopReason::kToolUse:
      return "tool_use";
    case StopReason::kMaxTokens:
      return "max_tokens";
    case StopReason::kStopSequence:
      return "stop_sequence";
    case StopReason::kGuardrail:
      return "guardrail_intervened";
    case StopReason::kContentFiltered:
    case StopReason::kRefusal:
      return "content_filtered";
    case StopReason::kContextWindow:
      return "model_context_window_exceeded";
  }
  return "end_turn";
}

StopReason StopReasonOf(std::string_view name) {
  if (name == "tool_use") return StopReason::kToolUse;
  if (name == "max_tokens") return StopReason::kMaxTokens;
  if (name == "stop_sequence") return StopReason::kStopSequence;
  if (name == "guardrail_intervened") return StopReason::kGuardrail;
  if (name == "content_filtered") return StopReason::kContentFiltered;
  if (name == "model_context_window_exceeded") return StopReason::kContextWindow;
  return StopReason::kEndTurn;
}

}  // namespace strata::dialect::bedrock
