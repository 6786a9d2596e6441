// Questions over small texts: testdata/questions.txt says what they are and which half the rules
// were made on.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/run_task.h"
#include "base/utf8.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/passages.h"
#include "knowledge/extract.h"
#include "provider/local_models.h"

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

std::vector<Asked> ReadQuestions(const std::string& file) {
  std::ifstream in(std::string(STRATA_KNOWLEDGE_SOURCE) + "/answer/testdata/" + file);
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
                            {{.question = asked.substr(0, cut), .answer = {}}}, kTurnBreak);
}

// Whether the answer holds each part of the gold, joined by " & ".
bool HoldsGold(const std::string& answer, std::string gold) {
  constexpr std::string_view kAnd = " & ";
  while (true) {
    const auto end = std::min(gold.find(kAnd), gold.size());
    if (answer.find(gold.substr(0, end)) == std::string::npos) return false;
    if (end == gold.size()) return true;
    gold.erase(0, end + kAnd.size());
  }
}

// Short, with the gold in it, and every quote the source's own characters; or refused.
bool IsRight(const Asked& asked, const Extracted& answer) {
  const bool several = asked.kind == "compound" || asked.kind == "summary";
  const std::size_t sentences = several ? 6 : 2;
  for (const auto& sentence : answer.sentences) {
    const auto& c = sentence.citation;
    const auto begin = ByteOffset(asked.text, static_cast<std::size_t>(c.source_start));
    const auto end = ByteOffset(asked.text, static_cast<std::size_t>(c.source_end));
    EXPECT_EQ(asked.text.substr(begin, end - begin), c.quoted);
  }
  if (asked.gold == "-") return !answer.answered;
  if (asked.kind == "compound" && asked.gold.find("do not say") == std::string::npos &&
      answer.text.find("do not say") != std::string::npos) {
    return false;
  }
  return answer.sentences.size() <= sentences && HoldsGold(answer.text, asked.gold);
}

struct Score {
  int answered = 0;  // right answers, of `answerable` questions
  int answerable = 0;
  int refused = 0;  // rightly, of `unanswerable` questions
  int unanswerable = 0;
  int by_coverage = 0;  // of `refused`: by what the best sentences leave out alone
};

// By split. Prints what is wrong.
std::map<std::string, Score> Ask(const Extractor& extractor, const std::string& file) {
  std::map<std::string, Score> scores;
  for (const auto& asked : ReadQuestions(file)) {
    SourcePassage passage;
    passage.text = asked.text;
    RequestContext ctx;
    const auto answer = RunTask(extractor.Answer(StandAlone(asked.question), {passage}, ctx));
    EXPECT_TRUE(answer.has_value());
    if (!answer.has_value()) continue;
    auto& score = scores[asked.split];
    const bool right = IsRight(asked, *answer);
    const bool answerable = asked.gold != "-";
    ++(answerable ? score.answerable : score.unanswerable);
    if (right) ++(answerable ? score.answered : score.refused);
    if (right && !answerable && answer->probability >= ExtractOptions().answer_threshold) {
      ++score.by_coverage;
    }
    if (right) continue;
    std::cout << asked.split << " " << asked.kind << ": " << asked.question << "\n  -> "
              << answer->text << "  (p " << answer->probability << ")\n";
  }
  for (const auto& [split, score] : scores) {
    std::cout << split << ": " << score.answered << " of " << score.answerable << " answered, "
              << score.refused << " of " << score.unanswerable << " refused, " << score.by_coverage
              << " of these by coverage\n";
  }
  return scores;
}

TEST(ExtractQuestions, AreAnsweredByWordsAlone) {
  const Extractor extractor(nullptr);
  auto scores = Ask(extractor, "questions.txt");
  EXPECT_GE(scores["dev"].answered + scores["dev"].refused, 21);    // of 22
  EXPECT_GE(scores["held"].answered + scores["held"].refused, 22);  // of 23
}

TEST(ExtractQuestions, WhatIsNearlyAnsweredIsRefused) {
  auto scores = Ask(Extractor(nullptr), "near_misses.txt");
  EXPECT_GE(scores["dev"].answered, 23);   // of 25
  EXPECT_GE(scores["dev"].refused, 23);    // of 25
  EXPECT_GE(scores["held"].answered, 24);  // of 26
  EXPECT_GE(scores["held"].refused, 24);   // of 26
}

TEST(ExtractQuestions, EachConditionOfAQuestionCounts) {
  auto scores = Ask(Extractor(nullptr), "constraints.txt");
  EXPECT_GE(scores["dev"].answered, 40);   // of 43
  EXPECT_GE(scores["dev"].refused, 31);    // of 34
  EXPECT_GE(scores["held"].answered, 44);  // of 46
  EXPECT_GE(scores["held"].refused, 37);   // of 38
}

TEST(ExtractQuestions, WhatIsSaidOfAnotherThingIsNoAnswer) {
  auto scores = Ask(Extractor(nullptr), "subjects.txt");
  EXPECT_GE(scores["dev"].answered, 23);   // of 29
  EXPECT_GE(scores["dev"].refused, 24);    // of 25
  EXPECT_GE(scores["held"].answered, 24);  // of 26
  EXPECT_GE(scores["held"].refused, 23);   // of 24
}

TEST(ExtractQuestions, ReasonsProhibitionsAndAgesAreAnsweredAsTheSourceSaysThem) {
  auto scores = Ask(Extractor(nullptr), "clauses.txt");
  EXPECT_GE(scores["dev"].answered, 29);   // of 31
  EXPECT_GE(scores["dev"].refused, 8);     // of 9
  EXPECT_GE(scores["held"].answered, 32);  // of 34
  EXPECT_GE(scores["held"].refused, 8);    // of 8
}

TEST(ExtractQuestions, FrenchAndGermanAreAnsweredInTheirOwnWords) {
  auto scores = Ask(Extractor(nullptr), "languages.txt");
  EXPECT_GE(scores["dev"].answered, 24);    // of 25
  EXPECT_GE(scores["dev"].refused, 12);     // of 13
  EXPECT_GE(scores["held"].answered, 23);   // of 24
  EXPECT_GE(scores["held"].refused, 12);    // of 12
  EXPECT_GE(scores["after"].answered, 34);  // of 35
  EXPECT_GE(scores["after"].refused, 14);   // of 17
}

TEST(ExtractQuestions, OtherWordingsAreUnderstood) {
  auto scores = Ask(Extractor(nullptr), "wordings.txt");
  EXPECT_GE(scores["dev"].answered, 18);   // of 19
  EXPECT_GE(scores["dev"].refused, 14);    // of 15
  EXPECT_GE(scores["held"].answered, 16);  // of 19
  EXPECT_GE(scores["held"].refused, 13);   // of 15
}

TEST(ExtractQuestions, WordVectorsMakeNoWrongAnswers) {
  const OptionTable tables[] = {provider::LocalModelOptions()};
  auto models = provider::LocalModels::Open(Options::Build(tables, {}).value(), {});
  ASSERT_TRUE(models.has_value()) << models.error().message();
  auto words = (*models)->Static();
  ASSERT_TRUE(words.has_value()) << words.error().message();
  auto scores = Ask(Extractor(nullptr, *words), "near_misses.txt");
  EXPECT_GE(scores["dev"].answered, 23);
  EXPECT_GE(scores["dev"].refused, 22);
  EXPECT_GE(scores["held"].answered, 24);
  EXPECT_GE(scores["held"].refused, 23);
  scores = Ask(Extractor(nullptr, *words), "constraints.txt");
  EXPECT_GE(scores["dev"].answered, 40);
  EXPECT_GE(scores["dev"].refused, 31);
  EXPECT_GE(scores["held"].answered, 44);
  EXPECT_GE(scores["held"].refused, 37);
  scores = Ask(Extractor(nullptr, *words), "subjects.txt");
  EXPECT_GE(scores["dev"].answered, 23);
  EXPECT_GE(scores["dev"].refused, 24);
  EXPECT_GE(scores["held"].answered, 24);
  EXPECT_GE(scores["held"].refused, 23);
}

}  // namespace
}  // namespace strata::knowledge
