// Markdown by cmark-gfm: headings, paragraphs, list items, code, tables, embedded HTML, front
// matter. Emphasis marks and link targets are dropped, their text stays.

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/parse/formats.h"
#include "knowledge/parse/markdown_table.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;

struct NodeFree {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct ParserFree {
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
};
struct IterFree {
  void operator()(cmark_iter* iter) const { cmark_iter_free(iter); }
};

std::string_view Literal(cmark_node* node) {
  const char* text = cmark_node_get_literal(node);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view TypeName(cmark_node* node) { return cmark_node_get_type_string(node); }

std::unique_ptr<cmark_node, NodeFree> ParseTree(std::string_view text) {
  static std::once_flag registered;
  std::call_once(registered, [] { cmark_gfm_core_extensions_ensure_registered(); });
  std::unique_ptr<cmark_parser, ParserFree> parser(
      cmark_parser_new(CMARK_OPT_DEFAULT | CMARK_OPT_FOOTNOTES));
  for (const char* name : {"table", "strikethrough", "tasklist"}) {
    if (auto* extension = cmark_find_syntax_extension(name); extension != nullptr) {
      cmark_parser_attach_syntax_extension(parser.get(), extension);
    }
  }
  cmark_parser_feed(parser.get(), text.data(), text.size());
  return std::unique_ptr<cmark_node, NodeFree>(cmark_parser_finish(parser.get()));
}

// One pass over the tree by cmark's iterator, so that no nesting of the input becomes recursion of
// ours.
class MarkdownWalk {
 public:
  explicit MarkdownWalk(DocumentBuilder& out) : out_(out) {}

  void Run(cmark_node* root) {
    std::unique_ptr<cmark_iter, IterFree> iter(cmark_iter_new(root));
    int depth = 0;
    for (auto event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE && !out_.full();
         event = cmark_iter_next(iter.get())) {
      cmark_node* node = cmark_iter_get_node(iter.get());
      if (event == CMARK_EVENT_EXIT) {
        --depth;
        Leave(node);
        continue;
      }
      if (!IsLeaf(node) && ++depth > out_.limits().nesting_max) {
        out_.Fail(Error(Code::kTooLarge, fmt::format("nested deeper than {} (kb.parse.nesting_max)",
                                                     out_.limits().nesting_max)));
      }
      Enter(node);
    }
  }

 private:
  struct List {
    bool ordered = false;
    int next = 1;
    char delimiter = '.';
  };

  // Node types for which the iterator gives no exit event.
  static bool IsLeaf(cmark_node* node) {
    const auto type = cmark_node_get_type(node);
    return type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_THEMATIC_BREAK ||
           type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_TEXT ||
           type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK ||
           type == CMARK_NODE_CODE || type == CMARK_NODE_HTML_INLINE ||
           type == CMARK_NODE_FOOTNOTE_REFERENCE;
  }

  void Enter(cmark_node* node) {
    const auto type = cmark_node_get_type(node);
    if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) {
      inline_ += Literal(node);
    } else if (type == CMARK_NODE_SOFTBREAK) {
      inline_ += ' ';
    } else if (type == CMARK_NODE_LINEBREAK) {
      inline_ += '\n';
    } else if (type == CMARK_NODE_HTML_INLINE) {
      if (Literal(node).starts_with("<br")) inline_ += '\n';
    } else if (type == CMARK_NODE_CODE_BLOCK) {
      FlushItem();
      out_.Add(BlockType::kCode, 0, Literal(node));
    } else if (type == CMARK_NODE_HTML_BLOCK) {
      FlushItem();
      ParseHtmlFragment(Literal(node), out_);
    } else if (type == CMARK_NODE_LIST) {
      FlushItem();
      List list;
      list.ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
      list.next = cmark_node_get_list_start(node);
      list.delimiter = cmark_node_get_list_delim(node) == CMARK_PAREN_DELIM ? ')' : '.';
      lists_.push_back(list);
    } else if (type == CMARK_NODE_ITEM || TypeName(node) == "tasklist") {
      EnterItem(node);
    } else if (TypeName(node) == "table") {
      FlushItem();
      rows_.clear();
    } else if (TypeName(node) == "table_row" || TypeName(node) == "table_header") {
      rows_.emplace_back();
    }
  }

  void EnterItem(cmark_node* node) {
    FlushItem();
    if (lists_.empty()) return;
    List& list = lists_.back();
    marker_ = list.ordered ? fmt::format("{}{} ", list.next++, list.delimiter) : "- ";
    if (TypeName(node) == "tasklist") {
      marker_ += cmark_gfm_extensions_get_tasklist_item_checked(node) ? "[x] " : "[ ] ";
    }
  }

  void Leave(cmark_node* node) {
    const auto type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HEADING) {
      out_.Add(BlockType::kHeading, cmark_node_get_heading_level(node), Take());
    } else if (type == CMARK_NODE_PARAGRAPH) {
      AddParagraph();
    } else if (type == CMARK_NODE_LIST) {
      FlushItem();
      if (!lists_.empty()) lists_.pop_back();
    } else if (type == CMARK_NODE_ITEM || TypeName(node) == "tasklist") {
      FlushItem();
    } else if (TypeName(node) == "table_cell") {
      if (!rows_.empty()) rows_.back().push_back(Take());
    } else if (TypeName(node) == "table") {
      out_.Add(BlockType::kTable, 0, WriteTable(rows_));
      rows_.clear();
    }
  }

  // The first paragraph of an item carries its marker; later ones are paragraphs of their own.
  void AddParagraph() {
    const std::string text = Take();
    if (lists_.empty() || marker_.empty()) {
      out_.Add(BlockType::kParagraph, 0, text);
      return;
    }
    out_.Add(BlockType::kListItem, static_cast<int>(lists_.size()) - 1, marker_ + text);
    marker_.clear();
  }

  // An item without a paragraph has nothing to carry its marker.
  void FlushItem() { marker_.clear(); }

  std::string Take() { return std::exchange(inline_, {}); }

  DocumentBuilder& out_;
  std::string inline_;
  std::string marker_;
  std::vector<List> lists_;
  std::vector<std::vector<std::string>> rows_;
};

std::string_view Unquote(std::string_view value) {
  value = TrimSpace(value);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
      value.back() == value.front()) {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

void AddFrontMatterLine(const std::string& key, std::string_view value, DocumentBuilder& out) {
  value = Unquote(value);
  if (key == "title") out.SetTitle(value);
  if (key == "lang" || key == "language") out.SetLanguage(value);
  out.AddMetadata(key, value);
}

// "---" lines around "key: value" lines; lists ("- a" below a key) are joined by ", ". What is not
// of this flat form is passed over. Returns the text behind.
std::string_view TakeFrontMatter(std::string_view text, DocumentBuilder& out) {
  if (!text.starts_with("---\n")) return text;
  std::size_t end = text.find("\n---\n", 3);
  const bool at_end = end == std::string_view::npos && text.ends_with("\n---");
  if (at_end) end = text.size() - 4;
  if (end == std::string_view::npos) return text;
  std::string_view lines = end > 4 ? text.substr(4, end - 4) : std::string_view();
  if (lines.find(':') == std::string_view::npos) return text;  // two rules, not front matter
  std::string key, value;
  while (!lines.empty()) {
    const std::size_t size = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, size);
    lines.remove_prefix(std::min(size + 1, lines.size()));
    const std::string_view bare = TrimSpace(line);
    if (bare.empty() || bare.starts_with('#')) continue;
    if (bare.starts_with("- ")) {
      if (!value.empty()) value += ", ";
      value += Unquote(bare.substr(2));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (line.front() == ' ' || colon == std::string_view::npos) continue;
    if (!key.empty()) AddFrontMatterLine(key, value, out);
    key = TrimSpace(line.substr(0, colon));
    value = TrimSpace(line.substr(colon + 1));
  }
  if (!key.empty()) AddFrontMatterLine(key, value, out);
  return at_end ? std::string_view() : text.substr(end + 5);
}

}  // namespace

void ParseMarkdown(std::string_view utf8, DocumentBuilder& out) {
  const std::string clean = CleanText(utf8);
  out.SetLanguage(text::GuessLanguage(clean));  // front matter may know better
  const std::string_view body = TakeFrontMatter(clean, out);
  const auto root = ParseTree(body);
  if (root == nullptr) {
    out.Fail(Error(Code::kTooLarge, "Markdown: out of memory"));
    return;
  }
  MarkdownWalk(out).Run(root.get());
}

}  // namespace strata::knowledge
