#include "knowledge/answer/corrected_question.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// How passages write a word that the index keeps as `stem`; "" when none has it.
std::string WrittenAs(std::string_view stem, const std::vector<RetrievedChunk>& passages,
                      text::SearchWordMaker& maker) {
  std::string written;
  for (const auto& passage : passages) {
    for (const std::string_view text : {std::string_view(passage.text), {passage.title}}) {
      maker.ForEach(text, [&](const text::SearchWord& word) {
        if (written.empty() && word.word == stem) {
          written = text.substr(word.begin, word.end - word.begin);
        }
      });
      if (!written.empty()) return written;
    }
  }
  return written;
}

}  // namespace

CorrectedQuestion CorrectQuestion(std::string_view question, std::span<const SpellingFix> fixes,
                                  const std::vector<RetrievedChunk>& passages) {
  CorrectedQuestion out;
  if (fixes.empty()) return {.text = std::string(question), .changes = {}};
  text::SearchWordMaker maker;
  std::vector<std::string> instead;
  for (const auto& fix : fixes) instead.push_back(WrittenAs(fix.instead, passages, maker));
  std::size_t done = 0;  // bytes of the question
  maker.ForEach(question, [&](const text::SearchWord& word) {
    const auto fix = std::ranges::find(fixes, word.word, &SpellingFix::word);
    if (fix == fixes.end() || word.begin < done) return;
    const auto& written = instead[static_cast<std::size_t>(fix - fixes.begin())];
    if (written.empty()) return;
    out.text += question.substr(done, word.begin - done);
    out.text += written;
    done = word.end;
    out.changes.text += fmt::format(
        R"({}{{"word":{},"instead":{}}})", out.changes.text.empty() ? "[" : ",",
        JsonString(question.substr(word.begin, word.end - word.begin)), JsonString(written));
  });
  out.text += question.substr(done);
  if (!out.changes.text.empty()) out.changes.text += "]";
  return out;
}

}  // namespace strata::knowledge
