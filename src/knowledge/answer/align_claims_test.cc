// Sentences that a text supports, and such as speak against it: testdata/claims.txt says which
// half the rules were made on.

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/run_task.h"
#include "knowledge/answer/align.h"
#include "provider/local_models.h"

namespace strata::knowledge {
namespace {

struct Text {
  std::string split;
  std::string title;
  std::string body;
  std::vector<std::string> supported;
  std::vector<std::string> opposed;
};

std::vector<Text> ReadClaims() {
  std::ifstream in(std::string(STRATA_KNOWLEDGE_SOURCE) + "/answer/testdata/claims.txt");
  std::vector<Text> texts;
  std::string line;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line.starts_with("text ")) {
      texts.push_back({.split = line.substr(5, line.find(' ', 5) - 5),
                       .title = {},
                       .body = {},
                       .supported = {},
                       .opposed = {}});
      inside = true;
    } else if (line == "--") {
      inside = false;
    } else if (inside && line.starts_with("# ")) {
      texts.back().title = line.substr(2);
    } else if (inside) {
      texts.back().body += line + '\n';
    } else if (line.starts_with("+ | ")) {
      texts.back().supported.push_back(line.substr(4));
    } else if (line.starts_with("- | ")) {
      texts.back().opposed.push_back(line.substr(4));
    }
  }
  return texts;
}

struct Score {
  int cited = 0;   // of the supported
  int passed = 0;  // of the opposed, without a citation
};

// By split. Prints what is wrong.
std::map<std::string, Score> Judge(const std::shared_ptr<provider::Embedder>& embedder) {
  std::map<std::string, Score> scores;
  for (const auto& text : ReadClaims()) {
    const auto cites = [&](const std::string& claim) {
      SourcePassage passage;
      passage.title = text.title;
      passage.headings = {text.title};
      passage.text = text.body;
      Aligner aligner("What is said of it?", {passage}, embedder);
      RequestContext ctx;
      auto citations = RunTask(aligner.Align(claim, ctx));
      return citations.has_value() && !citations->empty();
    };
    auto& score = scores[text.split];
    for (const auto& claim : text.supported) {
      const bool cited = cites(claim);
      score.cited += cited ? 1 : 0;
      if (!cited) std::cout << text.split << " not cited: " << claim << '\n';
    }
    for (const auto& claim : text.opposed) {
      const bool cited = cites(claim);
      score.passed += cited ? 0 : 1;
      if (cited) std::cout << text.split << " CITED: " << claim << '\n';
    }
    std::cout << text.split << ": " << score.cited << " of " << text.supported.size()
              << " supported are cited, " << score.passed << " of " << text.opposed.size()
              << " opposed are not\n";
  }
  return scores;
}

TEST(AlignClaims, WhatSpeaksAgainstTheSourceIsNotCited) {
  auto scores = Judge(nullptr);
  EXPECT_GE(scores["dev"].cited, 13);    // of 15
  EXPECT_GE(scores["dev"].passed, 20);   // of 20
  EXPECT_GE(scores["held"].cited, 14);   // of 15
  EXPECT_GE(scores["held"].passed, 17);  // of 20
}

TEST(AlignClaims, VectorsMakeNoWrongCitations) {
  const OptionTable tables[] = {provider::LocalModelOptions()};
  auto models = provider::LocalModels::Open(Options::Build(tables, {}).value(), {});
  ASSERT_TRUE(models.has_value()) << models.error().message();
  auto embedder = (*models)->AnyEmbedder(provider::kBuiltinEmbedder);
  ASSERT_TRUE(embedder.has_value()) << embedder.error().message();
  auto scores = Judge(*embedder);
  EXPECT_GE(scores["dev"].cited, 15);
  EXPECT_GE(scores["dev"].passed, 19);
  EXPECT_GE(scores["held"].cited, 15);
  EXPECT_GE(scores["held"].passed, 17);
}

}  // namespace
}  // namespace strata::knowledge
