#pragma once
// How a Bedrock call names a guardrail of the configuration, and how its answer tells what the
// guardrails did (GuardrailTraceAssessment).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/assessment.h"
#include "guard/policy.h"

namespace strata::server {

// A guardrail that a call names; `field` is where it stands, both "" without one.
struct GuardrailAsked {
  std::string id;  // its name, or an ARN that ends in guardrail/NAME
  std::string field;
};

// The name in an id or ARN.
std::string_view GuardrailNameOf(std::string_view id_or_arn);

// `names`: those of the configuration, all of which judge every call, so that nothing but a name is
// to be checked. "a,b", as guard::Guardrails has them. kInvalidArgument names those that there are.
Result<> CheckGuardrail(const GuardrailAsked& asked, std::string_view names);

// The one version that a guardrail of the configuration has, however it is called.
bool IsGuardrailVersion(std::string_view text);

// Converse's trace.guardrail, and the member of InvokeModel's "amazon-bedrock-trace", which have
// the same assessments under other names.
enum class TraceForm : std::uint8_t { kConverse, kInvoke };

struct GuardrailTrace {
  const guard::Assessment& found;
  std::string_view named;    // the guardrail that the call names: it has an entry in any case
  std::string_view blocked;  // why the call was blocked; "": it was not
};
std::string EncodeGuardrailTrace(const GuardrailTrace& trace, TraceForm form);

// ---- ApplyGuardrail ----

struct ApplyGuardrailCall {
  guard::Side side = guard::Side::kInput;
  std::vector<std::string> texts;
};
// Errors: kInvalidArgument with the member, kUnsupported for what this server lacks (images).
Result<ApplyGuardrailCall> DecodeApplyGuardrail(std::string_view body);

struct AppliedGuardrail {
  std::string_view name;
  const guard::Assessment& found;
  guard::Side side = guard::Side::kInput;
  std::vector<std::string> outputs;  // the texts to use instead; empty: nothing acted
  std::string_view blocked;          // as in GuardrailTrace
  std::int64_t characters = 0;       // judged
};
std::string EncodeAppliedGuardrail(const AppliedGuardrail& applied);

}  // namespace strata::server
