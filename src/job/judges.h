#pragma once
// What says how good an answer to a row of an evaluation set is, in [0, 1]: exact comparisons,
// checks, a vector, or a model that is asked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/stream.h"
#include "job/eval_row.h"
#include "vector/static_embedder.h"

namespace strata::job {

enum class JudgeKind : std::uint8_t {
  kExact,      // the answer, or what it marks as its result, is an expected one in one spelling
  kNumeric,    // the same where a number is expected: its last number, to a millionth
  kContains,   // an expected text stands in it, as whole words, in any case
  kSchema,     // it is JSON that keeps to the row's schema
  kEmbedding,  // cosine with the nearest expected text
  kCited,      // it cites one of the relevant documents
  kCitationPrecision,  // share of its citations that are of relevant documents
  kCitationRecall,     // share of the relevant documents that it cites
  kGrounded,           // share of its sentences that have a citation; all of a refusal's
  kRefusal,            // it refuses, where the row is not answerable; it does not, where it is
  kModel,              // a model grades it from 1 to 5
};

struct Judge {
  JudgeKind kind = JudgeKind::kExact;
  std::string model;         // kModel
  std::string Name() const;  // "exact", "model:openai/gpt-4o"
  friend bool operator==(const Judge&, const Judge&) = default;
};

// kInvalidArgument names the known ones.
Result<Judge> ParseJudge(std::string_view name);

// Whether a row says enough for the judge. A model judges every row.
bool CanJudge(const Judge& judge, const EvalRow& row);

// Of judges other than kModel. The row is one that it CanJudge; without `embedder` kEmbedding
// gives 0.
double Score(const Judge& judge, const EvalRow& row, const domain::ChatResponse& answer,
             const vector::StaticEmbedder* embedder);

// What a model is asked: question, the rubric and expected answer where there are, the answer, and
// for a grade from 1 to 5 after a reason.
domain::ChatRequest JudgementRequest(const EvalRow& row, std::string_view answer,
                                     std::string model);

// A grade as a score; nullopt where the model did not give one.
struct Judgement {
  double score = 0;
  std::string reason;
};
std::optional<Judgement> ReadJudgement(std::string_view text);

}  // namespace strata::job
