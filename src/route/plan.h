#pragma once
// What a route decided: which models are asked, in which order, and what must hold before the
// cheaper ones may answer. gateway/ runs it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "provider/chat_model.h"

namespace strata::route {

struct Decision;
struct SqlSample;

// What lets the models of Plan::first answer.
enum class Check : std::uint8_t {
  kAgree,       // two that were asked at once say the same; a third may break a tie
  kSchema,      // the answer is whole, and JSON that fits the schema that was asked for
  kConfidence,  // the answer's tokens were likely enough to the model itself
  kCitations,   // enough of the answer's sentences are supported by what they cite
  kSql,         // the answer is a statement that holds with a schema; two return the same
  kHook,        // somebody outside says that it passes
};
// "agree", "schema", …: as definitions name it.
std::string_view NameOf(Check check);

struct Plan {
  // Answers, or is escalated to when `first` does not settle the request.
  std::shared_ptr<provider::ChatModel> model;
  std::string reason;  // for the trace: "named by the caller", "alias of …", "rule 'tools': …"

  std::vector<std::shared_ptr<provider::ChatModel>> first;  // asked at once; empty: no cascade
  std::shared_ptr<provider::ChatModel> tie_break;           // null: none
  Check check = Check::kAgree;
  double confidence = 0;  // of kConfidence: the geometric mean of the tokens' probabilities
  double supported = 1;   // of kCitations: the share of the sentences
  std::shared_ptr<const SqlSample> sql;  // of kSql
  std::string hook;                      // of kHook: its name in the configuration

  // Asked when `model` cannot be reached before its first token; null: nothing is.
  std::shared_ptr<provider::ChatModel> fallback;
  std::shared_ptr<const Decision> decision;  // of a router; null for the direct route
};

}  // namespace strata::route
