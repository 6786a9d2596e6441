#pragma once
// Words as the keyword index sees them, the same for documents and queries.
//
// Runs of letters, digits and underscores in lower case with compatibility forms and accents folded
// (NFKC, case folding, diacritics dropped), then the Snowball English stemmer (Porter 2001) on
// words of ASCII letters. Identifiers come whole and in parts of two letters or more:
// `parseHttpHeader_v2` gives "parsehttpheader_v2", "pars", "http", "header", "v2". Numbers stay
// whole ("3.14"; "1,000" as "1000"). Scripts without spaces (Chinese, Japanese, Korean, Thai,
// Khmer, Lao, Burmese) give overlapping pairs of characters, one character alone as itself.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata::text {

struct SearchWord {
  std::string_view word;    // UTF-8, at most 64 bytes; valid during the call only
  std::uint32_t begin = 0;  // bytes of the text it comes from
  std::uint32_t end = 0;
  std::uint32_t position = 0;  // counts words from 0; the parts of an identifier share its position
};

// Makes words. Keeps the stemmer and its cache: one object a thread, not thread-safe, reuse it.
class SearchWordMaker {
 public:
  SearchWordMaker();
  ~SearchWordMaker();
  SearchWordMaker(const SearchWordMaker&) = delete;
  SearchWordMaker& operator=(const SearchWordMaker&) = delete;

  // Calls `take` for each word in the order of the text; any bytes are accepted, text.size() below
  // 4 GiB.
  void ForEach(std::string_view text, const std::function<void(const SearchWord&)>& take);
  std::vector<std::string> Words(std::string_view text);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// True for words too frequent to say what an English question is about ("the", "of", "is"); takes a
// word as made above or in lower case. The index keeps them; extractive answers and highlights
// leave them out.
bool IsStopWord(std::string_view word);

}  // namespace strata::text
