#pragma once
// A Converse or InvokeModel call that names a guardrail. All guardrails of the configuration judge
// it, as they judge every call; what differs is its answer: what they block is an answer that says
// so, as Bedrock's is, and not an error.

#include <memory>
#include <optional>
#include <string>

#include "dialect/bedrock.h"
#include "gateway/chat_service.h"
#include "server/api/guardrail_json.h"
#include "server/services.h"

namespace strata::server {

// One call's own, shared by its sink and its encoder.
class GuardrailCall {
 public:
  struct Asked {
    GuardrailAsked guardrail;
    bool trace = false;  // the answer tells what was found
    TraceForm form = TraceForm::kConverse;
  };
  // Errors: kInvalidArgument naming the member, for a guardrail that is not configured.
  static Result<std::shared_ptr<GuardrailCall>> Make(const Services& services, Asked asked);

  // The chat pipeline with guardrails that tell this call what they find.
  gateway::ChatService Chat(const Services& services) const;

  void Block(std::string why) { blocked_ = std::move(why); }

  // What the answer tells, once it is known.
  dialect::bedrock::GuardrailNote Note() const;

 private:
  Asked asked_;
  std::shared_ptr<const guard::Guardrails> guardrails_;
  std::shared_ptr<guard::Assessment> found_ = std::make_shared<guard::Assessment>();
  std::string blocked_;
};

// What stands in the place of a blocked request's answer, or of the rest of a blocked answer.
inline constexpr std::string_view kBlockedText =
    "A guardrail of this server does not let this pass.";

// Whether what came before a block has left already.
enum class Leaves : std::uint8_t { kAtOnce, kWhole };

// Passes an answer on; one that guardrails block ends with their words and StopReason::kGuardrail
// instead of an error, and of one that leaves whole nothing else is shown.
std::unique_ptr<gateway::AnswerSink> MakeInterveningSink(std::unique_ptr<gateway::AnswerSink> inner,
                                                         std::shared_ptr<GuardrailCall> call,
                                                         Leaves leaves);

}  // namespace strata::server
