#include "knowledge/answer/summary.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "knowledge/answer/last_question.h"
#include "knowledge/answer/tokens.h"
#include "text/normalize.h"

namespace strata::knowledge {
namespace {

constexpr auto kAskingForIt = std::to_array<std::string_view>(
    {"summarize", "summarise", "summary", "overview", "tldr", "zusammenfassung", "zusammenfassen",
     "fasse", "überblick", "résume", "résumé", "résumez"});
// "What does the summary say?" asks for what stands there.
constexpr auto kAsking =
    std::to_array<std::string_view>({"what", "which", "who", "whose", "when", "where", "why", "how",
                                     "is", "are", "does", "do", "did", "was", "were", "has", "in"});
// Stems of words that a request for a summary is made of, not its subject.
constexpr auto kNoSubject = std::to_array<std::string_view>(
    {"summar",   "summari", "summarys",  "overview",  "tldr",     "zusammenfassung",
     "zusammen", "fass",    "überblick", "uberblick", "resum",    "outlin",
     "give",     "short",   "brief",     "write",     "document", "text",
     "file",     "content", "sourc",     "articl",    "passag",   "page",
     "main",     "point",   "pleas",     "sentenc",   "key",      "everyth",
     "whole",    "entir"});
// Share of the subject that a section must speak of.
constexpr double kAbout = 0.6;
// … of what the best one does, to be quoted beside it.
constexpr double kNearBest = 0.75;
// What a heading says its section is about; words may only be mentioned.
constexpr double kInText = 0.7;

struct SectionFit {
  std::size_t section = 0;
  double fit = 0;
  std::vector<std::size_t> sentences;  // that may be quoted, in order
};

bool IsQuotable(const PoolSentence& sentence) {
  return !sentence.heading && sentence.features.question == 0;
}

// How much of the subject the headings and the text say, 0..1; 1 without a subject.
double Fit(const std::vector<std::size_t>& subject, std::uint64_t headings, std::uint64_t text) {
  if (subject.empty()) return 1;
  double fit = 0;
  for (const auto word : subject) {
    const bool heads = (headings >> word & 1U) != 0;
    const bool says = (text >> word & 1U) != 0;
    fit += heads ? 1 : says ? kInText : 0;
  }
  return fit / static_cast<double>(subject.size());
}

std::vector<std::size_t> SubjectOf(const Question& question) {
  std::vector<std::size_t> subject;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if (!IsOneOf(question.words[i].stem, kNoSubject)) subject.push_back(i);
  }
  return subject;
}

std::vector<SectionFit> SectionsAbout(const SentencePool& pool) {
  const auto subject = SubjectOf(pool.question);
  std::vector<SectionFit> sections(pool.sections.size());
  std::vector<std::uint64_t> words(pool.sections.size());
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& sentence = pool.sentences[i];
    words[sentence.section] |= sentence.words;
    if (IsQuotable(sentence)) sections[sentence.section].sentences.push_back(i);
  }
  double best = 0;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const auto& section = pool.sections[i];
    sections[i].section = i;
    sections[i].fit = Fit(subject, section.words | pool.headings[section.passage], words[i]);
    if (!sections[i].sentences.empty()) best = std::max(best, sections[i].fit);
  }
  const double enough = std::max(kAbout, kNearBest * best);
  std::erase_if(sections, [&](const SectionFit& section) {
    return section.fit < enough || section.sentences.empty();
  });
  return sections;
}

}  // namespace

bool AsksForSummary(std::string_view question) {
  constexpr std::size_t kWordsMax = 8;
  const auto tokens = Tokens(LastQuestion(question), kWordsMax);
  if (tokens.size() < 2 || IsOneOf(tokens[0].lower, kAsking)) return false;
  const auto asks = [](const Token& token) { return IsOneOf(token.lower, kAskingForIt); };
  return std::ranges::any_of(tokens, asks) || (tokens[0].lower == "sum" && tokens[1].lower == "up");
}

std::vector<std::size_t> SummarySentences(const SentencePool& pool,
                                          const std::vector<SourcePassage>& passages,
                                          const ExtractOptions& options) {
  auto sections = SectionsAbout(pool);
  // The best first; what retrieval or the document puts first among equals.
  std::ranges::sort(sections, [&](const SectionFit& a, const SectionFit& b) {
    const double x = a.fit + passages[pool.sections[a.section].passage].score / 2;
    const double y = b.fit + passages[pool.sections[b.section].passage].score / 2;
    return x != y ? x > y : a.section < b.section;
  });
  std::vector<std::size_t> chosen;
  std::set<std::string> texts;
  std::size_t bytes = 0;
  // The first sentence of each section, then the second ones.
  for (std::size_t turn = 0; turn < options.sentences_max; ++turn) {
    for (const auto& section : sections) {
      if (turn >= section.sentences.size() || chosen.size() >= options.sentences_max) continue;
      const auto index = section.sentences[turn];
      const auto text = text::CollapseSpace(TextOf(pool.sentences[index], passages));
      if (!chosen.empty() && bytes + text.size() > options.answer_bytes_max) continue;
      if (!texts.insert(text).second) continue;
      bytes += text.size();
      chosen.push_back(index);
    }
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace strata::knowledge
