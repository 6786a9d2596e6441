#pragma once
// Parsed documents for people and programs: `strata parse FILE --format json|md|html`.

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/document.h"

namespace strata::knowledge {

// What a PDF's parser adds to ParsedDocument::metadata: how many pages show something but hold no
// text, as pictures of pages do. Absent for none.
inline constexpr std::string_view kScannedPages = "ScannedPages";

// That pages are pictures whose text nobody sees without OCR, and how many; "" when none are.
std::string PagesNote(const domain::ParsedDocument& document);

// One JSON object: title, language, pageCount, metadata, text, and parts with type, level, text,
// start, end, pages [{page, boxes}] and lines [{start, end, page, box}]. Boxes are [x1, y1, x2, y2]
// in PDF points from the bottom left; offsets are code points of `text`.
std::string DocumentToJson(const domain::ParsedDocument& document);

// GitHub-flavoured Markdown of the body, without running page headers and footers.
std::string DocumentToMarkdown(const domain::ParsedDocument& document);

// One self-contained HTML page of the body; every text is escaped.
std::string DocumentToHtml(const domain::ParsedDocument& document);

// `format`: "json", "md" or "html"; kInvalidArgument at field "format" otherwise.
Result<std::string> FormatDocument(const domain::ParsedDocument& document, std::string_view format);

}  // namespace strata::knowledge
