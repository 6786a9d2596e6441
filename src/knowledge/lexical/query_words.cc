#include "knowledge/lexical/query_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "text/dates.h"
#include "text/search_words.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::size_t kQueryWordsMax = 256;
constexpr std::uint32_t kDateRepeats = 2;

bool IsShortNumber(std::string_view word) {
  return word.size() <= 2 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::map<std::string, std::uint32_t> WordsOfQuery(std::string_view query) {
  std::map<std::string, std::uint32_t> words;
  const auto add = [&](std::string word, std::uint32_t times) {
    auto found = words.find(word);
    if (found != words.end()) {
      found->second += times;
    } else if (words.size() < kQueryWordsMax) {
      words.emplace(std::move(word), times);
    }
  };
  std::vector<text::FoundDate> dates;
  text::ForEachDate(query, [&](const text::FoundDate& date) { dates.push_back(date); });
  auto date = dates.begin();
  text::SearchWordMaker maker;
  maker.ForEach(query, [&](const text::SearchWord& word) {
    while (date != dates.end() && date->end <= word.begin) ++date;
    const bool in_date = date != dates.end() && date->begin <= word.begin;
    if (!in_date || !IsShortNumber(word.word)) add(std::string(word.word), 1);
  });
  for (const auto& one : dates) add(one.day > 0 ? DayWord(one) : MonthWord(one), kDateRepeats);
  return words;
}

}  // namespace strata::knowledge::lexical
