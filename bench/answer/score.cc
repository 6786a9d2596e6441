#include "bench/answer/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/utf8.h"
#include "text/normalize.h"
#include "text/search_words.h"
#include "text/sentences.h"

namespace strata::bench {
namespace {

std::set<std::string> ContentWords(std::string_view text) {
  thread_local text::SearchWordMaker maker;
  std::set<std::string> words;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (!text::IsStopWord(word.word)) words.emplace(word.word);
  });
  return words;
}

// " word word ": folded, without punctuation.
std::string Folded(std::string_view text) {
  std::string out = " ";
  for (char c : text::FoldAccents(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool word = std::isalnum(byte) != 0 || byte >= 128;
    if (word) out += c;
    if (!word && out.back() != ' ') out += ' ';
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

}  // namespace

void Tally::Add(const std::string& name, double value) {
  auto [at, added] = sums_.try_emplace(name, 0, 0);
  if (added) names_.push_back(name);
  at->second.first += value;
  ++at->second.second;
}

std::string Tally::Mean(const std::string& name) const {
  const auto at = sums_.find(name);
  if (at == sums_.end()) return "–";
  return fmt::format("{:.3f}", at->second.first / at->second.second);
}

double GoldCovered(const Question& question, const std::vector<domain::Citation>& citations) {
  std::int64_t gold = 0;
  std::int64_t inside = 0;
  for (const auto& [begin, end] : question.spans) {
    gold += end - begin;
    std::vector<bool> hit(static_cast<std::size_t>(end - begin));
    for (const auto& citation : citations) {
      for (auto at = std::max(begin, citation.source_start);
           at < std::min(end, citation.source_end); ++at) {
        hit[static_cast<std::size_t>(at - begin)] = true;
      }
    }
    inside += std::ranges::count(hit, true);
  }
  return gold > 0 ? static_cast<double>(inside) / static_cast<double>(gold) : 0;
}

bool HoldsGold(const Question& question, const knowledge::RetrievedChunk& passage) {
  return std::ranges::any_of(question.spans, [&](const auto& span) {
    return std::max(span.first, passage.start) < std::min(span.second, passage.end);
  });
}

double CitedInGold(const Question& question, const std::vector<domain::Citation>& citations) {
  if (citations.empty()) return 0;
  const auto inside = std::ranges::count_if(
      citations, [&](const auto& citation) { return GoldCovered(question, {citation}) > 0; });
  return static_cast<double>(inside) / static_cast<double>(citations.size());
}

double WordsHeld(std::string_view gold, std::string_view answer) {
  const auto wanted = ContentWords(gold);
  const auto held = ContentWords(answer);
  if (wanted.empty()) return 0;
  const auto both =
      std::ranges::count_if(wanted, [&](const auto& word) { return held.contains(word); });
  return static_cast<double>(both) / static_cast<double>(wanted.size());
}

bool Contains(std::string_view answer, std::string_view gold) {
  const auto folded = Folded(answer);
  const auto wanted = Folded(gold);
  if (wanted == " yes " || wanted == " no ") return folded.starts_with(wanted);
  return wanted.size() > 1 && folded.find(wanted) != std::string::npos;
}

Support SupportOf(const Answer& answer) {
  Support support;
  for (const auto& span : text::SplitSentences(answer.text)) {
    const auto at = static_cast<std::int64_t>(
        CodePointCount(std::string_view(answer.text).substr(0, span.begin)));
    ++support.sentences;
    support.supported += std::ranges::any_of(answer.citations, [&](const auto& citation) {
      return citation.answer_start <= at && at < citation.answer_end;
    });
  }
  return support;
}

}  // namespace strata::bench
