#pragma once
// Building HTML on the server: escaping, and the frame that all console pages share.

#include <string>
#include <string_view>

namespace strata::server {

// Text for element content and quoted attributes.
std::string Escaped(std::string_view text);

// A whole page. `body` is HTML; `title` is text.
std::string Page(std::string_view title, std::string_view body);

// The stylesheet, served at /console/console.css, so that the content security policy needs no
// exception.
std::string_view Stylesheet();

// What a browser's tab shows, served at /console/icon.svg: without one browsers ask for
// /favicon.ico.
std::string_view Icon();

}  // namespace strata::server
