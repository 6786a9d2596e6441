// Any bytes through everything that reads text: spans must lie in it, in order.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/dates.h"
#include "text/hashed_features.h"
#include "text/language.h"
#include "text/offsets.h"
#include "text/search_words.h"
#include "text/sentences.h"
#include "text/word_pieces.h"

namespace {

using namespace strata::text;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckPieces(std::string_view text) {
  static const WordPieces pieces = *WordPieces::Parse(
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##a\n##b\nab\n.\ne\n##e\n\xE4\xB8\xAD\n1\n##1\n");
  std::vector<WordPiece> found;
  pieces.Encode(text, found);
  std::uint32_t at = 0;
  for (const WordPiece& piece : found) {
    Require(at <= piece.begin && piece.begin < piece.end && piece.end <= text.size());
    at = piece.end;
  }
  Require(pieces.Count(text) == found.size());
}

void CheckOffsets(std::string_view text) {
  CodePointOffsets offsets(text);
  for (std::size_t point = 0; point <= offsets.size(); point += 1 + point / 7) {
    Require(offsets.FromByte(offsets.ToByte(point)) == point);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t end = 0;
  for (TextSpan span : SplitSentences(text)) {
    Require(end <= span.begin && span.begin < span.end && span.end <= size);
    end = span.end;
  }
  static SearchWordMaker maker;
  maker.ForEach(text, [&](const SearchWord& word) {
    Require(!word.word.empty() && word.word.size() <= 64);
    Require(word.begin < word.end && word.end <= size);
  });
  ForEachDate(text, [&](const FoundDate& date) {
    Require(date.begin < date.end && date.end <= size && date.day <= 31);
    Require(date.month >= 1 && date.month <= 12 && date.year >= 1000 && date.year <= 2999);
  });
  CheckPieces(text);
  CheckOffsets(text);
  GuessLanguage(text);
  HashFeatures(text);
  return 0;
}
