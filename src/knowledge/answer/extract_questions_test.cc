// Questions over small texts: testdata/questions.txt says what they are and which half the rules
// were made on.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/run_task.h"
#include "base/utf8.h"
#include "knowledge/answer/passages.h"
#include "knowledge/extract.h"

namespace strata::knowledge {
namespace {

struct Asked {
  std::string split;
  std::string text;
  std::string kind;
  std::string question;
  std::string gold;  // "-": the text does not answer
};

std::string Trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

std::vector<Asked> ReadQuestions() {
  std::ifstream in(std::string(STRATA_KNOWLEDGE_SOURCE) + "/answer/testdata/questions.txt");
  std::vector<Asked> out;
  std::string line, split, text;
  bool inside = false;
  while (std::getline(in, line)) {
    if (inside && line != "--") {
      text += line + '\n';
    } else if (line == "--") {
      inside = false;
    } else if (line.starts_with("text ")) {
      split = line.substr(5, line.find(' ', 5) - 5);
      text.clear();
      inside = true;
    } else if (!line.starts_with('#')) {
      std::istringstream fields(line);
      Asked asked{.split = split, .text = text, .kind = {}, .question = {}, .gold = {}};
      for (auto* field : {&asked.kind, &asked.question, &asked.gold}) {
        std::getline(fields, *field, '|');
        *field = Trimmed(*field);
      }
      out.push_back(std::move(asked));
    }
  }
  return out;
}

std::string StandAlone(const std::string& asked) {
  const auto cut = asked.find(" >> ");
  if (cut == asked.npos) return asked;
  return StandaloneQuestion(asked.substr(cut + 4),
                            {{.question = asked.substr(0, cut), .answer = {}}});
}

// Short, with the gold in it, and every quote the source's own characters; or refused.
bool IsRight(const Asked& asked, const Extracted& answer) {
  constexpr std::size_t kSentences = 2;
  for (const auto& sentence : answer.sentences) {
    const auto& c = sentence.citation;
    const auto begin = ByteOffset(asked.text, static_cast<std::size_t>(c.source_start));
    const auto end = ByteOffset(asked.text, static_cast<std::size_t>(c.source_end));
    EXPECT_EQ(asked.text.substr(begin, end - begin), c.quoted);
  }
  if (asked.gold == "-") return !answer.answered;
  return answer.sentences.size() <= kSentences && answer.text.find(asked.gold) != std::string::npos;
}

TEST(ExtractQuestions, AreAnsweredByWordsAlone) {
  const Extractor extractor(nullptr);
  std::map<std::string, std::pair<int, int>> right;  // split → right answers, questions
  for (const auto& asked : ReadQuestions()) {
    SourcePassage passage;
    passage.text = asked.text;
    RequestContext ctx;
    const auto answer = RunTask(extractor.Answer(StandAlone(asked.question), {passage}, ctx));
    ASSERT_TRUE(answer.has_value());
    auto& [good, all] = right[asked.split];
    ++all;
    if (IsRight(asked, *answer)) {
      ++good;
    } else {
      std::cout << asked.split << " " << asked.kind << ": " << asked.question << "\n  -> "
                << answer->text << "  (p " << answer->probability << ")\n";
    }
  }
  for (const auto& [split, counts] : right) {
    std::cout << split << ": " << counts.first << " of " << counts.second << " right\n";
  }
  EXPECT_GE(right["dev"].first, 21);   // of 22
  EXPECT_GE(right["held"].first, 22);  // of 23
}

}  // namespace
}  // namespace strata::knowledge
