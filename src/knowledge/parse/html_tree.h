#pragma once
// gumbo's parse tree in an arena, with its depth checked before anything walks it.

#include <gumbo.h>

#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::knowledge {

// Owns the tree. gumbo's own destructor recurses as deep as the document nests; the arena does not.
class HtmlTree {
 public:
  // `utf8` outlives the tree. kTooLarge when elements nest deeper than `nesting_max`.
  static Result<std::unique_ptr<HtmlTree>> Parse(std::string_view utf8, int nesting_max);

  const GumboNode* root() const { return root_; }  // <html>
  const GumboNode* Find(GumboTag tag) const;       // the first, in document order; or null

 private:
  std::pmr::monotonic_buffer_resource arena_;
  const GumboNode* root_ = nullptr;
};

// nullptr-safe helpers; "" and no children for what is not an element.
bool IsElement(const GumboNode* node, GumboTag tag);
std::string_view Attribute(const GumboNode* node, const char* name);
const GumboVector& Children(const GumboNode* node);
inline const GumboNode* Child(const GumboVector& children, unsigned i) {
  return static_cast<const GumboNode*>(children.data[i]);
}
inline bool IsText(const GumboNode* node) {
  return node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
         node->type == GUMBO_NODE_CDATA;
}

// All text below, as it stands.
void AppendText(const GumboNode* node, std::string& out);

// Script, style, forms, hidden things: never content. `node` is an element.
bool IsInvisible(const GumboNode* node);

// Navigation, page header and footer, cookie notes, by element, role, class and id.
bool IsBoilerplate(const GumboNode* node);

}  // namespace strata::knowledge
