#pragma once
// Labelled rows: a prompt and what several models did on it. JSON lines, plain or gzip:
//   {"id", "source", "domain", "split", "prompt",
//    "outcomes": {"MODEL": {"quality", "input_tokens", "output_tokens", "cost"?, "answer"?}}}

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::route {

struct ModelOutcome {
  std::string model;
  double quality = 0;  // in [0, 1]
  double input_tokens = 0;
  double output_tokens = 0;
  std::optional<double> cost;         // US dollars
  std::optional<std::string> answer;  // the final answer, for cascades that compare answers
};

enum class Split : std::uint8_t { kTrain, kValid, kTest };

struct OutcomeRow {
  std::string id;
  std::string source;  // where the row comes from; qualities of two sources are on two scales
  std::string domain;
  Split split = Split::kTrain;
  std::string prompt;
  std::vector<ModelOutcome> outcomes;  // by name of model

  const ModelOutcome* Find(std::string_view model) const;
};

// kIgnore does not look at `outcomes` at all: what predicts must not see answers.
enum class OutcomesAre : std::uint8_t { kRead, kIgnored };

// One line. Errors: kInvalidArgument with the member's path.
Result<OutcomeRow> ParseOutcomeRow(std::string_view line, OutcomesAre outcomes);

// All lines of a text. A text with wrong rows is refused whole: kInvalidArgument lists the first
// twenty, each `NAME:LINE: what`. Ids are unique within one text.
Result<std::vector<OutcomeRow>> ParseOutcomeRows(std::string_view text, std::string_view name,
                                                 OutcomesAre outcomes);

// The files in order, as one list; gzip is recognised by its content. Errors: kNotFound, kTooLarge
// (a file beyond 2 GiB inflated), kInvalidArgument (wrong rows; an id that two files share),
// kCorruption (broken gzip).
Result<std::vector<OutcomeRow>> ReadOutcomeFiles(std::span<const std::string> paths,
                                                 OutcomesAre outcomes);

// Bytes of a gzip file (every member), or `bytes` as they are. kCorruption, kTooLarge.
Result<std::string> InflateIfGzip(std::string bytes, std::size_t bytes_max);

}  // namespace strata::route
