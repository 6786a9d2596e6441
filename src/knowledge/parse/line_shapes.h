#pragma once
// What a line of text looks like: list item, numbered heading, page number. Shared by the
// plain-text and the PDF parser, where nothing but the looks says it.

#include <cstddef>
#include <string_view>

namespace strata::knowledge {

// Bytes of a list marker with the white space behind it ("• ", "- ", "3. ", "(b) "), 0 for none. A
// line that is nothing but a marker counts too.
std::size_t ListMarkerSize(std::string_view line);

// Like ListMarkerSize, bullets only ("• ", "- ").
std::size_t BulletSize(std::string_view line);

// Depth of a section number before a title: 1 for "3 Results" and "3. Results", 2 for "3.1 Data",
// 0 for none. "Chapter 3", "Appendix B" count as 1.
int SectionDepth(std::string_view line);

// Ends like a sentence: . ! ? … : ; or their CJK forms, closing quotes and brackets aside.
bool EndsSentence(std::string_view line);

// Code points of the letters in `line` that have no lower-case form in it: true for "ANNUAL
// REPORT".
bool IsAllCapitals(std::string_view line);

// A bare page number: "12", "- 12 -", "Page 3 of 7", "iv".
bool IsPageNumber(std::string_view line);

}  // namespace strata::knowledge
