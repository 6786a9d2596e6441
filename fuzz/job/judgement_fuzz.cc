// What a model says when it judges, and answers that are judged: any bytes, in bounded time, to a
// score from 0 to 1.

#include <cstdint>
#include <string>

#include "job/judges.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (auto grade = strata::job::ReadJudgement(text)) {
    if (!(grade->score >= 0 && grade->score <= 1)) __builtin_trap();
  }
  strata::job::EvalRow row;
  row.id = "a";
  row.messages.push_back({.role = strata::job::EvalMessage::Role::kUser, .text = "q"});
  row.expected = {text.substr(0, size / 2), "42"};
  row.schema.text = R"({"type":"object"})";
  strata::domain::ChatResponse answer;
  strata::domain::TextBlock block;
  block.text = text;
  answer.content.emplace_back(std::move(block));
  for (const char* name : {"exact", "numeric", "contains", "schema"}) {
    auto judge = strata::job::ParseJudge(name);
    if (!strata::job::CanJudge(*judge, row)) continue;
    auto score = strata::job::Score(*judge, row, answer, nullptr);
    if (score != 0 && score != 1) __builtin_trap();
  }
  return 0;
}
