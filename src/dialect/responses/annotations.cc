#include "dialect/responses/annotations.h"

#include "dialect/cited_base.h"

namespace strata::dialect::responses {
namespace {

bool HasWebAddress(const domain::Citation& citation) {
  return citation.source_uri.starts_with("https://") || citation.source_uri.starts_with("http://");
}

Result<domain::Citation> ReadCitation(const JsonField& item) {
  domain::Citation out;
  out.source_uri = item.TextAt("url");
  out.title = item.TextAt("title");
  if (auto type = item.Get("type"); type.Is("file_citation")) {
    out.source_uri = item.TextAt("file_id");
    out.title = item.TextAt("filename");
  }
  out.quoted = item.TextAt("quote");
  auto start = item.Get("start_index");
  auto end = item.Get("end_index");
  if (start.present()) {
    STRATA_TRY(out.answer_start, start.Integer(0, INT32_MAX));
  }
  if (end.present()) {
    STRATA_TRY(out.answer_end, end.Integer(out.answer_start, INT32_MAX));
  }
  if (auto page = item.Get("page"); page.present()) {
    STRATA_TRY(auto number, page.Integer(0, INT32_MAX));
    out.pages.push_back({.page = static_cast<int>(number), .boxes = {}});
  }
  return out;
}

}  // namespace

void WriteAnnotation(JsonWriter& out, const domain::Citation& citation, std::int64_t text_length) {
  const bool spanned = citation.answer_end > citation.answer_start;
  const auto start = spanned ? citation.answer_start : 0;
  const auto end = spanned ? citation.answer_end : text_length;
  out.BeginObject();
  if (HasWebAddress(citation)) {
    out.Field("type", "url_citation").Field("url", citation.source_uri);
    out.Field("title", citation.title);
  } else {
    const auto& id = citation.source_uri.empty() ? citation.document_id : citation.source_uri;
    out.Field("type", "file_citation").Field("file_id", id).Field("filename", citation.title);
    out.Field("index", end);
  }
  out.Field("start_index", start).Field("end_index", end).FieldIfAny("quote", citation.quoted);
  if (!citation.pages.empty()) out.Field("page", citation.pages.front().page);
  out.FieldIfAny("knowledge_base", CitedBase(citation));  // ours: which of several
  out.EndObject();
}

Result<std::optional<domain::Citation>> DecodeAnnotation(const JsonField& annotation) {
  STRATA_CHECK_OK(annotation.ExpectObject());
  auto type = annotation.Get("type");
  if (!type.Is("url_citation") && !type.Is("file_citation")) return std::nullopt;
  return ReadCitation(annotation);
}

Result<std::vector<domain::Citation>> DecodeAnnotations(const JsonField& annotations) {
  std::vector<domain::Citation> out;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    auto item = annotations.Item(i);
    STRATA_TRY(auto citation, DecodeAnnotation(item));
    if (citation) out.push_back(std::move(*citation));
  }
  return out;
}

}  // namespace strata::dialect::responses
