#pragma once
// Rules of a router: what a request is like, and which candidates it may therefore go to. In order;
// readable as YAML:
//
//   - name: long German contracts
//     when:
//       all:
//         - language: de
//         - any: [{label: legal}, {keyword: [Vertrag, Kündigung]}]
//         - not: {prompt_tokens: {max: 2000}}
//     use: openai/gpt-4o

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"
#include "route/signals.h"

namespace strata::dialect {
class JsonField;
}

namespace strata::route {

// A tree. The members of one mapping must all hold; the values of one member are alternatives.
struct Condition {
  enum class Kind : std::uint8_t {
    kAll,  // of `parts`; none: always
    kAny,
    kNot,           // the one part does not hold
    kNeeds,         // `values`: "tools", "image", "document", "schema", "reasoning"
    kLanguage,      // ISO 639-1
    kTask,          // of TaskKinds()
    kKeyword,       // whole words, any case
    kKey,           // id of the caller's key
    kLabel,         // of what is sent
    kTag,           // `name`, with one of `values`
    kHeader,        // `name`, with one of `values`; "*" is any
    kPromptTokens,  // `least` to `most`
    kHours,         // minutes of the UTC day from `least` up to `most`, over midnight when less
    kDays,          // `values`: "mon" … "sun", UTC
    kConversation,  // whether an assistant has spoken before: `least` 0 or 1
    kGuardrail,     // that found something in the request; "*" is any
    kSpent,         // at least `least` millionths of a dollar, by `payer` during `period`
  } kind = Kind::kAll;
  std::vector<Condition> parts = {};
  std::vector<std::string> values = {};
  std::string name = {};
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  observe::Payer payer = observe::Payer::kKey;
  observe::Period period = observe::Period::kMonth;
};

// Errors name the member and what was expected. Depth and size are bounded.
Result<Condition> DecodeCondition(const dialect::JsonField& field);

// O(size of the condition × length of the deciding text).
bool Holds(const Condition& condition, const Signals& signals);

// Adds the guardrails that a condition names, "*" left out.
void AddGuardrailsOf(const Condition& condition, std::vector<std::string>& names);

struct Rule {
  enum class Action : std::uint8_t {
    kUse,      // the first of `models` that can serve answers; nothing else is looked at
    kExclude,  // `models` do not take part
    kPrefer,   // the first that can serve answers, unless predictions say it is not good enough
  } action = Action::kUse;
  std::string name;
  Condition when;
  std::vector<std::string> models;  // candidates
};

Result<Rule> DecodeRule(const dialect::JsonField& field);

}  // namespace strata::route
