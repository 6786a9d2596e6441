#include "knowledge/answer/sentence_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <map>
#include <string>

#include "base/utf8.h"
#include "knowledge/answer/extract_weights.h"
#include "knowledge/answer/prohibitions.h"
#include "knowledge/answer/question_conditions.h"
#include "knowledge/answer/table_rows.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_finder.h"
#include "text/language.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// How much a question word counts that stands near the sentence but not in it.
constexpr double kInHeading = 0.6;
constexpr double kInLeanedOn = 0.7;    // of a sentence that begins with a pronoun
constexpr double kInDescribed = 0.45;  // … or with a definite description
constexpr double kInNeighbour = 0.25;
constexpr std::uint32_t kPairDistance = 3;
constexpr std::size_t kTopSentences = 3;  // that answer together
constexpr double kNearBest = 2;           // log-odds below the best sentence that may answer too
constexpr double kManyMissing = 4;

double Share(std::uint64_t words, const std::vector<double>& weights) {
  double share = 0;
  for (; words != 0; words &= words - 1) {
    share += weights[static_cast<std::size_t>(std::countr_zero(words))];
  }
  return share;
}

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

// Weights of the question's words, summing to 1: the root of idf over the pool's sentences. Idf
// itself would let one word decide that no passage holds: who speaks, say, in a speech.
std::vector<double> Weights(const Question& question, const std::vector<PoolSentence>& sentences) {
  const auto count = static_cast<double>(sentences.size());
  std::vector<double> weights;
  double sum = 0;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    const auto holding = static_cast<double>(std::max<std::ptrdiff_t>(
        1, std::ranges::count_if(sentences,
                                 [&](const PoolSentence& s) { return (s.words >> i & 1U) != 0; })));
    const double idf = std::log(1 + std::max(0.0, count - holding + 0.5) / (holding + 0.5)) + 0.3;
    weights.push_back(std::sqrt(idf) * question.words[i].weight);
    sum += weights.back();
  }
  for (auto& weight : weights) weight /= sum;
  return weights;
}

// The question's names, as bits.
std::uint64_t NameBits(const Question& question) {
  std::uint64_t names = 0;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if (question.words[i].name) names |= std::uint64_t{1} << i;
  }
  return names;
}

// Share of `wanted` that `words` holds; 0 when nothing is wanted.
double ShareOf(std::uint64_t wanted, std::uint64_t words, const std::vector<double>& weights) {
  return wanted == 0 ? 0 : Share(wanted & words, weights) / Share(wanted, weights);
}

// Words of title and headings, for each passage.
std::uint64_t HeadingWords(const SourcePassage& passage, WordFinder& finder) {
  std::uint64_t words = finder.Find(passage.title).words;
  for (const auto& heading : passage.headings) words |= finder.Find(heading).words;
  return words;
}

double ContextShare(const SentencePool& pool, std::size_t i, std::uint64_t headings) {
  const auto& sentence = pool.sentences[i];
  const bool row = !sentence.label.empty();  // the rows beside it speak of other things
  const bool has_previous = !row && i > 0 && pool.sentences[i - 1].passage == sentence.passage;
  const bool has_next =
      !row && i + 1 < pool.sentences.size() && pool.sentences[i + 1].passage == sentence.passage;
  std::uint64_t seen = sentence.words;
  double share = Share(seen, pool.weights);
  share += kInHeading * Share(headings & ~seen, pool.weights);
  seen |= headings;
  share += sentence.carry * Share(sentence.carried & ~seen, pool.weights);
  seen |= sentence.carried;
  share += sentence.inherit * Share(sentence.inherited & ~seen, pool.weights);
  seen |= sentence.inherited;
  if (has_previous) {
    const std::uint64_t words = pool.sentences[i - 1].words & ~seen;
    share += kInNeighbour * Share(words, pool.weights);
    seen |= words;
  }
  if (has_next) {
    share += kInNeighbour * Share(pool.sentences[i + 1].words & ~seen, pool.weights);
  }
  return share;
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

// How surely an answer of this kind would have been recognised.
double Recognised(unsigned asked) {
  constexpr unsigned kSure = kPerson | (kMeasures & ~unsigned{kDate});
  constexpr unsigned kUnsure = kDate | kPlace;
  if ((asked & kUnsure) != 0) return 0.5;
  return (asked & kSure) != 0 ? 1 : 0;
}

// Whether a sentence that speaks of the question holds the kind of thing that it asks for.
bool IsMet(const SentencePool& pool, double best_context) {
  constexpr double kSpeaksOfIt = 0.5;
  return std::ranges::any_of(pool.sentences, [&](const PoolSentence& sentence) {
    const auto& f = sentence.features;
    return f.context >= kSpeaksOfIt * best_context && (f.kind > 0 || f.measure > 0);
  });
}

// What is said of the age or size that is given goes before what is said of all.
void RaiseConditions(SentencePool& pool) {
  constexpr double kMetWeight = 0.8;
  for (const auto& condition : pool.question.conditions) {
    const bool met = std::ranges::any_of(pool.sentences, [&](const PoolSentence& sentence) {
      return (sentence.words & condition.words) == condition.words;
    });
    for (std::size_t i = 0; met && i < pool.question.words.size(); ++i) {
      auto& weight = pool.question.words[i].weight;
      if ((condition.words >> i & 1U) != 0) weight = std::max(weight, kMetWeight);
    }
  }
}

}  // namespace

SentencePool BuildPool(std::string_view question, const std::vector<SourcePassage>& passages) {
  SentencePool pool;
  pool.question = ReadQuestion(question);
  WordFinder finder(pool.question);
  double score_max = 0;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    PassageReader(passages[i], i, finder, pool).Read();
    score_max = std::max(score_max, passages[i].score);
  }
  RaiseConditions(pool);
  pool.weights = Weights(pool.question, pool.sentences);
  for (const auto& passage : passages) pool.headings.push_back(HeadingWords(passage, finder));
  pool.around = pool.headings;
  for (const auto& sentence : pool.sentences) pool.around[sentence.passage] |= sentence.words;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    auto& sentence = pool.sentences[i];
    sentence.features.own = Share(sentence.words, pool.weights);
    sentence.features.context = ContextShare(pool, i, pool.headings[sentence.passage]);
    sentence.features.passage = score_max > 0 ? passages[sentence.passage].score / score_max : 0;
  }
  return pool;
}

std::string_view TextOf(const PoolSentence& sentence, const std::vector<SourcePassage>& passages) {
  if (!sentence.label.empty()) return sentence.label;
  return passages[sentence.passage].text.substr(sentence.span.begin,
                                                sentence.span.end - sentence.span.begin);
}

SentenceValues ValuesOf(const SentenceFeatures& f) {
  return {f.own,     f.context,  f.kind,     f.measure, f.passage,
          f.brevity, f.complete, f.question, f.cosine,  f.near};
}

PoolValues ValuesOf(const PoolFeatures& f) {
  return {f.best_own,    f.best_context,  f.best_around, f.best_pairs,    f.best_cosine,
          f.mean_cosine, f.union_top,     f.missing,     f.names_missing, f.cover,
          f.top_cover,   f.missing_words, f.unmet};
}

void ScoreSentences(SentencePool& pool, VectorKind vectors) {
  const auto& model = vectors == VectorKind::kNone ? kSentenceModelWordsOnly : kSentenceModel;
  for (auto& sentence : pool.sentences) sentence.score = model.LogOdds(ValuesOf(sentence.features));
}

PoolFeatures FeaturesOf(const SentencePool& pool) {
  PoolFeatures features;
  std::vector<const PoolSentence*> best;
  std::vector<double> cosines;
  std::uint64_t all = 0;
  for (const auto words : pool.around) {
    all |= words;
    features.best_around = std::max(features.best_around, Share(words, pool.weights));
  }
  for (const auto& sentence : pool.sentences) {
    const auto& f = sentence.features;
    features.best_own = std::max(features.best_own, f.own);
    features.best_context = std::max(features.best_context, f.context);
    features.best_pairs = std::max(features.best_pairs, sentence.pairs);
    cosines.push_back(f.cosine);
    best.push_back(&sentence);
  }
  const auto top = static_cast<std::ptrdiff_t>(std::min(kTopSentences, best.size()));
  if (top == 0) return features;
  std::partial_sort(best.begin(), best.begin() + top, best.end(),
                    [](const auto* a, const auto* b) { return a->score > b->score; });
  std::partial_sort(cosines.begin(), cosines.begin() + top, cosines.end(), std::greater<>());
  features.top_cover = best[0]->cover;
  double missing = kAllMissing;
  for (const auto& sentence : pool.sentences) {
    if (sentence.score < best[0]->score - kNearBest) continue;
    features.cover = std::max(features.cover, sentence.cover);
    missing = std::min(missing, sentence.missing);
  }
  features.missing_words = std::min(1.0, missing / kManyMissing);
  std::uint64_t together = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(top); ++i) {
    together |= best[i]->words;
    features.mean_cosine += cosines[i] / static_cast<double>(top);
  }
  features.best_cosine = cosines[0];
  features.union_top = Share(together, pool.weights);
  features.missing = 1 - Share(all, pool.weights);
  if (!IsMet(pool, features.best_context)) features.unmet = Recognised(pool.question.asked);
  const auto names = NameBits(pool.question);
  features.names_missing = names == 0 ? 0 : 1 - ShareOf(names, all, pool.weights);
  return features;
}

double AnswerProbability(const PoolFeatures& features, VectorKind vectors) {
  const auto& model = vectors == VectorKind::kNone     ? kPoolModelWordsOnly
                      : vectors == VectorKind::kStatic ? kPoolModelStatic
                                                       : kPoolModel;
  return 1 / (1 + std::exp(-model.LogOdds(ValuesOf(features))));
}

}  // namespace strata::knowledge
