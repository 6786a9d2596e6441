#include "route/prompt_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "base/encoding.h"
#include "base/utf8.h"
#include "route/phrases.h"
#include "text/hashed_features.h"

namespace strata::route {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) {
  return IsUpper(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}
bool IsSign(char c) {
  static constexpr auto kSigns = [] {
    std::array<bool, 256> out{};
    for (char sign : std::string_view("=+-*/^$\\<>{}[]|_")) {
      out[static_cast<unsigned char>(sign)] = true;
    }
    return out;
  }();
  return kSigns[static_cast<unsigned char>(c)];
}
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}
std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return TrimEnd(text);
}

// "Answer:" of a prompt that ends in it; empty when it ends otherwise.
std::string_view EndingCue(std::string_view prompt) {
  auto text = TrimEnd(prompt);
  if (text.empty() || text.back() != ':') return {};
  std::size_t from = text.size() - 1;
  while (from > 0 && IsLetter(text[from - 1]) && text.size() - from < 24) --from;
  auto cue = text.substr(from);
  return cue.size() >= 2 ? cue : std::string_view();
}

Question ByCue(std::string_view prompt, std::string_view cue) {
  auto last = prompt.rfind(cue);
  std::size_t before = std::string_view::npos;
  std::size_t examples = 0;
  for (auto at = prompt.find(cue); at < last; at = prompt.find(cue, at + cue.size())) {
    before = at;
    ++examples;
  }
  if (examples == 0) return {prompt, 0};
  // The example's answer runs to the next empty line, or to the end of its first line.
  auto rest = prompt.substr(before + cue.size(), last - before - cue.size());
  std::size_t skip = 0;
  while (skip < rest.size() && IsSpace(rest[skip])) ++skip;
  auto gap = rest.find("\n\n", skip);
  auto line = rest.find('\n', skip);
  auto cut = gap != std::string_view::npos ? gap : line;
  if (cut == std::string_view::npos) return {prompt, examples};
  auto question = Trim(rest.substr(cut));
  if (question.size() < 8) return {prompt, examples};
  return {question, examples};
}

Question ByMarker(std::string_view prompt) {
  static constexpr std::array<std::string_view, 6> kMarkers = {
      "Q:", "Question:", "Input:", "Problem:", "Human:", "User:"};
  for (auto marker : kMarkers) {
    std::size_t count = 0;
    std::size_t last = 0;
    for (auto at = prompt.find(marker); at != std::string_view::npos;
         at = prompt.find(marker, at + marker.size())) {
      if (at != 0 && prompt[at - 1] != '\n') continue;
      ++count;
      last = at;
    }
    if (count < 2) continue;
    auto question = Trim(prompt.substr(last + marker.size()));
    if (question.size() >= 8) return {question, count - 1};
  }
  return {prompt, 0};
}

// Both ends of a long text.
std::string Bounded(std::string_view text) {
  if (text.size() <= kQuestionBytesMax) return std::string(text);
  std::string out(Utf8Prefix(text, kQuestionBytesMax / 2));
  out += '\n';
  auto from = text.size() - kQuestionBytesMax / 2;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  out += text.substr(from);
  return out;
}

// Line by line: the options of a multiple-choice question, and the stem before them.
struct Options {
  std::size_t count = 0;
  std::size_t with_digits = 0;
  std::vector<double> bytes;
  std::size_t stem_bytes = 0;
};

bool StartsOption(std::string_view line) {
  if (!line.empty() && line.front() == '(') line.remove_prefix(1);
  if (line.size() < 3) return false;
  char c = line[0];
  bool label = (c >= 'A' && c <= 'J') || (c >= 'a' && c <= 'e') || (c >= '1' && c <= '9');
  return label && (line[1] == '.' || line[1] == ')' || line[1] == ':') && line[2] == ' ';
}

Options FindOptions(std::string_view text) {
  Options options;
  options.stem_bytes = text.size();
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    if (StartsOption(line)) {
      if (options.count == 0) options.stem_bytes = at;
      ++options.count;
      options.with_digits += std::ranges::any_of(line.substr(2), IsDigit) ? 1 : 0;
      options.bytes.push_back(static_cast<double>(line.size()));
    }
    at = end + 1;
  }
  return options;
}

struct Words {
  double count = 0;
  double letters = 0;
  double longer = 0;  // of at least eight letters
  double distinct = 0;
  double conditions = 0;  // if, because, unless, …
};

bool IsCondition(std::string_view word) {
  constexpr std::array<std::string_view, 9> kConditions = {
      "if", "because", "although", "unless", "whether", "while", "since", "however", "assuming"};
  return word.size() <= 8 && std::ranges::find(kConditions, word) != kConditions.end();
}

Words CountWords(std::string_view lower) {
  Words words;
  // Hashes stand for words: in the few hundred of a question no two share all 64 bits.
  std::vector<std::uint64_t> seen;
  seen.reserve(lower.size() / 5);
  for (std::size_t at = 0; at < lower.size();) {
    if (!IsLetter(lower[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < lower.size() && (IsLetter(lower[end]) || lower[end] == '\'')) ++end;
    auto word = lower.substr(at, end - at);
    words.count += 1;
    words.letters += static_cast<double>(word.size());
    words.longer += word.size() >= 8 ? 1 : 0;
    words.conditions += IsCondition(word) ? 1 : 0;
    seen.push_back(Hash64(word));
    at = end;
  }
  std::ranges::sort(seen);
  words.distinct = static_cast<double>(seen.size() - std::ranges::unique(seen).size());
  return words;
}

// The kinds of question: 17 measures.
void AppendKinds(std::string_view lower, std::string_view stem, std::size_t examples,
                 std::vector<float>& out) {
  auto flag = [&](bool value) { out.push_back(value ? 1.0F : 0.0F); };
  const auto groups = PhraseGroupsIn(lower);
  auto has = [&](PhraseGroup group) { return HasGroup(groups, group); };
  for (auto group : {PhraseGroup::kNegation, PhraseGroup::kExcept, PhraseGroup::kWhichFollowing,
                     PhraseGroup::kStatements}) {
    flag(has(group));
  }
  auto trimmed = TrimEnd(stem);
  flag(has(PhraseGroup::kBlank) || (!trimmed.empty() && trimmed.back() != '?' &&
                                    trimmed.back() != '.' && trimmed.back() != ':'));
  flag(stem.find('?') != std::string_view::npos);
  for (auto group : {PhraseGroup::kTrueOrFalse, PhraseGroup::kHowMany, PhraseGroup::kSuperlative,
                     PhraseGroup::kAllOrNone, PhraseGroup::kShould}) {
    flag(has(group));
  }
  flag(has(PhraseGroup::kFirstPerson) || lower.starts_with("i "));
  for (auto group :
       {PhraseGroup::kCode, PhraseGroup::kFormula, PhraseGroup::kWrite, PhraseGroup::kExplain}) {
    flag(has(group));
  }
  out.push_back(static_cast<float>(std::log1p(static_cast<double>(examples))));
}

}  // namespace

Question FindQuestion(std::string_view prompt) {
  if (auto cue = EndingCue(prompt); !cue.empty()) {
    auto found = ByCue(prompt, cue);
    if (found.examples > 0) return found;
  }
  return ByMarker(prompt);
}

std::vector<float> MeasurePrompt(const Question& question) {
  const auto text = question.text;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), Lower);
  const auto bytes = static_cast<double>(std::max<std::size_t>(text.size(), 1));
  auto count = [&](auto is) { return static_cast<double>(std::ranges::count_if(text, is)); };
  const double digits = count(IsDigit);
  const double signs = count(IsSign);
  const auto words = CountWords(lower);
  const double word_count = std::max(words.count, 1.0);
  const auto options = FindOptions(text);
  double mean = 0, squares = 0;
  for (double b : options.bytes) mean += b / static_cast<double>(options.count);
  for (double b : options.bytes) squares += (b - mean) * (b - mean);
  const double spread =
      options.count > 0 ? std::sqrt(squares / static_cast<double>(options.count)) : 0;
  std::vector<float> out;
  out.reserve(kMeasures);
  for (double value :
       {std::log(bytes), std::log1p(words.count),
        std::log1p(static_cast<double>(options.stem_bytes)),
        std::log1p(count([](char c) { return c == '\n'; })), digits / bytes, signs / bytes,
        count(IsUpper) / bytes, std::log1p(digits), std::log1p(signs), words.letters / word_count,
        words.longer / word_count, words.distinct / word_count, words.conditions / word_count,
        std::log1p(count([](char c) { return c == ','; })),
        std::log1p(count([](char c) { return c == '.'; })), std::log1p(mean), std::log1p(spread),
        static_cast<double>(std::min<std::size_t>(options.count, 10)),
        options.count > 0 && options.with_digits == options.count ? 1.0 : 0.0}) {
    out.push_back(static_cast<float>(value));
  }
  AppendKinds(lower, text.substr(0, options.stem_bytes), question.examples, out);
  return out;
}

PromptFeatures ExtractFeatures(std::string_view prompt, const vector::StaticEmbedder& embedder) {
  const auto question = FindQuestion(prompt);
  const auto text = Bounded(question.text);
  PromptFeatures features;
  features.prompt_bytes = static_cast<double>(prompt.size());
  features.measures = MeasurePrompt({text, question.examples});
  // The length is the one of the question, not of what was kept of it.
  features.measures[0] = static_cast<float>(
      std::log(static_cast<double>(std::max<std::size_t>(question.text.size(), 1))));
  features.vector.resize(static_cast<std::size_t>(embedder.dimensions()));
  embedder.Embed(text, features.vector);
  text::HashedFeatureOptions options;
  options.bits = kWordBits;
  options.char_gram_min = 0;
  for (const auto& f : text::HashFeatures(text, options)) {
    features.words.push_back({.index = f.index, .value = f.value});
  }
  return features;
}

}  // namespace strata::route
