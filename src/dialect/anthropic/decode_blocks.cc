// Content blocks → domain.

#include <fmt/format.h>

#include <utility>

#include "dialect/anthropic/blocks.h"
#include "dialect/json/citations.h"
#include "dialect/json/media.h"
#include "dialect/json/signature.h"

namespace strata::dialect::anthropic {
namespace {

using domain::CitationPlace;
using domain::ContentBlock;
using domain::DocumentBlock;
using domain::TextBlock;

Result<> ReadSpan(const JsonField& object, std::string_view start_key, std::string_view end_key,
                  domain::Citation& out) {
  auto start = object.Get(start_key);
  auto end = object.Get(end_key);
  STRATA_TRY(out.source_start, start.Integer(0, INT32_MAX));
  STRATA_TRY(out.source_end, end.Integer(0, INT32_MAX));
  return {};
}

Result<> ReadOptional(const JsonField& object, std::string_view key, std::string& out) {
  auto field = object.Get(key);
  if (!field.present()) return {};
  STRATA_TRY(out, field.String());
  return {};
}

Result<> ReadIndex(const JsonField& object, std::string_view key, domain::Citation& out) {
  auto field = object.Get(key);
  STRATA_TRY(auto index, field.Integer(0, INT32_MAX));
  out.document_index = static_cast<int>(index);
  return {};
}

Result<> DecodeSearchResultPlace(const JsonField& citation, domain::Citation& out) {
  out.place = CitationPlace::kSearchResult;
  STRATA_CHECK_OK(ReadIndex(citation, "search_result_index", out));
  STRATA_CHECK_OK(ReadOptional(citation, "source", out.source_uri));
  STRATA_CHECK_OK(ReadOptional(citation, "title", out.title));
  return ReadSpan(citation, "start_block_index", "end_block_index", out);
}

Result<> DecodeDocumentPlace(const JsonField& citation, std::string_view type,
                             domain::Citation& out) {
  STRATA_CHECK_OK(ReadIndex(citation, "document_index", out));
  STRATA_CHECK_OK(ReadOptional(citation, "document_title", out.title));
  if (type == "char_location") {
    return ReadSpan(citation, "start_char_index", "end_char_index", out);
  }
  if (type == "content_block_location") {
    out.place = CitationPlace::kChunks;
    return ReadSpan(citation, "start_block_index", "end_block_index", out);
  }
  out.place = CitationPlace::kPages;
  STRATA_CHECK_OK(ReadSpan(citation, "start_page_number", "end_page_number", out));
  out.pages = PageRange(std::exchange(out.source_start, 0), std::exchange(out.source_end, 0));
  return {};
}

Result<TextBlock> DecodeText(const JsonField& block) {
  STRATA_CHECK_OK(block.OnlyMembers({"type", "text", "cache_control", "citations"}));
  TextBlock out;
  auto text = block.Get("text");
  STRATA_TRY(out.text, text.String());
  auto citations = block.Get("citations");
  if (!citations.present()) return out;
  STRATA_CHECK_OK(citations.ExpectArray());
  for (std::size_t i = 0; i < citations.size(); ++i) {
    auto item = citations.Item(i);
    STRATA_TRY(auto citation, DecodeCitation(item));
    out.citations.push_back(std::move(citation));
  }
  CoverWhole(out);
  return out;
}

Result<domain::ImageBlock> DecodeImage(const JsonField& block) {
  STRATA_CHECK_OK(block.OnlyMembers({"type", "source", "cache_control"}));
  auto source = block.Get("source");
  STRATA_CHECK_OK(source.ExpectObject());
  domain::ImageBlock out;
  auto type = source.Get("type");
  if (type.Is("url")) {
    auto url = source.Get("url");
    STRATA_TRY(out.url, url.String());
    if (!out.url.starts_with("https://")) return Fail(url.Wrong("expected an https: address"));
    return out;
  }
  if (!type.Is("base64")) return Fail(type.Wrong("expected base64 or url"));
  auto media_type = source.Get("media_type");
  STRATA_TRY(auto media, media_type.String());
  auto format = ImageFormat(media);
  if (!format) return Fail(media_type.Wrong("expected image/png, jpeg, gif or webp"));
  out.format = std::move(*format);
  auto data = source.Get("data");
  STRATA_TRY(out.bytes, data.Base64());
  return out;
}

// The text blocks of custom content or of a search result.
Result<> DecodeChunks(const JsonField& content, DocumentBlock& out) {
  if (content.present() && content.value().string() != nullptr) {
    out.chunks.push_back(*content.value().string());
    return {};
  }
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto item = content.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto type = item.Get("type");
    if (!type.Is("text")) return Fail(type.Wrong("only text is supported here"));
    STRATA_CHECK_OK(item.OnlyMembers({"type", "text"}));
    auto text = item.Get("text");
    STRATA_TRY(out.chunks.emplace_back(), text.String());
  }
  return {};
}

Result<> DecodeDocumentSource(const JsonField& source, DocumentBlock& out) {
  STRATA_CHECK_OK(source.ExpectObject());
  auto type_field = source.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"base64", "text", "content", "url"}));
  if (type == "content") {
    out.format = "txt";
    auto content = source.Get("content");
    return DecodeChunks(content, out);
  }
  if (type == "url") {
    out.format = "pdf";  // the only kind that the API fetches
    auto url = source.Get("url");
    STRATA_TRY(out.url, url.String());
    if (!out.url.starts_with("https://")) return Fail(url.Wrong("expected an https: address"));
    return {};
  }
  auto media_type = source.Get("media_type");
  auto data = source.Get("data");
  if (type == "text") {
    if (!media_type.Is("text/plain")) return Fail(media_type.Wrong("expected text/plain"));
    out.format = "txt";
    STRATA_TRY(out.text, data.String());
    return {};
  }
  if (!media_type.Is("application/pdf")) return Fail(media_type.Wrong("expected application/pdf"));
  out.format = "pdf";
  STRATA_TRY(out.bytes, data.Base64());
  return {};
}

Result<> DecodeCitationsConfig(const JsonField& block, DocumentBlock& out) {
  auto citations = block.Get("citations");
  if (!citations.present()) return {};
  STRATA_CHECK_OK(citations.OnlyMembers({"enabled"}));
  auto enabled = citations.Get("enabled");
  if (!enabled.present()) return {};
  STRATA_TRY(out.cite, enabled.Bool());
  return {};
}

Result<DocumentBlock> DecodeDocument(const JsonField& block) {
  STRATA_CHECK_OK(
      block.OnlyMembers({"type", "source", "title", "context", "citations", "cache_control"}));
  DocumentBlock out;
  auto source = block.Get("source");
  STRATA_CHECK_OK(DecodeDocumentSource(source, out));
  STRATA_CHECK_OK(ReadOptional(block, "title", out.name));
  STRATA_CHECK_OK(ReadOptional(block, "context", out.context));
  STRATA_CHECK_OK(DecodeCitationsConfig(block, out));
  return out;
}

Result<DocumentBlock> DecodeSearchResult(const JsonField& block) {
  STRATA_CHECK_OK(
      block.OnlyMembers({"type", "content", "source", "title", "citations", "cache_control"}));
  DocumentBlock out;
  out.format = "txt";
  auto source = block.Get("source");
  STRATA_TRY(out.source_uri, source.NonEmptyString());
  STRATA_CHECK_OK(ReadOptional(block, "title", out.name));
  auto content = block.Get("content");
  STRATA_CHECK_OK(DecodeChunks(content, out));
  STRATA_CHECK_OK(DecodeCitationsConfig(block, out));
  return out;
}

Result<domain::ToolUseBlock> DecodeToolUse(const JsonField& block) {
  STRATA_CHECK_OK(block.OnlyMembers({"type", "id", "name", "input", "cache_control", "caller"}));
  if (auto caller = block.Get("caller"); caller.present()) {
    auto type = caller.Get("type");
    if (!type.Is("direct")) return Fail(type.Wrong("only direct tool calls are supported"));
  }
  domain::ToolUseBlock out;
  auto id = block.Get("id");
  auto name = block.Get("name");
  auto input = block.Get("input");
  STRATA_TRY(out.id, id.NonEmptyString());
  STRATA_TRY(out.name, name.NonEmptyString());
  STRATA_TRY(out.input, input.ObjectText());
  return out;
}

// A piece of a tool result. A cache mark inside the result is kept after the result.
Result<> DecodeResultPiece(const JsonField& piece, domain::ToolResultBlock& result,
                           std::optional<domain::CachePoint>& cache) {
  STRATA_CHECK_OK(piece.ExpectObject());
  auto type_field = piece.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"text", "image", "document", "search_result"}));
  if (auto mark = piece.Get("cache_control"); mark.present()) {
    STRATA_TRY(cache, DecodeCacheControl(mark));
  }
  if (type == "text") {
    STRATA_TRY(auto text, DecodeText(piece));
    result.content.emplace_back(std::move(text));
  } else if (type == "image") {
    STRATA_TRY(auto image, DecodeImage(piece));
    result.content.emplace_back(std::move(image));
  } else if (type == "document") {
    STRATA_TRY(auto document, DecodeDocument(piece));
    result.content.emplace_back(std::move(document));
  } else {
    STRATA_TRY(auto found, DecodeSearchResult(piece));
    result.content.emplace_back(std::move(found));
  }
  return {};
}

Result<domain::ToolResultBlock> DecodeToolResult(const JsonField& block,
                                                 std::optional<domain::CachePoint>& cache) {
  STRATA_CHECK_OK(
      block.OnlyMembers({"type", "tool_use_id", "content", "is_error", "cache_control"}));
  domain::ToolResultBlock out;
  auto id = block.Get("tool_use_id");
  STRATA_TRY(out.tool_use_id, id.NonEmptyString());
  if (auto error = block.Get("is_error"); error.present()) {
    STRATA_TRY(out.is_error, error.Bool());
  }
  auto content = block.Get("content");
  if (!content.present()) return out;
  if (const auto* text = content.value().string()) {
    out.content.emplace_back(TextBlock{.text = *text, .citations = {}});
    return out;
  }
  if (!content.ExpectArray()) {
    return Fail(content.Wrong("expected a string or a list of content blocks"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto piece = content.Item(i);
    STRATA_CHECK_OK(DecodeResultPiece(piece, out, cache));
  }
  return out;
}

Result<domain::ReasoningBlock> DecodeThinking(const JsonField& block, std::string_view type) {
  domain::ReasoningBlock out;
  if (type == "redacted_thinking") {
    STRATA_CHECK_OK(block.OnlyMembers({"type", "data"}));
    auto data = block.Get("data");
    STRATA_TRY(auto redacted, data.NonEmptyString());
    ReadRedacted(redacted, kFamily, out);
    return out;
  }
  STRATA_CHECK_OK(block.OnlyMembers({"type", "thinking", "signature"}));
  auto thinking = block.Get("thinking");
  STRATA_TRY(out.text, thinking.String());
  ReadSignature(block.TextAt("signature"), kFamily, out);
  return out;
}

Result<ContentBlock> DecodeKind(const JsonField& block, std::string_view type,
                                std::optional<domain::CachePoint>& cache) {
  if (type == "text") return DecodeText(block);
  if (type == "image") return DecodeImage(block);
  if (type == "document") return DecodeDocument(block);
  if (type == "search_result") return DecodeSearchResult(block);
  if (type == "tool_use") return DecodeToolUse(block);
  if (type == "tool_result") return DecodeToolResult(block, cache);
  if (type == "thinking" || type == "redacted_thinking") return DecodeThinking(block, type);
  return Fail(block.Get("type").Wrong(
      "expected one of text, image, document, search_result, tool_use, tool_result, thinking, "
      "redacted_thinking"));
}

}  // namespace

Result<domain::CachePoint> DecodeCacheControl(const JsonField& cache_control) {
  STRATA_CHECK_OK(cache_control.OnlyMembers({"type", "ttl"}));
  auto type = cache_control.Get("type");
  if (!type.Is("ephemeral")) return Fail(type.Wrong("expected ephemeral"));
  domain::CachePoint out;
  if (auto ttl = cache_control.Get("ttl"); ttl.present()) {
    STRATA_TRY(out.ttl, ttl.OneOf({"5m", "1h"}));
  }
  return out;
}

Result<domain::Citation> DecodeCitation(const JsonField& citation) {
  STRATA_CHECK_OK(citation.ExpectObject());
  auto type_field = citation.Get("type");
  STRATA_TRY(auto type,
             type_field.OneOf({"char_location", "page_location", "content_block_location",
                               "search_result_location", "web_search_result_location"}));
  domain::Citation out;
  STRATA_CHECK_OK(ReadOptional(citation, "cited_text", out.quoted));
  if (type == "search_result_location") {
    STRATA_CHECK_OK(DecodeSearchResultPlace(citation, out));
  } else if (type == "web_search_result_location") {
    out.place = CitationPlace::kWeb;
    STRATA_CHECK_OK(ReadOptional(citation, "url", out.source_uri));
    STRATA_CHECK_OK(ReadOptional(citation, "title", out.title));
  } else {
    STRATA_CHECK_OK(DecodeDocumentPlace(citation, type, out));
  }
  return out;
}

Result<> DecodeBlock(const JsonField& block, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(block.ExpectObject());
  auto type_field = block.Get("type");
  STRATA_TRY(auto type, type_field.String());
  std::optional<domain::CachePoint> cache;
  STRATA_TRY(auto decoded, DecodeKind(block, type, cache));
  out.push_back(std::move(decoded));
  if (auto mark = block.Get("cache_control"); mark.present()) {
    STRATA_TRY(cache, DecodeCacheControl(mark));
  }
  if (cache) out.emplace_back(std::move(*cache));
  return {};
}

Result<> DecodeContent(const JsonField& content, std::vector<ContentBlock>& out) {
  if (content.present() && content.value().string() != nullptr) {
    out.emplace_back(TextBlock{.text = *content.value().string(), .citations = {}});
    return {};
  }
  if (!content.ExpectArray()) {
    return Fail(content.Wrong("expected a string or a list of content blocks"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto block = content.Item(i);
    STRATA_CHECK_OK(DecodeBlock(block, out));
  }
  return {};
}

}  // namespace strata::dialect::anthropic
