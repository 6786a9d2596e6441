#include "dialect/openai/annotations.h"

#include <algorithm>

#include "base/utf8.h"
#include "dialect/cited_base.h"

namespace strata::dialect::openai {

void WriteAnnotation(JsonWriter& out, const domain::Citation& citation, std::int64_t base,
                     std::int64_t block_length) {
  const bool spanned = citation.answer_end > citation.answer_start;
  out.BeginObject().Field("type", "url_citation").Key("url_citation").BeginObject();
  out.Field("start_index", base + (spanned ? citation.answer_start : 0));
  out.Field("end_index", base + (spanned ? citation.answer_end : block_length));
  out.Field("url", citation.source_uri).Field("title", citation.title);
  out.FieldIfAny("quote", citation.quoted);  // ours: the supporting text
  if (!citation.pages.empty()) out.Field("page", citation.pages.front().page);
  out.FieldIfAny("knowledge_base", CitedBase(citation));  // ours: which of several
  out.EndObject().EndObject();
}

bool IsCitation(const JsonField& annotation) {
  auto type = annotation.Get("type");
  return annotation.ExpectObject().has_value() && type.Is("url_citation");
}

Result<domain::Citation> DecodeAnnotation(const JsonField& annotation) {
  STRATA_CHECK_OK(annotation.ExpectObject());
  auto type = annotation.Get("type");
  if (!type.Is("url_citation")) return Fail(type.Wrong("expected url_citation"));
  auto body = annotation.Get("url_citation");
  STRATA_CHECK_OK(body.ExpectObject());
  domain::Citation out;
  out.place = domain::CitationPlace::kWeb;
  auto start = body.Get("start_index");
  auto end = body.Get("end_index");
  STRATA_TRY(out.answer_start, start.Integer(0, INT32_MAX));
  STRATA_TRY(out.answer_end, end.Integer(out.answer_start, INT32_MAX));
  auto url = body.Get("url");
  STRATA_TRY(out.source_uri, url.String());
  if (auto title = body.Get("title"); title.present()) {
    STRATA_TRY(out.title, title.String());
  }
  if (auto quote = body.Get("quote"); quote.present()) {
    STRATA_TRY(out.quoted, quote.String());
  }
  if (auto page = body.Get("page"); page.present()) {
    STRATA_TRY(auto number, page.Integer(0, INT32_MAX));
    out.pages.push_back({.page = static_cast<int>(number), .boxes = {}});
  }
  return out;
}

Result<> DecodeAnnotations(const JsonField& annotations,
                           std::vector<domain::ContentBlock>& content) {
  STRATA_CHECK_OK(annotations.ExpectArray());
  // Code points at which each text block starts and ends in the joined content.
  struct Place {
    std::int64_t start;
    std::int64_t end;
    domain::TextBlock* block;
  };
  std::vector<Place> places;
  std::int64_t total = 0;
  for (auto& block : content) {
    auto* text = std::get_if<domain::TextBlock>(&block);
    if (text == nullptr) continue;
    const auto length = static_cast<std::int64_t>(CodePointCount(text->text));
    places.push_back({total, total + length, text});
    total += length;
  }
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    auto item = annotations.Item(i);
    if (!IsCitation(item)) continue;
    STRATA_TRY(auto citation, DecodeAnnotation(item));
    auto at = std::ranges::upper_bound(places, citation.answer_start, {}, &Place::start);
    if (at == places.begin() || citation.answer_start > total) {
      return Fail(item.Wrong("points outside the message's content"));
    }
    --at;
    citation.answer_start -= at->start;
    citation.answer_end = std::min(citation.answer_end, at->end) - at->start;
    at->block->citations.push_back(std::move(citation));
  }
  return {};
}

}  // namespace strata::dialect::openai
