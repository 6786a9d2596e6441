#include "knowledge/answer/word_finder.h"

#include <algorithm>
#include <bit>

#include "knowledge/answer/german_words.h"
#include "knowledge/answer/synonyms.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {

WordFinder::WordFinder(const Question& question) : question_(question) {
  for (const auto& word : question.words) {
    index_.emplace(word.stem, static_cast<int>(index_.size()));
  }
}

Found WordFinder::Find(std::string_view text) {
  thread_local text::SearchWordMaker maker;
  Found found;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    found.word_count = std::max(found.word_count, static_cast<int>(word.position) + 1);
    auto words = Lookup(word.word, text.substr(word.begin, word.end - word.begin));
    found.words |= words;
    for (; words != 0; words &= words - 1) {
      found.places.emplace_back(std::countr_zero(words), word.position);
    }
  });
  return found;
}

std::uint64_t WordFinder::Lookup(std::string_view stem, std::string_view surface) {
  // The parts of an identifier share its bytes.
  auto key = std::string(surface) + '\n' + std::string(stem);
  if (const auto known = seen_.find(key); known != seen_.end()) return known->second;
  const auto whole = WithoutElision(surface);
  std::string own_stem;
  if (whole.size() < surface.size()) {
    own_stem = StemOf(whole);
    stem = own_stem;
  }
  int found = Exact(stem, whole);
  if (found < 0 && !index_.contains(stem)) found = Related(stem, whole);
  std::uint64_t words = found < 0 ? 0 : std::uint64_t{1} << found;
  if (words == 0 && question_.language == "de") words = PartsOf(text::FoldCase(whole));
  seen_.emplace(std::move(key), words);
  return words;
}

// The two words that a German compound is put together of: "Wassertank" for "wie viel Wasser fasst
// der Tank".
std::uint64_t WordFinder::PartsOf(std::string_view lower) const {
  const auto& words = question_.words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t j = 0; j < words.size(); ++j) {
      if (i != j && IsCompoundOf(lower, words[i].surface, words[j].surface)) {
        return std::uint64_t{1} << i | std::uint64_t{1} << j;
      }
    }
  }
  return 0;
}

int WordFinder::Exact(std::string_view stem, std::string_view surface) const {
  const auto at = index_.find(stem);
  if (at == index_.end()) return -1;
  const auto& asked = question_.words[static_cast<std::size_t>(at->second)];
  if (IsOtherName(asked, surface)) return -1;
  return AreOtherVerbs(asked.surface, text::FoldCase(surface)) ? -1 : at->second;
}

// The name "Président" is not the word "president", when the question writes names with capitals.
bool WordFinder::IsOtherName(const QuestionWord& asked, std::string_view surface) const {
  if (!question_.cased || asked.name) return false;
  const auto tokens = Tokens(surface, 1);
  return !tokens.empty() && tokens[0].capitalised && tokens[0].lower != asked.surface &&
         text::FoldAccents(tokens[0].lower) == text::FoldAccents(asked.surface);
}

int WordFinder::Related(std::string_view stem, std::string_view surface) const {
  if (stem.size() < 3) return -1;
  const auto lower = text::FoldCase(surface);
  if (text::IsStopWord(lower)) return -1;
  const auto base = BaseForm(lower);
  const bool german_verb = question_.language == "de" && lower == surface;
  for (std::size_t i = 0; i < question_.words.size(); ++i) {
    const auto& word = question_.words[i];
    if (word.name || word.framing) continue;
    const auto asked = BaseForm(word.surface);
    const bool irregular = base != lower || asked != word.surface;
    if (SameRoot(stem, word.stem) || AreSynonyms(lower, word.surface) ||
        (irregular && SameRoot(base, asked)) ||
        (german_verb && SameGermanVerb(lower, word.surface))) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace strata::knowledge
