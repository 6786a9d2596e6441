#pragma once
// One row of an evaluation set: what is asked, and what is known about good answers. JSON lines:
//   {"id"?, "question" | "prompt" | "messages": [{"role", "content"}], "expected"?: text or texts,
//    "rubric"?, "schema"?: {…}, "tags"?, "labels"?, "relevant"?: texts, "answerable"?: bool,
//    "graded"?: [{"answer", "score"}], "split"?: train | valid | test, "trace"?, "subject"?,
//    "variables"?: {name: text}}

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/span.h"
#include "domain/conversation.h"
#include "route/outcome_rows.h"

namespace strata::job {

struct EvalMessage {
  enum class Role : std::uint8_t { kSystem, kUser, kAssistant } role = Role::kUser;
  std::string text;
  friend bool operator==(const EvalMessage&, const EvalMessage&) = default;
};

// An answer that a person has judged, in [0, 1]: what a model that judges is compared with.
struct GradedAnswer {
  std::string answer;
  double score = 0;
  friend bool operator==(const GradedAnswer&, const GradedAnswer&) = default;
};

struct EvalRow {
  std::string id;                     // unique within a version of a set
  std::vector<EvalMessage> messages;  // systems first, a user's turn last
  std::vector<std::string> expected;  // any of them is right
  std::string rubric;                 // for a model that judges
  JsonText schema;                    // a JSON Schema that the answer must keep to, "" for none
  std::vector<std::string> tags;      // for people
  std::vector<std::string> labels;    // of the data: what may leave, and where to (base/labels.h)
  std::vector<std::string> relevant;  // documents that hold the answer
  std::optional<bool> answerable;     // whether the sources answer it; none: nobody said
  std::vector<GradedAnswer> graded;
  std::optional<route::Split> split;  // otherwise by a hash of the id
  std::string trace;                  // the request that it was sampled from
  std::string subject;                // whose request that was (pseudonymous), "" unknown
  // Values of a stored prompt's variables, where the target is one.
  std::map<std::string, std::string> variables;
  friend bool operator==(const EvalRow&, const EvalRow&) = default;
};

inline constexpr std::size_t kEvalRowBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kEvalRowsMax = 100'000;                      // of one version
inline constexpr std::size_t kEvalFileBytesMax = std::size_t{256} << 20;  // inflated

// One line. A row without an id gets one that is a hash of what it asks. Errors: kInvalidArgument
// with the member's path, kTooLarge.
Result<EvalRow> ParseEvalRow(std::string_view line);

// Lines, plain or gzip. Wrong ones refuse the whole text: the first twenty are listed, each
// `NAME:LINE: what`. Ids are unique. kTooLarge: kEvalRowsMax, kEvalFileBytesMax.
Result<std::vector<EvalRow>> ParseEvalRows(std::string bytes, std::string_view name);

// One line without its end; ParseEvalRow gives the same row.
std::string EncodeEvalRow(const EvalRow& row);

// Names of sets: 1 to 64 letters and digits with single - _ . between. kInvalidArgument.
Result<> CheckEvalSetName(std::string_view name);

// The last user's text: what lists show, and what a row is found by.
const std::string& QuestionOf(const EvalRow& row);
// All texts of what is asked: what a judge reads.
std::string PromptOf(const EvalRow& row);
// 70 train, 10 valid, 20 test of a hundred, by a hash of the id, unless the row says it.
route::Split SplitOf(const EvalRow& row);
std::string_view SplitName(route::Split split);

// What is sent to `model`. The schema goes along where it `can` be asked for.
enum class SchemaGoesAlong : std::uint8_t { kNo, kYes };
domain::ChatRequest RequestOf(const EvalRow& row, std::string model, SchemaGoesAlong schema);

}  // namespace strata::job
