// Converse content blocks → domain.

#include <fmt/format.h>

#include "dialect/bedrock/blocks.h"
#include "dialect/json/citations.h"
#include "dialect/json/media.h"
#include "dialect/json/signature.h"

namespace strata::dialect::bedrock {
namespace {

using domain::CitationPlace;
using domain::ContentBlock;
using domain::DocumentBlock;
using domain::TextBlock;

constexpr std::string_view kNoS3 =
    "S3 locations are not supported here; send the bytes, or ask a knowledge base";

Result<> ReadOptional(const JsonField& object, std::string_view key, std::string& out) {
  auto field = object.Get(key);
  if (!field.present()) return {};
  STRATA_TRY(out, field.String());
  return {};
}

Result<domain::ImageBlock> DecodeImage(const JsonField& image) {
  STRATA_CHECK_OK(image.OnlyMembers({"format", "source"}));
  domain::ImageBlock out;
  auto format = image.Get("format");
  STRATA_TRY(out.format, format.OneOf({"png", "jpeg", "gif", "webp"}));
  auto source = image.Get("source");
  STRATA_TRY(auto kind, source.OnlyMember());
  if (kind != "bytes") return Fail(source.Wrong(kNoS3));
  auto bytes = source.Get("bytes");
  STRATA_TRY(out.bytes, bytes.Base64());
  return out;
}

// [{"text":…},…]
Result<> DecodeChunks(const JsonField& content, DocumentBlock& out) {
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto item = content.Item(i);
    STRATA_CHECK_OK(item.OnlyMembers({"text"}));
    auto text = item.Get("text");
    STRATA_TRY(out.chunks.emplace_back(), text.String());
  }
  return {};
}

Result<> DecodeCitationsConfig(const JsonField& block, DocumentBlock& out) {
  auto citations = block.Get("citations");
  if (!citations.present()) return {};
  STRATA_CHECK_OK(citations.OnlyMembers({"enabled"}));
  auto enabled = citations.Get("enabled");
  STRATA_TRY(out.cite, enabled.Bool());
  return {};
}

Result<DocumentBlock> DecodeDocument(const JsonField& document) {
  STRATA_CHECK_OK(document.OnlyMembers({"format", "name", "source", "context", "citations"}));
  DocumentBlock out;
  out.format = "txt";
  if (auto format = document.Get("format"); format.present()) {
    STRATA_TRY(out.format,
               format.OneOf({"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}));
  }
  auto name = document.Get("name");
  STRATA_TRY(out.name, name.NonEmptyString());
  STRATA_CHECK_OK(ReadOptional(document, "context", out.context));
  STRATA_CHECK_OK(DecodeCitationsConfig(document, out));
  auto source = document.Get("source");
  STRATA_TRY(auto kind, source.OnlyMember());
  auto value = source.Get(kind);
  if (kind == "text") {
    STRATA_TRY(out.text, value.String());
  } else if (kind == "content") {
    STRATA_CHECK_OK(DecodeChunks(value, out));
  } else if (kind == "bytes") {
    STRATA_TRY(auto bytes, value.Base64());
    STRATA_CHECK_OK(SetDocumentBytes(out, std::move(bytes), value));
  } else {
    return Fail(source.Wrong(kNoS3));
  }
  return out;
}

Result<DocumentBlock> DecodeSearchResult(const JsonField& result) {
  STRATA_CHECK_OK(result.OnlyMembers({"source", "title", "content", "citations"}));
  DocumentBlock out;
  out.format = "txt";
  auto source = result.Get("source");
  STRATA_TRY(out.source_uri, source.NonEmptyString());
  auto title = result.Get("title");
  STRATA_TRY(out.name, title.String());
  auto content = result.Get("content");
  STRATA_CHECK_OK(DecodeChunks(content, out));
  STRATA_CHECK_OK(DecodeCitationsConfig(result, out));
  return out;
}

Result<domain::ToolUseBlock> DecodeToolUse(const JsonField& use) {
  STRATA_CHECK_OK(use.OnlyMembers({"toolUseId", "name", "input"}));
  domain::ToolUseBlock out;
  auto id = use.Get("toolUseId");
  auto name = use.Get("name");
  auto input = use.Get("input");
  STRATA_TRY(out.id, id.NonEmptyString());
  STRATA_TRY(out.name, name.NonEmptyString());
  STRATA_TRY(out.input, input.ObjectText());
  return out;
}

Result<> DecodeResultPiece(const JsonField& piece, domain::ToolResultBlock& out) {
  STRATA_TRY(auto kind, piece.OnlyMember());
  auto value = piece.Get(kind);
  if (kind == "text") {
    STRATA_TRY(auto text, value.String());
    out.content.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
  } else if (kind == "json") {
    out.content.emplace_back(JsonText{value.value().Dump()});
  } else if (kind == "image") {
    STRATA_TRY(auto image, DecodeImage(value));
    out.content.emplace_back(std::move(image));
  } else if (kind == "document") {
    STRATA_TRY(auto document, DecodeDocument(value));
    out.content.emplace_back(std::move(document));
  } else if (kind == "searchResult") {
    STRATA_TRY(auto found, DecodeSearchResult(value));
    out.content.emplace_back(std::move(found));
  } else {
    return Fail(value.Wrong("content of this kind is not supported in a tool result"));
  }
  return {};
}

Result<domain::ToolResultBlock> DecodeToolResult(const JsonField& result) {
  STRATA_CHECK_OK(result.OnlyMembers({"toolUseId", "content", "status"}));
  domain::ToolResultBlock out;
  auto id = result.Get("toolUseId");
  STRATA_TRY(out.tool_use_id, id.NonEmptyString());
  if (auto status = result.Get("status"); status.present()) {
    STRATA_TRY(auto word, status.OneOf({"success", "error"}));
    out.is_error = word == "error";
  }
  auto content = result.Get("content");
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto piece = content.Item(i);
    STRATA_CHECK_OK(DecodeResultPiece(piece, out));
  }
  return out;
}

Result<TextBlock> DecodeGuard(const JsonField& guard) {
  STRATA_TRY(auto kind, guard.OnlyMember());
  auto value = guard.Get(kind);
  if (kind != "text") return Fail(value.Wrong("only text is supported in guardContent"));
  STRATA_CHECK_OK(value.OnlyMembers({"text", "qualifiers"}));
  TextBlock out{.text = {}, .citations = {}, .guard_only = true};
  auto text = value.Get("text");
  STRATA_TRY(out.text, text.String());
  auto qualifiers = value.Get("qualifiers");
  if (!qualifiers.present()) return out;
  STRATA_CHECK_OK(qualifiers.ExpectArray());
  for (std::size_t i = 0; i < qualifiers.size(); ++i) {
    auto item = qualifiers.Item(i);
    STRATA_TRY(out.guard_qualifiers.emplace_back(),
               item.OneOf({"grounding_source", "query", "guard_content"}));
  }
  return out;
}

Result<domain::ReasoningBlock> DecodeReasoning(const JsonField& reasoning) {
  STRATA_TRY(auto kind, reasoning.OnlyMember());
  auto value = reasoning.Get(kind);
  domain::ReasoningBlock out;
  if (kind == "redactedContent") {
    STRATA_TRY(auto redacted, value.Base64());
    ReadRedacted(redacted, kFamily, out);
    return out;
  }
  if (kind != "reasoningText")
    return Fail(value.Wrong("expected reasoningText or redactedContent"));
  STRATA_CHECK_OK(value.OnlyMembers({"text", "signature"}));
  auto text = value.Get("text");
  STRATA_TRY(out.text, text.String());
  ReadSignature(value.TextAt("signature"), kFamily, out);
  return out;
}

Result<TextBlock> DecodeCited(const JsonField& cited) {
  STRATA_CHECK_OK(cited.OnlyMembers({"content", "citations"}));
  TextBlock out;
  auto content = cited.Get("content");
  if (content.present()) {
    STRATA_CHECK_OK(content.ExpectArray());
    for (std::size_t i = 0; i < content.size(); ++i) {
      auto item = content.Item(i);
      STRATA_CHECK_OK(item.OnlyMembers({"text"}));
      auto field = item.Get("text");
      STRATA_TRY(auto text, field.String());
      out.text += text;
    }
  }
  auto citations = cited.Get("citations");
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

Result<> ReadIndex(const JsonField& place, std::string_view key, domain::Citation& out) {
  auto index = place.Get(key);
  if (!index.present()) return {};
  STRATA_TRY(auto number, index.Integer(0, INT32_MAX));
  out.document_index = static_cast<int>(number);
  return {};
}

Result<> ReadSpan(const JsonField& place, domain::Citation& out) {
  auto start = place.Get("start");
  auto end = place.Get("end");
  if (start.present()) {
    STRATA_TRY(out.source_start, start.Integer(0, INT32_MAX));
  }
  if (end.present()) {
    STRATA_TRY(out.source_end, end.Integer(0, INT32_MAX));
  }
  return {};
}

Result<> DecodeLocation(const JsonField& location, domain::Citation& out) {
  STRATA_TRY(auto kind, location.OnlyMember());
  auto place = location.Get(kind);
  STRATA_CHECK_OK(place.ExpectObject());
  if (kind == "web") {
    out.place = CitationPlace::kWeb;
    return ReadOptional(place, "url", out.source_uri);
  }
  if (kind == "searchResultLocation") {
    out.place = CitationPlace::kSearchResult;
    STRATA_CHECK_OK(ReadIndex(place, "searchResultIndex", out));
    return ReadSpan(place, out);
  }
  STRATA_CHECK_OK(ReadIndex(place, "documentIndex", out));
  STRATA_CHECK_OK(ReadSpan(place, out));
  if (kind == "documentPage") {
    out.place = CitationPlace::kPages;
    out.pages = PageRange(out.source_start, out.source_end);
    out.source_start = out.source_end = 0;
  } else if (kind == "documentChunk") {
    out.place = CitationPlace::kChunks;
  } else if (kind != "documentChar") {
    return Fail(place.Wrong("a location of this kind is not supported"));
  }
  return {};
}

}  // namespace

Result<domain::Citation> DecodeCitation(const JsonField& citation) {
  STRATA_CHECK_OK(citation.OnlyMembers({"title", "source", "sourceContent", "location"}));
  domain::Citation out;
  STRATA_CHECK_OK(ReadOptional(citation, "title", out.title));
  STRATA_CHECK_OK(ReadOptional(citation, "source", out.source_uri));
  if (auto content = citation.Get("sourceContent"); content.present()) {
    STRATA_CHECK_OK(content.ExpectArray());
    for (std::size_t i = 0; i < content.size(); ++i) {
      auto item = content.Item(i);
      STRATA_CHECK_OK(item.OnlyMembers({"text"}));
      auto field = item.Get("text");
      STRATA_TRY(auto text, field.String());
      out.quoted += text;
    }
  }
  if (auto location = citation.Get("location"); location.present()) {
    STRATA_CHECK_OK(DecodeLocation(location, out));
  }
  return out;
}

Result<domain::CachePoint> DecodeCachePoint(const JsonField& point) {
  STRATA_CHECK_OK(point.OnlyMembers({"type", "ttl"}));
  auto type = point.Get("type");
  if (!type.Is("default")) return Fail(type.Wrong("expected default"));
  domain::CachePoint out;
  if (auto ttl = point.Get("ttl"); ttl.present()) {
    STRATA_TRY(out.ttl, ttl.OneOf({"5m", "1h"}));
  }
  return out;
}

Result<ContentBlock> DecodeBlock(const JsonField& block) {
  STRATA_TRY(auto kind, block.OnlyMember());
  auto value = block.Get(kind);
  if (kind == "text") {
    STRATA_TRY(auto text, value.String());
    return TextBlock{.text = std::move(text), .citations = {}};
  }
  if (kind == "image") return DecodeImage(value);
  if (kind == "document") return DecodeDocument(value);
  if (kind == "toolUse") return DecodeToolUse(value);
  if (kind == "toolResult") return DecodeToolResult(value);
  if (kind == "guardContent") return DecodeGuard(value);
  if (kind == "cachePoint") return DecodeCachePoint(value);
  if (kind == "reasoningContent") return DecodeReasoning(value);
  if (kind == "citationsContent") return DecodeCited(value);
  if (kind == "searchResult") return DecodeSearchResult(value);
  return Fail(value.Wrong("content blocks of this kind are not supported"));
}

Result<> DecodeBlocks(const JsonField& list, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(list.ExpectArray());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto block, DecodeBlock(item));
    out.push_back(std::move(block));
  }
  return {};
}

}  // namespace strata::dialect::bedrock
