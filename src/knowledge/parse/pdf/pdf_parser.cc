// PDF by PDFium: words → lines → running lines → tables and reading order → blocks → parts.

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "knowledge/document_format.h"
#include "knowledge/parse/formats.h"
#include "knowledge/parse/pdf/block_text.h"
#include "knowledge/parse/pdf/blocks.h"
#include "knowledge/parse/pdf/pdfium_api.h"
#include "knowledge/parse/pdf/running_lines.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;

constexpr int kPageCharsMax = 2'000'000;

// All pages, read but not laid out: running lines can only be told by comparing pages.
struct RawDocument {
  std::vector<pdf::PageText> pages;
  std::vector<pdf::PageLines> lines;
  std::vector<std::vector<pdf::Table>> tables;
};

Result<RawDocument> ReadPages(const pdfium::Api& api, pdfium::Document document,
                              std::size_t text_bytes_max) {
  RawDocument raw;
  std::size_t bytes = 0;
  const int count = api.PageCount(document);
  for (int number = 1; number <= count; ++number) {
    STRATA_TRY(pdf::PageText page, pdf::ReadPage(api, document, number, kPageCharsMax));
    for (const auto& word : page.words) bytes += word.text.size() + 1;
    if (bytes > text_bytes_max) {
      return Fail(Code::kTooLarge, fmt::format("more than {} bytes of text by page {} "
                                               "(kb.parse.text_bytes_max)",
                                               text_bytes_max, number));
    }
    raw.tables.push_back(pdf::TakeRuledTables(page));
    raw.lines.push_back({page.extent, pdf::MakeLines(page), {}});
    page.rules.clear();
    raw.pages.push_back(std::move(page));
  }
  pdf::MarkRunningLines(raw.lines);
  return raw;
}

// Marginal text of one page: running lines and what runs in another direction.
void CollectMargins(const pdf::PageText& page, const pdf::PageLines& lines,
                    std::vector<domain::DocumentPart>& out) {
  for (std::size_t i = 0; i < lines.lines.size(); ++i) {
    if (lines.running[i] == pdf::Running::kNo) continue;
    const auto type =
        lines.running[i] == pdf::Running::kHeader ? BlockType::kPageHeader : BlockType::kPageFooter;
    out.push_back(pdf::PartOfLine(lines.lines[i], type));
  }
  for (const auto& line : pdf::AstrayLines(page)) {
    out.push_back(pdf::PartOfLine(line, BlockType::kPageFooter));
  }
}

// Producers put file names there, and what their templates say.
bool IsSensibleTitle(std::string_view title) {
  const auto letters = std::ranges::count_if(title, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
  });
  if (letters < 3 || title.find('\\') != title.npos || title.starts_with("file:")) return false;
  const bool one_word = title.find(' ') == title.npos;
  if (one_word && title.find_first_of("._/") != title.npos) return false;
  if (const auto dot = title.rfind('.'); dot != title.npos) {  // "annual report.indd"
    const auto ending = title.substr(dot + 1);
    const bool lower = std::ranges::all_of(ending, [](char c) { return c >= 'a' && c <= 'z'; });
    if (lower && ending.size() >= 2 && ending.size() <= 4) return false;
  }
  for (const std::string_view begin : {"Microsoft ", "Untitled", "untitled", "(anonymous)",
                                       "PowerPoint Pres", "Slide 1", "Layout 1", "Document1"}) {
    if (title.starts_with(begin)) return false;
  }
  return true;
}

void ReadInformation(const pdfium::Api& api, pdfium::Document document, DocumentBuilder& out) {
  const std::string title = pdfium::MetaText(api, document, "Title");
  if (IsSensibleTitle(title)) out.SetTitle(title);
  for (const char* key : {"Author", "Subject", "Keywords", "CreationDate"}) {
    out.AddMetadata(key, pdfium::MetaText(api, document, key));
  }
  out.SetPageCount(api.PageCount(document));
}

void GuessLanguage(const std::vector<domain::DocumentPart>& parts, DocumentBuilder& out) {
  std::string sample;
  for (const auto& part : parts) {
    if (sample.size() > 8192) break;
    sample.append(part.text).append("\n");
  }
  out.SetLanguage(text::GuessLanguage(sample));
}

void LayOut(RawDocument raw, DocumentBuilder& out) {
  std::vector<pdf::Block> blocks;
  std::vector<domain::DocumentPart> margins;
  pdf::Vocabulary vocabulary;
  for (std::size_t p = 0; p < raw.pages.size(); ++p) {
    vocabulary.Add(raw.lines[p].lines);
    CollectMargins(raw.pages[p], raw.lines[p], margins);
    std::vector<pdf::Line> body;
    for (std::size_t i = 0; i < raw.lines[p].lines.size(); ++i) {
      if (raw.lines[p].running[i] == pdf::Running::kNo) {
        body.push_back(std::move(raw.lines[p].lines[i]));
      }
    }
    for (auto& block : pdf::PageBlocks(raw.pages[p], std::move(body), std::move(raw.tables[p]))) {
      blocks.push_back(std::move(block));
    }
  }
  pdf::FinishBlocks(blocks);
  std::vector<domain::DocumentPart> parts;
  for (const auto& block : blocks) parts.push_back(pdf::PartOf(block, vocabulary));
  GuessLanguage(parts, out);
  if (!out.has_title()) out.SetTitle(pdf::TitleOf(blocks));
  for (auto& part : parts) out.AddLaidOut(std::move(part));
  for (auto& part : margins) out.AddLaidOut(std::move(part));
}

}  // namespace

void ParsePdf(std::string_view bytes, DocumentBuilder& out) {
  const auto api = pdfium::Load();
  if (!api.has_value()) return out.Fail(api.error());
  auto opened = pdfium::Open(**api, bytes, out.limits().pages_max);
  if (!opened.has_value()) return out.Fail(std::move(opened.error()));
  const pdfium::Handle document(*opened, (*api)->CloseDocument);
  auto raw = ReadPages(**api, document.get(), out.limits().text_bytes_max);
  if (!raw.has_value()) return out.Fail(std::move(raw.error()));
  ReadInformation(**api, document.get(), out);
  const auto scanned = std::ranges::count_if(raw->pages, &pdf::PageText::scanned);
  if (scanned > 0) out.AddMetadata(kScannedPages, fmt::format("{}", scanned));
  LayOut(std::move(*raw), out);
}

}  // namespace strata::knowledge
