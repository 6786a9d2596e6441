#include "knowledge/retrieve/phrases.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "knowledge/base/kb_file.h"

namespace strata::knowledge {
namespace {

struct Marks {
  std::string_view open;
  std::array<std::string_view, 2> close;
};
constexpr auto kMarks = std::to_array<Marks>({
    {"\u201C", {"\u201D", ""}},        // “…”
    {"\u201E", {"\u201C", "\u201D"}},  // „…“ and „…”
    {"\u00AB", {"\u00BB", ""}},        // «…»
    {"\u00BB", {"\u00AB", ""}},        // »…«
});
constexpr std::string_view kStraight = "\"";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// Part of a word, as far as straight marks care: letters of all scripts are.
bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool Opens(std::string_view query, std::size_t at) {
  return (at == 0 || !IsWordByte(query[at - 1])) && at + 1 < query.size() &&
         !IsSpace(query[at + 1]);
}

bool Closes(std::string_view query, std::size_t at) {
  return !IsSpace(query[at - 1]) && (at + 1 == query.size() || !IsWordByte(query[at + 1]));
}

struct Quote {
  std::size_t begin = 0;  // of what is between the marks
  std::size_t end = 0;
  std::size_t behind = 0;  // the closing mark
};

// Within the longest phrase from `begin` on.
std::optional<Quote> FindClose(std::string_view query, std::size_t begin, std::string_view mark) {
  const auto window = query.substr(0, begin + kPhraseBytesMax + mark.size());
  for (auto at = window.find(mark, begin); at != window.npos; at = window.find(mark, at + 1)) {
    if (mark == kStraight && (at == begin || !Closes(query, at))) continue;
    return Quote{.begin = begin, .end = at, .behind = at + mark.size()};
  }
  return std::nullopt;
}

// That opens at `at`.
std::optional<Quote> QuoteAt(std::string_view query, std::size_t at) {
  const auto rest = query.substr(at);
  if (rest.starts_with(kStraight)) {
    return Opens(query, at) ? FindClose(query, at + kStraight.size(), kStraight) : std::nullopt;
  }
  for (const auto& [open, close] : kMarks) {
    if (!rest.starts_with(open)) continue;
    std::optional<Quote> nearest;
    for (const auto mark : close) {
      if (mark.empty()) continue;
      const auto quote = FindClose(query, at + open.size(), mark);
      if (quote && (!nearest || quote->end < nearest->end)) nearest = quote;
    }
    return nearest;
  }
  return std::nullopt;
}

// Where a mark may be, from `at` on.
std::size_t NextMark(std::string_view query, std::size_t at) {
  return query.find_first_of("\"\xC2\xE2", at);
}

std::size_t CountWords(text::SearchWordMaker& maker, std::string_view text) {
  std::size_t count = 0;
  maker.ForEach(text, [&](const text::SearchWord& word) { count = word.position + 1; });
  return count;
}

}  // namespace

std::vector<std::string_view> QuotedPhrases(std::string_view query) {
  std::vector<std::string_view> phrases;
  std::optional<text::SearchWordMaker> maker;
  for (auto at = NextMark(query, 0); at != query.npos && phrases.size() < kPhrasesMax;
       at = NextMark(query, at)) {
    const auto quote = QuoteAt(query, at);
    if (!quote) {
      ++at;
      continue;
    }
    at = quote->behind;
    const auto text = query.substr(quote->begin, quote->end - quote->begin);
    if (std::ranges::find(phrases, text) != phrases.end()) continue;
    if (!maker) maker.emplace();
    const auto words = CountWords(*maker, text);
    if (words > 0 && words <= kPhraseWordsMax) phrases.push_back(text);
  }
  return phrases;
}

PhraseMatcher::PhraseMatcher(std::span<const std::string_view> phrases) {
  for (std::size_t i = 0; i < std::min(phrases.size(), kPhrasesMax); ++i) {
    std::optional<std::uint32_t> last;
    words_.ForEach(phrases[i], [&](const text::SearchWord& word) {
      // The first at a position is the whole word, the others are its parts.
      if (word.position == last || word.position >= kPhraseWordsMax) return;
      last = word.position;
      places_[std::string(word.word)].at(i) |= 1U << word.position;
    });
    if (last) ends_.at(i) = 1U << *last;
  }
}

// Shift-and: Baeza-Yates, Gonnet 1992, A new approach to text searching; words for letters.
std::uint32_t PhraseMatcher::In(std::string_view text) {
  Places begun = {};  // which first words of each phrase stand before the position
  Places here = {};   // which words of it stand at the position
  std::uint32_t found = 0;
  std::uint32_t position = 0;
  const auto step = [&] {
    for (std::size_t i = 0; i < kPhrasesMax; ++i) {
      begun[i] = ((begun[i] << 1) | 1U) & here[i];
      if ((begun[i] & ends_[i]) != 0) found |= 1U << i;
    }
    here = {};
  };
  std::string key;
  words_.ForEach(text, [&](const text::SearchWord& word) {
    if (word.position != position) step();
    position = word.position;
    key.assign(word.word);
    const auto places = places_.find(key);
    if (places == places_.end()) return;
    for (std::size_t i = 0; i < kPhrasesMax; ++i) here[i] |= places->second[i];
  });
  step();
  return found;
}

PhraseSearch::PhraseSearch(const KbCache& cache, store::SqlFile& file, std::string_view query,
                           std::span<const std::string_view> phrases)
    : cache_(cache), file_(file), query_(query), phrases_(phrases), matcher_(phrases) {}

Result<std::vector<LegHit>> PhraseSearch::Find(std::size_t limit, const SearchScope& scope,
                                               std::span<const SpellingFix> fixes) {
  std::vector<LegHit> found;
  const auto each = std::max(kLookedUpMax, 2 * limit) / phrases_.size();
  for (const auto phrase : phrases_) {
    STRATA_TRY(const auto candidates, cache_.SearchWords(query_, each, scope, fixes, phrase));
    std::vector<LegHit> holders;
    auto look_up = [&](store::Database& db) -> Result<> {
      for (const auto& hit : candidates) {
        if (holders.size() == limit) break;
        STRATA_TRY(const int held, LookUp(db, hit.row));
        if (held > 0) holders.push_back(hit);
      }
      return {};
    };
    STRATA_CHECK_OK(file_.ReadBlocking(look_up));
    MergeHits(found, holders);
  }
  return found;
}

Result<> PhraseSearch::LookUp(std::span<const LegHit> hits) {
  return file_.ReadBlocking([&](store::Database& db) -> Result<> {
    for (const auto& hit : hits) STRATA_CHECK_OK(LookUp(db, hit.row));
    return {};
  });
}

Result<int> PhraseSearch::LookUp(store::Database& db, std::uint64_t row) {
  const auto [at, fresh] = held_.try_emplace(row, 0);
  if (!fresh) return at->second;
  STRATA_TRY(const auto chunk, ReadChunkWords(db, row));
  if (!chunk) return 0;  // deleted meanwhile
  at->second = std::popcount(matcher_.In(chunk->context) | matcher_.In(chunk->text));
  return at->second;
}

void MergeHits(std::vector<LegHit>& hits, std::span<const LegHit> found) {
  std::unordered_map<std::uint64_t, bool> known;
  for (const auto& hit : hits) known.emplace(hit.row, true);
  const auto before = hits.size();
  for (const auto& hit : found) {
    if (known.emplace(hit.row, true).second) hits.push_back(hit);
  }
  if (hits.size() == before) return;
  std::ranges::sort(hits, [](const LegHit& a, const LegHit& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
}

}  // namespace strata::knowledge
