#pragma once
// A text as the words, numbers and marks that tell things apart ("Tank 2", "Dome B", "1,200").

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// A token, or several that are one: "3.2", "1,200", "2024-17", "W-0312".
struct Piece {
  std::string lower;
  bool capitalised = false;
  bool digits = false;  // holds one at least
  int capitals = 0;
  std::string_view between;  // what stands between it and the piece before; a view of the text

  // Directly behind the piece before: white space between them, no blank line.
  bool Adjoins() const;
};

std::vector<Piece> Pieces(std::string_view text);

// Four digits that read as a year.
bool IsYearPiece(const Piece& piece);
// Letters with digits, such as "P-102", "W-0312" or "A40": what one thing alone is called.
bool IsIdentifierPiece(const Piece& piece);
// Its letters as "a" and its digits as one "9", so that identifiers of one kind are alike.
std::string FormOfIdentifier(std::string_view identifier);
// What may tell one thing from another of its kind, behind its noun: "2", "12", "B", "IV", "3.2".
bool IsMarkPiece(const Piece& piece);

// The marks that stand behind `noun` (in any number: "Tanks 1 to 3" are 1, 2 and 3), as written, in
// lower case.
std::vector<std::string> MarksBehind(const std::vector<Piece>& pieces, std::string_view noun);

}  // namespace strata::knowledge
