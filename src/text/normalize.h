#pragma once
// Unicode normal forms and folding, for comparing and storing text. Malformed UTF-8 becomes U+FFFD.
// Thread-safe.

#include <string>
#include <string_view>

namespace strata::text {

// Canonical composition (NFC): the form text is stored in. Already normal text costs one scan.
std::string Nfc(std::string_view text);

// For comparing what people typed: NFKC, case folding, default-ignorable characters removed
// (NFKC_Casefold, UAX #31).
std::string FoldCase(std::string_view text);

// FoldCase, then accents dropped: "Ärger" and "arger" become the same.
std::string FoldAccents(std::string_view text);

// Runs of white space become one space, none at the ends; control characters count as white space.
std::string CollapseSpace(std::string_view text);

}  // namespace strata::text
