// Domain → content blocks.

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/json/citations.h"
#include "dialect/json/claude.h"
#include "dialect/json/media.h"
#include "dialect/json/overloaded.h"
#include "dialect/json/signature.h"
#include "dialect/json/tool_id.h"

namespace strata::dialect::anthropic {
namespace {

using domain::CachePoint;
using domain::CitationPlace;
using domain::ContentBlock;
using domain::DocumentBlock;
using domain::StopReason;
using domain::TextBlock;

void WriteChunks(JsonWriter& out, const std::vector<std::string>& chunks) {
  out.BeginArray();
  for (const auto& chunk : chunks) {
    out.BeginObject().Field("type", "text").Field("text", chunk).EndObject();
  }
  out.EndArray();
}

void WriteCite(JsonWriter& out, const DocumentBlock& document) {
  if (!document.cite) return;
  out.Key("citations").BeginObject().Field("enabled", *document.cite).EndObject();
}

Result<> WriteDocumentSource(JsonWriter& out, const DocumentBlock& document) {
  out.Key("source").BeginObject();
  if (!document.url.empty()) {
    out.Field("type", "url").Field("url", document.url);
  } else if (!document.bytes.empty()) {
    if (document.format != "pdf") {
      return Fail(
          Code::kInvalidArgument,
          FormatMessage("document '{}': this provider takes no {} documents, only pdf and text",
                        document.name, document.format));
    }
    out.Field("type", "base64").Field("media_type", "application/pdf");
    out.Field("data", Base64Encode(document.bytes));
  } else if (!document.chunks.empty()) {
    out.Field("type", "content").Key("content");
    WriteChunks(out, document.chunks);
  } else {
    out.Field("type", "text").Field("media_type", "text/plain").Field("data", document.text);
  }
  out.EndObject();
  return {};
}

// Members of a block in an object that the caller opens and closes, so that cache_control can
// follow.
class BlockWriter {
 public:
  explicit BlockWriter(JsonWriter& out) : out_(out) {}

  Result<> Write(const ContentBlock& block) {
    return std::visit([&](const auto& b) { return Members(b); }, block);
  }

  Result<> Members(const TextBlock& text) {
    out_.Field("type", "text").Field("text", text.text);
    if (text.citations.empty()) return {};
    out_.Key("citations").BeginArray();
    for (const auto& citation : text.citations) WriteCitation(out_, citation);
    out_.EndArray();
    return {};
  }
  Result<> Members(const domain::ImageBlock& image) {
    out_.Field("type", "image").Key("source").BeginObject();
    if (image.url.starts_with("gs:")) {
      return Fail(Code::kInvalidArgument, "this provider takes no images by gs: address");
    }
    if (!image.url.empty()) {
      out_.Field("type", "url").Field("url", image.url);
    } else {
      out_.Field("type", "base64").Field("media_type", ImageMediaType(image.format));
      out_.Field("data", Base64Encode(image.bytes));
    }
    out_.EndObject();
    return {};
  }
  Result<> Members(const DocumentBlock& document) {
    if (!document.source_uri.empty() && !document.chunks.empty()) {
      out_.Field("type", "search_result").Field("source", document.source_uri);
      out_.Field("title", document.name).Key("content");
      WriteChunks(out_, document.chunks);
      WriteCite(out_, document);
      return {};
    }
    out_.Field("type", "document");
    STRATA_CHECK_OK(WriteDocumentSource(out_, document));
    out_.FieldIfAny("title", document.name).FieldIfAny("context", document.context);
    WriteCite(out_, document);
    return {};
  }
  Result<> Members(const domain::ToolUseBlock& use) {
    out_.Field("type", "tool_use").Field("id", WordId(use.id)).Field("name", use.name);
    out_.RawField("input", ObjectOrWrapped(use.input));
    return {};
  }
  Result<> Members(const domain::ToolResultBlock& result) {
    out_.Field("type", "tool_result").Field("tool_use_id", WordId(result.tool_use_id));
    out_.Key("content").BeginArray();
    for (const auto& piece : result.content) {
      const auto* text = std::get_if<TextBlock>(&piece);
      if (text != nullptr && text->text.empty()) continue;
      out_.BeginObject();
      STRATA_CHECK_OK(std::visit([&](const auto& p) { return Members(p); }, piece));
      out_.EndObject();
    }
    out_.EndArray();
    if (result.is_error) out_.Field("is_error", true);
    return {};
  }
  // Only in tool results, where the dialect has no JSON of its own.
  Result<> Members(const JsonText& json) {
    out_.Field("type", "text").Field("text", json.text);
    return {};
  }
  Result<> Members(const domain::ReasoningBlock& reasoning) {
    if (!reasoning.redacted.empty()) {
      out_.Field("type", "redacted_thinking");
      out_.Field("data", MarkRedacted(reasoning.redacted, reasoning.signer, kFamily));
    } else {
      out_.Field("type", "thinking").Field("thinking", reasoning.text);
      out_.Field("signature", MarkSignature(reasoning.signature, reasoning.signer, kFamily));
    }
    return {};
  }
  Result<> Members(const CachePoint&) { return Fail(Internal("a cache point is no block here")); }

 private:
  JsonWriter& out_;
};

bool LeftOut(const ContentBlock& block, Towards towards) {
  if (const auto* text = std::get_if<TextBlock>(&block)) return text->text.empty();
  const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block);
  return towards == Towards::kProvider && reasoning != nullptr && !ClaudeReads(*reasoning);
}

Result<> WriteOne(JsonWriter& out, const ContentBlock& block, const CachePoint* cache) {
  out.BeginObject();
  STRATA_CHECK_OK(BlockWriter(out).Write(block));
  // Thinking blocks may not carry the mark.
  if (cache != nullptr && !std::holds_alternative<domain::ReasoningBlock>(block)) {
    out.Key("cache_control");
    WriteCacheControl(out, *cache);
  }
  out.EndObject();
  return {};
}

}  // namespace

bool Writable(const std::vector<ContentBlock>& content) {
  return std::ranges::any_of(content, [](const ContentBlock& block) {
    return !std::holds_alternative<CachePoint>(block) && !LeftOut(block, Towards::kProvider);
  });
}

Result<> WriteBlocks(JsonWriter& out, const std::vector<ContentBlock>& content, Towards towards) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    // A cache point is written with the block before it; with none before it, it marks nothing.
    if (std::holds_alternative<CachePoint>(content[i])) continue;
    if (LeftOut(content[i], towards)) {
      const auto* reasoning = std::get_if<domain::ReasoningBlock>(&content[i]);
      if (reasoning != nullptr) out.Dropped(WhyLeftOut(*reasoning));
      continue;
    }
    const auto* cache = i + 1 < content.size() ? std::get_if<CachePoint>(&content[i + 1]) : nullptr;
    const auto* text = std::get_if<TextBlock>(&content[i]);
    if (text == nullptr || text->citations.empty()) {
      STRATA_CHECK_OK(WriteOne(out, content[i], cache));
      continue;
    }
    auto pieces = SplitByCitations(*text);
    for (std::size_t p = 0; p < pieces.size(); ++p) {
      STRATA_CHECK_OK(WriteOne(out, pieces[p], p + 1 == pieces.size() ? cache : nullptr));
    }
  }
  return {};
}

void WriteCacheControl(JsonWriter& out, const CachePoint& point) {
  out.BeginObject().Field("type", "ephemeral").FieldIfAny("ttl", point.ttl).EndObject();
}

void WriteCitation(JsonWriter& out, const domain::Citation& citation) {
  auto span = [&](std::string_view start, std::string_view end) {
    out.Field(start, citation.source_start).Field(end, citation.source_end);
  };
  out.BeginObject();
  const auto place = PlaceOf(citation);
  if (place == CitationPlace::kSearchResult || place == CitationPlace::kWeb) {
    out.Field("type", "search_result_location").Field("cited_text", citation.quoted);
    out.Field("search_result_index", citation.document_index);
    out.Field("source", citation.source_uri).Field("title", citation.title);
    // Offsets of a knowledge base's citation count code points: it is one piece here.
    const bool pieces = citation.place == CitationPlace::kSearchResult;
    out.Field("start_block_index", pieces ? citation.source_start : 0);
    out.Field("end_block_index", pieces ? citation.source_end : 1);
    out.EndObject();
    return;
  }
  out.Field("type", place == CitationPlace::kPages    ? "page_location"
                    : place == CitationPlace::kChunks ? "content_block_location"
                                                      : "char_location");
  out.Field("cited_text", citation.quoted).Field("document_index", citation.document_index);
  out.Key("document_title");
  citation.title.empty() ? out.Null() : out.Value(citation.title);
  if (place == CitationPlace::kPages) {
    const int first = citation.pages.empty() ? 1 : citation.pages.front().page;
    const int last = citation.pages.empty() ? 1 : citation.pages.back().page;
    out.Field("start_page_number", first).Field("end_page_number", last + 1);
  } else if (place == CitationPlace::kChunks) {
    span("start_block_index", "end_block_index");
  } else {
    span("start_char_index", "end_char_index");
  }
  out.EndObject();
}

void WriteUsage(JsonWriter& out, const domain::Usage& usage) {
  out.BeginObject().Field("input_tokens", usage.input_tokens);
  out.Field("cache_creation_input_tokens", usage.cache_write_tokens);
  out.Field("cache_read_input_tokens", usage.cache_read_tokens);
  out.Field("output_tokens", usage.output_tokens).EndObject();
}

void ReadUsage(const JsonField& object, domain::Usage& usage) {
  auto read = [&](std::string_view key, std::int64_t& into) {
    auto field = object.Get(key);
    if (!field.present()) return;  // an error, with its path, is not worth making for it
    if (auto count = field.Integer(0, domain::kTokensMax)) into = *count;
  };
  read("input_tokens", usage.input_tokens);
  read("cache_creation_input_tokens", usage.cache_write_tokens);
  read("cache_read_input_tokens", usage.cache_read_tokens);
  read("output_tokens", usage.output_tokens);
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
    case StopReason::kContentFiltered:
    case StopReason::kRefusal:
      return "refusal";
    case StopReason::kContextWindow:
      return "model_context_window_exceeded";
  }
  return "end_turn";
}

StopReason StopReasonOf(std::string_view name) {
  if (name == "tool_use") return StopReason::kToolUse;
  if (name == "max_tokens") return StopReason::kMaxTokens;
  if (name == "stop_sequence") return StopReason::kStopSequence;
  if (name == "refusal") return StopReason::kRefusal;
  if (name == "model_context_window_exceeded") return StopReason::kContextWindow;
  return StopReason::kEndTurn;
}

std::string AnswerId(std::string_view request_id, std::string_view provider_id) {
  if (request_id.empty()) return std::string(provider_id);
  return fmt::format("msg_{}", request_id);
}

}  // namespace strata::dialect::anthropic
