#pragma once
// The parsers of the formats. Each reads hostile bytes and runs in the child process (in fuzz
// targets and tests in this one). Bounded by builder.limits(); problems go to builder.Fail.

#include <string_view>

#include "knowledge/parse/document_builder.h"

namespace strata::knowledge {

void ParsePlainText(std::string_view utf8, DocumentBuilder& out);

// Front matter between "---" lines becomes metadata.
void ParseMarkdown(std::string_view utf8, DocumentBuilder& out);

void ParseHtml(std::string_view utf8, DocumentBuilder& out);
// For HTML inside Markdown: the blocks alone, no title, language or choice of main content.
void ParseHtmlFragment(std::string_view utf8, DocumentBuilder& out);
// The charset that the bytes' own meta element names within the first 2 KiB, "" for none.
std::string_view HtmlCharset(std::string_view bytes);

// `delimiter` '\0': the one of , ; tab | that fits the first lines best.
void ParseCsv(std::string_view utf8, char delimiter, DocumentBuilder& out);

void ParsePdf(std::string_view bytes, DocumentBuilder& out);

}  // namespace strata::knowledge
