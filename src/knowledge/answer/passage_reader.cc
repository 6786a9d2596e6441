#include "knowledge/answer/passage_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/prohibitions.h"
#include "knowledge/answer/question_conditions.h"
#include "knowledge/answer/table_rows.h"
#include "knowledge/answer/tokens.h"
#include "text/language.h"

namespace strata::knowledge {
namespace {

// How much a word counts that is lent by what stands before.
constexpr double kInLeanedOn = 0.7;    // to a sentence that begins with a pronoun
constexpr double kInDescribed = 0.45;  // … or with a definite description
constexpr std::uint32_t kPairDistance = 3;

// Cuts an overlong sentence at line ends, else at word ends.
void AppendCut(std::string_view text, text::TextSpan span, std::vector<text::TextSpan>& out) {
  while (span.end - span.begin > kSentenceBytesMax) {
    const auto head = Utf8Prefix(text.substr(span.begin, span.end - span.begin), kSentenceBytesMax);
    std::size_t cut = head.rfind('\n');
    if (cut == std::string_view::npos || cut == 0) cut = head.rfind(' ');
    if (cut == std::string_view::npos || cut == 0) cut = head.size();
    out.push_back({span.begin, span.begin + cut});
    span.begin += cut;
    while (span.begin < span.end && (text[span.begin] == ' ' || text[span.begin] == '\n')) {
      ++span.begin;
    }
  }
  if (span.begin < span.end) out.push_back(span);
}

std::vector<text::TextSpan> Sentences(std::string_view text, std::string_view language) {
  std::vector<text::TextSpan> spans;
  for (const auto& span : text::SplitSentences(text, language)) {
    AppendCut(text, span, spans);
  }
  return spans;
}

double PairShare(const Found& found, std::size_t question_words) {
  if (question_words < 2) return 0;
  std::uint64_t pairs = 0;  // bit i: words i and i + 1 stand close together
  for (const auto& [a, at] : found.places) {
    for (const auto& [b, there] : found.places) {
      const auto distance = at > there ? at - there : there - at;
      if (b == a + 1 && distance <= kPairDistance) pairs |= std::uint64_t{1} << a;
    }
  }
  return static_cast<double>(std::popcount(pairs)) / static_cast<double>(question_words - 1);
}

bool EndsAsSentence(std::string_view sentence) {
  while (!sentence.empty() && std::string_view("\"')]*_").find(sentence.back()) != sentence.npos) {
    sentence.remove_suffix(1);
  }
  for (std::string_view end : {".", "!", "?", "”", "’", "。"}) {
    if (sentence.ends_with(end)) return true;
  }
  return false;
}

// How a sentence of these kinds suits a question for `asked`.
double KindMatch(unsigned asked, unsigned kinds) {
  if (asked == kNoKind) return 0;
  return (kinds & asked) != 0 ? 1 : -1;
}

// "Made in", "Seen at".
bool NamesPlaces(std::string_view heading) {
  constexpr std::array<std::string_view, 4> kEnds = {"in", "at", "from", "to"};
  const auto tokens = Tokens(heading);
  return !tokens.empty() && IsOneOf(tokens.back().lower, kEnds);
}

// The kinds of a row's cells: what their column is named after counts, and a capital at the
// beginning of a cell says nothing.
unsigned KindsOfRow(const std::vector<std::string>& header, const std::vector<std::string>& row,
                    const Question& question, WordFinder& finder) {
  const bool named = NamesColumns(header);
  unsigned kinds = kNoKind;
  for (std::size_t i = named ? 0 : 1; i < row.size(); ++i) {
    const std::string& heading = named ? header[std::min(i, header.size() - 1)] : row[0];
    const unsigned held = KindsIn(row[i], question.said);
    kinds |= held & ~unsigned{kPerson};
    const unsigned of_heading = KindsOfHeading(heading);
    const bool number =
        std::ranges::any_of(row[i], [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number) kinds |= of_heading & kMeasures;
    const auto first = Tokens(row[i], 1);
    const bool asked_for =
        (of_heading & kPerson) != 0 || (finder.Find(heading).words != 0 && !NamesPlaces(heading));
    if (asked_for && !first.empty() && first[0].capitalised) kinds |= kPerson;
  }
  return kinds;
}

// Adds the sentences of one passage.
class PassageReader {
 public:
  PassageReader(const SourcePassage& passage, std::size_t number, WordFinder& finder,
                SentencePool& pool)
      : passage_(passage),
        number_(number),
        finder_(finder),
        pool_(pool),
        language_(text::GuessLanguage(passage.text)),
        header_(TableCells(passage.table_header)) {}

  void Read() {
    const auto spans = Sentences(passage_.text, language_);
    pool_.sections.push_back({.passage = number_});
    open_.assign(1, pool_.sections.size() - 1);
    for (std::size_t i = 0; i < spans.size() && pool_.sentences.size() < kPoolSentencesMax; ++i) {
      const auto sentence = TextOf(spans[i]);
      const auto cells = TableCells(sentence);
      if (cells.empty()) {
        header_.clear();
        if (IsHeading(spans[i])) OpenSection(sentence);
        AddSentence(spans[i], sentence);
      } else if (!IsTableRule(sentence)) {
        const bool heads = i + 1 < spans.size() && IsTableRule(TextOf(spans[i + 1])) &&
                           !ListsValues(cells, RowsBelow(spans, i + 2));
        if (heads) header_ = cells;
        if (!heads || !NamesColumns(cells)) AddRow(spans[i], cells);
      }
    }
  }

 private:
  std::string_view TextOf(text::TextSpan span) const {
    return passage_.text.substr(span.begin, span.end - span.begin);
  }

  // The rows of the table from `at` on, as many as say what it is.
  std::vector<std::vector<std::string>> RowsBelow(const std::vector<text::TextSpan>& spans,
                                                  std::size_t at) const {
    constexpr std::size_t kRowsMax = 40;
    std::vector<std::vector<std::string>> rows;
    for (; at < spans.size() && rows.size() < kRowsMax; ++at) {
      auto cells = TableCells(TextOf(spans[at]));
      if (cells.empty()) break;
      rows.push_back(std::move(cells));
    }
    return rows;
  }

  // Below the heading `sentence`; those above it of a higher level hold for it too.
  void OpenSection(std::string_view sentence) {
    constexpr std::size_t kPlainLevel = 7;  // a line without "#" is below all that have one
    const auto marks = sentence.find_first_not_of('#');
    const auto level = marks == 0 ? kPlainLevel : std::min(marks, sentence.size());
    while (open_.size() > 1 && pool_.sections[open_.back()].level >= level) open_.pop_back();
    const auto parent = open_.back();
    pool_.sections.push_back({.passage = number_,
                              .parent = parent,
                              .level = level,
                              .words = finder_.Find(sentence).words | pool_.sections[parent].words,
                              .heading = sentence});
    open_.push_back(pool_.sections.size() - 1);
    section_words_ = 0;
  }

  // Marked as one, or a short line between blank ones that ends as none does.
  bool IsHeading(text::TextSpan span) const {
    constexpr int kWordsMax = 9;
    const auto sentence = TextOf(span);
    if (sentence.starts_with('#')) return true;
    const auto blank = [](std::string_view text) { return text.starts_with("\n\n"); };
    const auto before = passage_.text.substr(0, span.begin);
    const bool alone = (before.empty() || before.ends_with("\n\n")) &&
                       blank(passage_.text.substr(span.end)) &&
                       sentence.find('\n') == std::string_view::npos;
    return alone && !EndsAsSentence(sentence) && !sentence.ends_with(':') &&
           !sentence.ends_with(',') && !sentence.starts_with("- ") && !sentence.starts_with("* ") &&
           Tokens(sentence, kWordsMax + 1).size() <= kWordsMax;
  }

  PoolSentence Entry(text::TextSpan span, std::string_view sentence) {
    const Found found = finder_.Find(sentence);
    PoolSentence entry;
    entry.passage = number_;
    entry.span = span;
    entry.words = found.words;
    entry.word_count = found.word_count;
    entry.section = pool_.sections.size() - 1;
    SetConditions(sentence, entry);
    if (pool_.question.denied && Prohibits(sentence)) entry.words |= ProhibitedWords();
    entry.pairs = PairShare(found, pool_.question.words.size());
    entry.features.brevity = std::max(0.0, 1 - found.word_count / 8.0);
    return entry;
  }

  // "63" stands in "aged 60 and over".
  void SetConditions(std::string_view sentence, PoolSentence& entry) {
    const auto asked = [&](std::string_view word) { return finder_.Find(word).words != 0; };
    for (const auto& condition : pool_.question.conditions) {
      const auto meets = MeetsCondition(sentence, condition, asked);
      if (meets == Meets::kMet) entry.words |= condition.words;
      entry.of_others = entry.of_others || meets == Meets::kOfOthers;
    }
  }

  // "Allowed" in "not allowed", and what is not: said by one word that prohibits.
  std::uint64_t ProhibitedWords() const {
    std::uint64_t words = 0;
    for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
      const auto& word = pool_.question.words[i];
      if (word.permission || word.barred) words |= std::uint64_t{1} << i;
    }
    return words;
  }

  void SetKinds(unsigned kinds, PoolSentence& entry) const {
    const unsigned asked = pool_.question.asked;
    entry.met = asked & kinds;
    entry.features.kind = KindMatch(asked & ~kMeasures, kinds);
    entry.features.measure = KindMatch(asked & kMeasures, kinds);
  }

  void AddSentence(text::TextSpan span, std::string_view sentence) {
    auto entry = Entry(span, sentence);
    entry.leans = LeansOnPrevious(sentence, language_);
    entry.heading = pool_.sections.back().heading.data() == sentence.data();
    entry.labelled = !entry.heading && BeginsWithCause(sentence);
    entry.refers = RefersBack(sentence);
    entry.owned = BeginsOwned(sentence);
    if (BeginsDefinite(sentence)) {
      entry.relational = finder_.Find(Tokens(sentence, 2).back().lower).words != 0;
    }
    Carry(entry, sentence);
    section_words_ |= entry.words;
    if (pool_.question.asked != kNoKind) SetKinds(KindsIn(sentence, pool_.question.said), entry);
    entry.features.question = sentence.ends_with('?') ? 1 : 0;
    entry.features.complete = EndsAsSentence(sentence) ? 1 : 0;
    pool_.sentences.push_back(std::move(entry));
  }

  // The subject goes on from sentence to sentence, as long as each takes it up.
  void Carry(PoolSentence& entry, std::string_view sentence) const {
    if (pool_.sentences.empty() || pool_.sentences.back().passage != number_) return;
    const auto& previous = pool_.sentences.back();
    if (entry.labelled) {
      entry.carry = kInLeanedOn;
      entry.carried = section_words_;
      return;
    }
    if (!previous.label.empty()) return;
    if (entry.leans) {
      entry.carry = kInLeanedOn;
    } else if (BeginsDefinite(sentence)) {
      entry.carry = kInDescribed;
    }
    if (entry.carry == 0) return;
    entry.carried = previous.words;
    entry.inherited = previous.carried | previous.inherited;
    // A chain of pronouns keeps its subject; other links loosen it.
    entry.inherit = entry.carry * (previous.leans ? 1 : previous.carry);
  }

  void AddRow(text::TextSpan span, const std::vector<std::string>& cells) {
    const auto& header = header_ == cells ? kNoHeader : header_;
    auto label = LabelledRow(header, cells);
    if (label.empty()) return;
    auto entry = Entry(span, label);
    if (pool_.question.asked != kNoKind) {
      SetKinds(KindsOfRow(header, cells, pool_.question, finder_), entry);
    }
    entry.features.complete = 1;
    entry.label = std::move(label);
    pool_.sentences.push_back(std::move(entry));
  }

  inline static const std::vector<std::string> kNoHeader;

  const SourcePassage& passage_;
  const std::size_t number_;
  WordFinder& finder_;
  SentencePool& pool_;
  const std::string language_;       // of the passage; "" when unknown
  std::vector<std::string> header_;  // of the table that is being read
  std::vector<std::size_t> open_;    // the sections that the one being read lies in, and itself
  std::uint64_t section_words_ = 0;  // of the question, in what the section has said so far
};

}  // namespace

void ReadPassage(const SourcePassage& passage, std::size_t number, WordFinder& finder,
                 SentencePool& pool) {
  PassageReader(passage, number, finder, pool).Read();
}

}  // namespace strata::knowledge
