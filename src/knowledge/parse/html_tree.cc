#include "knowledge/parse/html_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "knowledge/parse/document_builder.h"

namespace strata::knowledge {
namespace {

void* Allocate(void* arena, std::size_t size) {
  return static_cast<std::pmr::monotonic_buffer_resource*>(arena)->allocate(size);
}
void Release(void*, void*) {}

Error TooDeep(int nesting_max) {
  return Error(Code::kTooLarge,
               fmt::format("elements nest deeper than {} (kb.parse.nesting_max)", nesting_max));
}

// Is the name at `at` one of an element that only its own end tag closes?
bool NeedsEndTag(std::string_view html, std::size_t at) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"div",  "span",  "section",    "article",  "b",      "i",       "u",
       "s",    "em",    "strong",     "font",     "a",      "ul",      "ol",
       "dl",   "table", "blockquote", "center",   "small",  "big",     "sub",
       "sup",  "svg",   "math",       "button",   "object", "details", "main",
       "code", "tt",    "nobr",       "fieldset", "form"});
  std::string name;
  while (at < html.size() && name.size() < 12 &&
         std::isalpha(static_cast<unsigned char>(html[at])) != 0) {
    name += static_cast<char>(html[at++] | 0x20);
  }
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// gumbo's work grows with the square of the depth, so bombs are refused before it sees them. Sloppy
// pages leave tags open: only a multiple of the limit is surely one.
Result<> CheckTags(std::string_view html, int nesting_max) {
  constexpr std::int64_t kSloppy = 4;
  std::int64_t depth = 0;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const bool closes = at + 1 < html.size() && html[at + 1] == '/';
    if (!NeedsEndTag(html, at + (closes ? 2 : 1))) continue;
    depth = std::max<std::int64_t>(0, depth + (closes ? -1 : 1));
    if (depth > kSloppy * nesting_max) return std::unexpected(TooDeep(nesting_max));
  }
  return {};
}

Result<> CheckDepth(const GumboNode* root, int nesting_max) {
  std::vector<std::pair<const GumboNode*, int>> open = {{root, 1}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    if (depth > nesting_max) {
      return std::unexpected(TooDeep(nesting_max));
    }
    const GumboVector& children = Children(node);
    for (unsigned i = 0; i < children.length; ++i) open.emplace_back(Child(children, i), depth + 1);
  }
  return {};
}

// Does `names` (a class list or an id) hold one of the words, whole, '-' and '_' separating?
bool HoldsWord(std::string_view names) {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"nav",         "navbar",  "navigation", "menu",   "sidebar", "breadcrumb", "breadcrumbs",
       "footer",      "cookie",  "cookies",    "toc",    "skip",    "navbox",     "catlinks",
       "editsection", "noprint", "share",      "advert", "ads",     "popup"});
  std::string word;
  for (std::size_t i = 0; i <= names.size(); ++i) {
    const char c = i < names.size() ? names[i] : ' ';
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      word += static_cast<char>(c | 0x20);
      continue;
    }
    for (const auto known : kWords) {
      if (word == known) return true;
    }
    word.clear();
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<HtmlTree>> HtmlTree::Parse(std::string_view utf8, int nesting_max) {
  STRATA_CHECK_OK(CheckTags(utf8, nesting_max));
  auto tree = std::make_unique<HtmlTree>();
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &Allocate;
  options.deallocator = &Release;
  options.userdata = &tree->arena_;
  options.max_errors = 0;
  const GumboOutput* output = gumbo_parse_with_options(&options, utf8.data(), utf8.size());
  if (output == nullptr || output->root == nullptr) {
    return Fail(Code::kInvalidArgument, "HTML: nothing to parse");
  }
  tree->root_ = output->root;
  STRATA_CHECK_OK(CheckDepth(tree->root_, nesting_max));
  return tree;
}

const GumboNode* HtmlTree::Find(GumboTag tag) const {
  std::vector<const GumboNode*> open = {root_};
  while (!open.empty()) {
    const GumboNode* node = open.back();
    open.pop_back();
    if (IsElement(node, tag)) return node;
    const GumboVector& children = Children(node);
    for (unsigned i = children.length; i > 0; --i) open.push_back(Child(children, i - 1));
  }
  return nullptr;
}

bool IsElement(const GumboNode* node, GumboTag tag) {
  return node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == tag;
}

std::string_view Attribute(const GumboNode* node, const char* name) {
  if (node->type != GUMBO_NODE_ELEMENT) return "";
  const GumboAttribute* found = gumbo_get_attribute(&node->v.element.attributes, name);
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

const GumboVector& Children(const GumboNode* node) {
  static const GumboVector kNone = {nullptr, 0, 0};
  return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE
             ? node->v.element.children
             : kNone;
}

void AppendText(const GumboNode* node, std::string& out) {
  if (IsText(node)) out += node->v.text.text;
  const GumboVector& children = Children(node);
  for (unsigned i = 0; i < children.length; ++i) AppendText(Child(children, i), out);
}

bool IsInvisible(const GumboNode* node) {
  if (node->type != GUMBO_NODE_ELEMENT) return node->type == GUMBO_NODE_TEMPLATE;
  switch (node->v.element.tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_INPUT:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_CANVAS:
      return true;
    default:
      break;
  }
  if (gumbo_get_attribute(&node->v.element.attributes, "hidden") != nullptr) return true;
  std::string style(Attribute(node, "style"));
  std::erase(style, ' ');
  return style.find("display:none") != std::string::npos ||
         style.find("visibility:hidden") != std::string::npos;
}

bool IsBoilerplate(const GumboNode* node) {
  if (node->type != GUMBO_NODE_ELEMENT) return false;
  const GumboTag tag = node->v.element.tag;
  if (tag == GUMBO_TAG_NAV || tag == GUMBO_TAG_ASIDE) return true;
  const std::string_view role = Attribute(node, "role");
  if (role == "navigation" || role == "search" || role == "contentinfo" || role == "banner") {
    return true;
  }
  if (tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_MAIN || tag == GUMBO_TAG_ARTICLE ||
      tag == GUMBO_TAG_HTML) {
    return false;
  }
  return HoldsWord(Attribute(node, "class")) || HoldsWord(Attribute(node, "id"));
}

}  // namespace strata::knowledge
