#pragma once
// Text inside HTML, SVG and XML.

#include <string>
#include <string_view>

namespace strata {

// Appends `text` for element content and quoted attributes: & < > " ' as entities. Control
// characters but tab, line feed and carriage return, which XML cannot hold in any form, become
// spaces. Bytes are not checked as UTF-8.
void AppendMarkup(std::string& out, std::string_view text);
std::string MarkupOf(std::string_view text);

}  // namespace strata
