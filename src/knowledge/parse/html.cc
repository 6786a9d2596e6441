// HTML by gumbo: title, language, and the blocks of the main content. Link targets are dropped, the
// links' text stays.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/parse/formats.h"
#include "knowledge/parse/html_table.h"
#include "knowledge/parse/html_tree.h"
#include "knowledge/parse/markdown_table.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;

bool IsOneOf(GumboTag tag, std::initializer_list<GumboTag> tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

int HeadingLevel(GumboTag tag) {
  constexpr std::array kTags = {GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3,
                                GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6};
  const auto* at = std::find(kTags.begin(), kTags.end(), tag);
  return at == kTags.end() ? 0 : static_cast<int>(at - kTags.begin()) + 1;
}

// Elements that flow inside a line; everything else that is visible starts a new block.
bool IsInline(GumboTag tag) {
  return IsOneOf(
      tag,
      {GUMBO_TAG_A,      GUMBO_TAG_ABBR,   GUMBO_TAG_ACRONYM, GUMBO_TAG_B,     GUMBO_TAG_BDI,
       GUMBO_TAG_BDO,    GUMBO_TAG_BIG,    GUMBO_TAG_CITE,    GUMBO_TAG_CODE,  GUMBO_TAG_DATA,
       GUMBO_TAG_DEL,    GUMBO_TAG_DFN,    GUMBO_TAG_EM,      GUMBO_TAG_FONT,  GUMBO_TAG_I,
       GUMBO_TAG_IMG,    GUMBO_TAG_INS,    GUMBO_TAG_KBD,     GUMBO_TAG_LABEL, GUMBO_TAG_MARK,
       GUMBO_TAG_MATH,   GUMBO_TAG_NOBR,   GUMBO_TAG_Q,       GUMBO_TAG_RUBY,  GUMBO_TAG_RP,
       GUMBO_TAG_RT,     GUMBO_TAG_S,      GUMBO_TAG_SAMP,    GUMBO_TAG_SMALL, GUMBO_TAG_SPAN,
       GUMBO_TAG_STRIKE, GUMBO_TAG_STRONG, GUMBO_TAG_SUB,     GUMBO_TAG_SUP,   GUMBO_TAG_TIME,
       GUMBO_TAG_TT,     GUMBO_TAG_U,      GUMBO_TAG_VAR,     GUMBO_TAG_WBR,   GUMBO_TAG_UNKNOWN,
       GUMBO_TAG_OUTPUT, GUMBO_TAG_METER,  GUMBO_TAG_PROGRESS});
}

// Writes the blocks below a node to a builder. Recursion is bounded by HtmlTree's depth check.
class HtmlWalk {
 public:
  HtmlWalk(DocumentBuilder& out, bool keep_boilerplate)
      : out_(out), keep_boilerplate_(keep_boilerplate) {}

  void Run(const GumboNode* node) {
    Visit(node);
    Flush();
  }

 private:
  struct List {
    bool ordered = false;
    int next = 1;
  };

  void Visit(const GumboNode* node) {
    if (out_.full()) return;
    if (IsText(node)) {
      AppendInline(node->v.text.text);
      return;
    }
    if (node->type != GUMBO_NODE_ELEMENT || IsInvisible(node)) return;
    if (!keep_boilerplate_ && (IsBoilerplate(node) || IsPageFrame(node))) return;
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_BR) {
      inline_ += '\n';
    } else if (tag == GUMBO_TAG_HR) {
      Flush();
    } else if (IsInline(tag)) {
      VisitChildren(node);
    } else {
      VisitBlock(node, tag);
    }
  }

  void VisitChildren(const GumboNode* node) {
    const GumboVector& children = Children(node);
    for (unsigned i = 0; i < children.length; ++i) Visit(Child(children, i));
  }

  void VisitBlock(const GumboNode* node, GumboTag tag) {
    if (const int level = HeadingLevel(tag); level > 0) {
      Flush();
      out_.Add(BlockType::kHeading, level, InlineText(node));
    } else if (IsOneOf(tag, {GUMBO_TAG_PRE, GUMBO_TAG_LISTING, GUMBO_TAG_XMP})) {
      Flush();
      std::string code;
      AppendText(node, code);
      out_.Add(BlockType::kCode, 0, code);
    } else if (IsOneOf(tag, {GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_DL, GUMBO_TAG_MENU})) {
      Flush();
      lists_.push_back({.ordered = tag == GUMBO_TAG_OL});
      VisitChildren(node);
      Flush();
      lists_.pop_back();
    } else if (IsOneOf(tag, {GUMBO_TAG_LI, GUMBO_TAG_DT, GUMBO_TAG_DD})) {
      VisitItem(node, tag);
    } else if (tag == GUMBO_TAG_TABLE) {
      Flush();
      VisitTable(node);
    } else if (tag == GUMBO_TAG_FIGCAPTION) {
      Flush();
      out_.Add(BlockType::kCaption, 0, InlineText(node));
    } else {
      Flush();
      VisitChildren(node);
      Flush();
    }
  }

  void VisitItem(const GumboNode* node, GumboTag tag) {
    Flush();
    marker_ = "- ";
    if (tag == GUMBO_TAG_LI && !lists_.empty() && lists_.back().ordered) {
      marker_ = std::to_string(lists_.back().next++) + ". ";
    } else if (tag != GUMBO_TAG_LI) {
      marker_ = tag == GUMBO_TAG_DT ? "" : "- ";
    }
    in_item_ = tag != GUMBO_TAG_DT;
    VisitChildren(node);
    Flush();
    in_item_ = false;
    marker_.clear();
  }

  void VisitTable(const GumboNode* table) {
    if (IsLayoutTable(table)) {
      VisitChildren(table);
      Flush();
      return;
    }
    const GumboVector& children = Children(table);
    for (unsigned i = 0; i < children.length; ++i) {
      const GumboNode* child = Child(children, i);
      if (IsElement(child, GUMBO_TAG_CAPTION)) out_.Add(BlockType::kCaption, 0, InlineText(child));
    }
    const auto grid = TableGrid(table, [this](const GumboNode* cell) { return InlineText(cell); });
    const bool empty = std::all_of(grid.begin(), grid.end(), [](const auto& row) {
      return std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell.empty(); });
    });
    if (!empty) out_.Add(BlockType::kTable, 0, WriteTable(grid, HasHeader(table, grid)));
  }

  // All visible text below as one line.
  std::string InlineText(const GumboNode* node) const {
    std::string text;
    AppendVisible(node, text);
    return CollapseSpace(text);
  }

  void AppendVisible(const GumboNode* node, std::string& text) const {
    if (IsText(node)) text += node->v.text.text;
    const GumboVector& children = Children(node);
    for (unsigned i = 0; i < children.length; ++i) {
      const GumboNode* child = Child(children, i);
      if (child->type == GUMBO_NODE_ELEMENT) {
        if (IsInvisible(child) || (!keep_boilerplate_ && IsBoilerplate(child))) continue;
        if (!IsInline(child->v.element.tag)) text += ' ';
      }
      AppendVisible(child, text);
      if (child->type == GUMBO_NODE_ELEMENT && !IsInline(child->v.element.tag)) text += ' ';
    }
  }

  // White space collapses as in a browser; '\n' in inline_ comes from <br> only.
  void AppendInline(std::string_view text) {
    for (const char c : text) {
      const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
      if (!space) {
        inline_ += c;
      } else if (!inline_.empty() && inline_.back() != ' ' && inline_.back() != '\n') {
        inline_ += ' ';
      }
    }
  }

  void Flush() {
    std::string text = std::exchange(inline_, {});
    if (TrimSpace(text).empty()) return;
    text = TrimSpace(text);
    if (!in_item_) {
      out_.Add(BlockType::kParagraph, 0, text);
      return;
    }
    const int level = std::max(0, static_cast<int>(lists_.size()) - 1);
    out_.Add(marker_.empty() ? BlockType::kParagraph : BlockType::kListItem,
             marker_.empty() ? 0 : level, marker_ + text);
    marker_.clear();
  }

  // A <header> or <footer> of the page itself; those of an article belong to it.
  static bool IsPageFrame(const GumboNode* node) {
    const GumboTag tag = node->v.element.tag;
    if (tag != GUMBO_TAG_HEADER && tag != GUMBO_TAG_FOOTER) return false;
    for (const GumboNode* up = node->parent; up != nullptr; up = up->parent) {
      if (IsElement(up, GUMBO_TAG_ARTICLE) || IsElement(up, GUMBO_TAG_MAIN) ||
          IsElement(up, GUMBO_TAG_SECTION)) {
        return false;
      }
    }
    // A header that holds the only h1 is the document's head, not the site's.
    return tag == GUMBO_TAG_FOOTER || !HoldsHeading(node);
  }

  static bool HoldsHeading(const GumboNode* node) {
    const GumboVector& children = Children(node);
    for (unsigned i = 0; i < children.length; ++i) {
      const GumboNode* child = Child(children, i);
      if (IsElement(child, GUMBO_TAG_H1) || HoldsHeading(child)) return true;
    }
    return false;
  }

  DocumentBuilder& out_;
  const bool keep_boilerplate_;
  std::string inline_;
  std::string marker_;
  bool in_item_ = false;
  std::vector<List> lists_;
};

std::size_t VisibleSize(const GumboNode* node) {
  if (node->type == GUMBO_NODE_TEXT) return std::string_view(node->v.text.text).size();
  if (node->type == GUMBO_NODE_ELEMENT && IsInvisible(node)) return 0;
  std::size_t size = 0;
  const GumboVector& children = Children(node);
  for (unsigned i = 0; i < children.length; ++i) size += VisibleSize(Child(children, i));
  return size;
}

void CollectMain(const GumboNode* node, std::vector<const GumboNode*>& found) {
  if (IsElement(node, GUMBO_TAG_MAIN) || Attribute(node, "role") == "main" ||
      (node->type == GUMBO_NODE_ELEMENT && Attribute(node, "id") == "mw-content-text")) {
    found.push_back(node);
    return;
  }
  const GumboVector& children = Children(node);
  for (unsigned i = 0; i < children.length; ++i) CollectMain(Child(children, i), found);
}

// <main> when it holds a fair part of the page, else the body.
const GumboNode* MainContent(const HtmlTree& tree) {
  const GumboNode* body = tree.Find(GUMBO_TAG_BODY);
  if (body == nullptr) return tree.root();
  std::vector<const GumboNode*> found;
  CollectMain(body, found);
  if (found.size() != 1) return body;
  return VisibleSize(found[0]) * 4 >= VisibleSize(body) ? found[0] : body;
}

void ReadHead(const HtmlTree& tree, DocumentBuilder& out) {
  out.SetLanguage(Attribute(tree.root(), "lang"));
  const GumboNode* head = tree.Find(GUMBO_TAG_HEAD);
  if (head == nullptr) return;
  const GumboVector& children = Children(head);
  for (unsigned i = 0; i < children.length; ++i) {
    const GumboNode* child = Child(children, i);
    if (IsElement(child, GUMBO_TAG_TITLE) && !out.has_title()) {
      std::string title;
      AppendText(child, title);
      out.SetTitle(title);
    }
    if (!IsElement(child, GUMBO_TAG_META)) continue;
    const std::string_view name = Attribute(child, "name");
    for (const std::string_view kept : {"description", "author", "keywords", "date"}) {
      if (name == kept) out.AddMetadata(name, Attribute(child, "content"));
    }
  }
}

}  // namespace

std::string_view HtmlCharset(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 2048);
  const std::size_t at = head.find("charset=");
  if (at == std::string_view::npos) return "";
  std::string_view value = head.substr(at + 8);
  if (!value.empty() && (value[0] == '"' || value[0] == '\'')) value.remove_prefix(1);
  return value.substr(0, value.find_first_of("\"'; />"));
}

void ParseHtmlFragment(std::string_view utf8, DocumentBuilder& out) {
  auto tree = HtmlTree::Parse(utf8, out.limits().nesting_max);
  if (!tree.has_value()) return out.Fail(std::move(tree.error()));
  HtmlWalk(out, true).Run((*tree)->root());
}

void ParseHtml(std::string_view utf8, DocumentBuilder& out) {
  auto tree = HtmlTree::Parse(utf8, out.limits().nesting_max);
  if (!tree.has_value()) return out.Fail(std::move(tree.error()));
  std::string sample;
  const GumboNode* content = MainContent(**tree);
  AppendText(content, sample);
  out.SetLanguage(text::GuessLanguage(sample));  // the lang attribute knows better
  ReadHead(**tree, out);
  HtmlWalk(out, false).Run(content);
  // Everything looked like boilerplate: better too much than nothing.
  if (out.empty() && !out.full()) HtmlWalk(out, true).Run((*tree)->root());
}

}  // namespace strata::knowledge
