#include "knowledge/document_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/json_text.h"
#include "base/markup.h"
#include "knowledge/parse/document_builder.h"
#include "knowledge/parse/line_shapes.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;
using domain::DocumentPart;
using domain::ParsedDocument;

std::string_view TypeName(BlockType type) {
  switch (type) {
    case BlockType::kHeading:
      return "heading";
    case BlockType::kParagraph:
      return "paragraph";
    case BlockType::kListItem:
      return "listItem";
    case BlockType::kTable:
      return "table";
    case BlockType::kCode:
      return "code";
    case BlockType::kCaption:
      return "caption";
    case BlockType::kPageHeader:
      return "pageHeader";
    case BlockType::kPageFooter:
      return "pageFooter";
  }
  return "paragraph";
}

bool IsRunning(const DocumentPart& part) {
  return part.type == BlockType::kPageHeader || part.type == BlockType::kPageFooter;
}

// ---- JSON

void AppendBox(std::string& out, const domain::Box& box) {
  out += fmt::format("[{:.2f},{:.2f},{:.2f},{:.2f}]", box.x1, box.y1, box.x2, box.y2);
}

void AppendPages(std::string& out, const std::vector<domain::PageRegion>& pages) {
  out += ",\"pages\":[";
  for (std::size_t i = 0; i < pages.size(); ++i) {
    out += fmt::format("{}{{\"page\":{},\"boxes\":[", i > 0 ? "," : "", pages[i].page);
    for (std::size_t b = 0; b < pages[i].boxes.size(); ++b) {
      if (b > 0) out += ',';
      AppendBox(out, pages[i].boxes[b]);
    }
    out += "]}";
  }
  out += ']';
}

// Offsets rise through the document, so one forward scan counts the code points of all of them.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text) : text_(text) {}
  std::size_t At(std::size_t byte) {
    if (byte < byte_) byte_ = point_ = 0;
    for (; byte_ < byte && byte_ < text_.size(); ++byte_) {
      point_ += (static_cast<unsigned char>(text_[byte_]) & 0xC0) != 0x80 ? 1 : 0;
    }
    return point_;
  }

 private:
  std::string_view text_;
  std::size_t byte_ = 0;
  std::size_t point_ = 0;
};

void AppendPart(std::string& out, const DocumentPart& part, CodePoints& points) {
  const std::size_t start = points.At(part.start);
  out += fmt::format("{{\"type\":\"{}\",\"level\":{},\"start\":{}", TypeName(part.type), part.level,
                     start);
  std::string lines;
  for (const auto& line : part.lines) {
    const std::size_t line_start = points.At(line.start);
    lines +=
        fmt::format("{}{{\"start\":{},\"end\":{},\"page\":{},\"box\":", lines.empty() ? "" : ",",
                    line_start, points.At(line.end), line.page);
    AppendBox(lines, line.box);
    lines += '}';
  }
  out += fmt::format(",\"end\":{},\"text\":", points.At(part.end));
  AppendJsonString(out, part.text);
  if (!part.pages.empty()) AppendPages(out, part.pages);
  if (!lines.empty()) out.append(",\"lines\":[").append(lines).append("]");
  out += '}';
}

// ---- Markdown

// Characters at the start of a line that Markdown would take for structure.
std::string EscapeStart(std::string_view text) {
  std::string out;
  bool at_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (at_start && (c == '#' || c == '>' || c == '+' || c == '-' || c == '|')) out += '\\';
    out += c;
    at_start = c == '\n';
  }
  return out;
}

std::string Indented(std::string_view text, std::size_t spaces) {
  const std::string margin(spaces, ' ');
  std::string out = margin;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += margin;
  }
  return out;
}

// "```", or as many more as the code holds in a row.
std::string Fence(std::string_view code) {
  std::size_t longest = 0, run = 0;
  for (const char c : code) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max<std::size_t>(3, longest + 1), '`');
}

std::string PartToMarkdown(const DocumentPart& part) {
  switch (part.type) {
    case BlockType::kHeading:
      return std::string(static_cast<std::size_t>(std::clamp(part.level, 1, 6)), '#') + ' ' +
             CollapseSpace(part.text);
    case BlockType::kListItem: {
      const std::size_t spaces = static_cast<std::size_t>(std::clamp(part.level, 0, 20)) * 2;
      const bool marked = ListMarkerSize(part.text) > 0;
      return Indented(marked ? part.text : "- " + part.text, spaces);
    }
    case BlockType::kTable:
      return part.text;
    case BlockType::kCode: {
      const std::string fence = Fence(part.text);
      return fmt::format("{}\n{}\n{}", fence, part.text, fence);
    }
    default:
      return EscapeStart(part.text);
  }
}

// ---- HTML

void AppendElement(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  AppendMarkup(out, text);
  out.append("</").append(name).append(">\n");
}

// Our own tables only: "| a | b |" lines, the second one the rule.
void AppendTable(std::string& out, std::string_view table) {
  out += "<table>\n";
  for (std::size_t row = 0; !table.empty(); ++row) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    const std::string_view line = table.substr(0, end);
    table.remove_prefix(std::min(end + 1, table.size()));
    if (row == 1) continue;
    out += "<tr>";
    std::string cell;
    for (std::size_t i = 1; i < line.size(); ++i) {
      if (line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == '|' || line[i + 1] == '\\')) {
        cell += line[++i];
      } else if (line[i] == '|') {
        out += row == 0 ? "<th>" : "<td>";
        AppendMarkup(out, TrimSpace(cell));
        out += row == 0 ? "</th>" : "</td>";
        cell.clear();
      } else {
        cell += line[i];
      }
    }
    out += "</tr>\n";
  }
  out += "</table>\n";
}

void AppendHtmlPart(std::string& out, const DocumentPart& part) {
  switch (part.type) {
    case BlockType::kHeading:
      AppendElement(out, fmt::format("h{}", std::clamp(part.level, 1, 6)), part.text);
      return;
    case BlockType::kListItem:
      out += fmt::format("<p class=\"item\" style=\"margin-left:{}em\">",
                         2 * std::clamp(part.level, 0, 20) + 1);
      AppendMarkup(out, part.text);
      out += "</p>\n";
      return;
    case BlockType::kTable:
      AppendTable(out, part.text);
      return;
    case BlockType::kCode:
      AppendElement(out, "pre", part.text);
      return;
    default:
      AppendElement(out, "p", part.text);
  }
}

}  // namespace

std::string PagesNote(const domain::ParsedDocument& document) {
  if (document.page_count == 0 || document.metadata.text.empty()) return {};
  boost::system::error_code error;
  const auto metadata = boost::json::parse(document.metadata.text, error);
  const auto* object = error ? nullptr : metadata.if_object();
  const auto* pages = object == nullptr ? nullptr : object->if_contains(kScannedPages);
  if (pages == nullptr || !pages->is_string()) return {};
  return fmt::format(
      "pages without text: {} of {} (pictures, as a scanner makes them): nothing on them is found "
      "until OCR has given them text",
      std::string_view(pages->get_string()), document.page_count);
}

std::string DocumentToJson(const ParsedDocument& document) {
  std::string out = "{\"title\":";
  AppendJsonString(out, document.title);
  out += ",\"language\":";
  AppendJsonString(out, document.language);
  out += fmt::format(",\"pageCount\":{},\"metadata\":", document.page_count);
  out += document.metadata.text.empty() ? "{}" : document.metadata.text;
  out += ",\"text\":";
  AppendJsonString(out, document.text);
  out += ",\"parts\":[";
  CodePoints points(document.text);
  for (std::size_t i = 0; i < document.parts.size(); ++i) {
    out += i > 0 ? ",\n" : "\n";
    AppendPart(out, document.parts[i], points);
  }
  out += "]}\n";
  return out;
}

std::string DocumentToMarkdown(const ParsedDocument& document) {
  std::string out;
  const DocumentPart* before = nullptr;
  for (const auto& part : document.parts) {
    if (IsRunning(part)) continue;
    if (before != nullptr) {
      const bool list = before->type == BlockType::kListItem && part.type == BlockType::kListItem;
      out += list ? "\n" : "\n\n";
    }
    out += PartToMarkdown(part);
    before = &part;
  }
  if (!out.empty()) out += '\n';
  return out;
}

std::string DocumentToHtml(const ParsedDocument& document) {
  std::string out = "<!doctype html>\n<html";
  if (!document.language.empty()) {
    out += " lang=\"";
    AppendMarkup(out, document.language);
    out += '"';
  }
  out += ">\n<head><meta charset=\"utf-8\">";
  AppendElement(out, "title", document.title);
  out += "</head>\n<body>\n";
  for (const auto& part : document.parts) {
    if (!IsRunning(part)) AppendHtmlPart(out, part);
  }
  out += "</body>\n</html>\n";
  return out;
}

Result<std::string> FormatDocument(const ParsedDocument& document, std::string_view format) {
  if (format == "json") return DocumentToJson(document);
  if (format == "md") return DocumentToMarkdown(document);
  if (format == "html") return DocumentToHtml(document);
  return std::unexpected(InvalidArgument(
      "format", fmt::format("\"{}\" is not one of json, md, html", format.substr(0, 40))));
}

}  // namespace strata::knowledge
