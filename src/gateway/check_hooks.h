#pragma once
// Hooks: addresses outside that say whether a cheap model's answer passes, before a router lets it
// stand. They come with the configuration, as what may be sent where is the operator's word;
// routers name them.
//
// POST {"router", "request_id", "model", "question", "answer": {"text", "tool_calls": [{"name",
// "arguments"}]}} → 200 {"pass": true | false, "reason": "…"}. Whatever else comes, or does not, is
// no pass.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/labels.h"
#include "base/retention.h"
#include "base/task.h"
#include "domain/stream.h"
#include "net/client.h"
#include "provider/spec.h"

namespace strata::gateway {

struct HookSpec {
  std::string name;
  std::string url;
  std::string secret;  // "env:NAME" or "file:path", sent as a bearer; "": nothing is
  std::chrono::milliseconds timeout{5000};
  // Where it runs and what may be sent there, as a deployment declares it (guard/outbound.h).
  std::string region;
  bool cleared_for_all_labels = false;
  LabelSet clearance;
  std::optional<Retention> retention;
  friend bool operator==(const HookSpec&, const HookSpec&) = default;
};

// Everything that is wrong with it, each naming its member.
std::vector<Error> HookProblems(const HookSpec& spec);

// One hook, with its secret. Immutable; thread-safe.
class CheckHook {
 public:
  static Result<std::shared_ptr<const CheckHook>> Make(HookSpec spec,
                                                       const provider::SecretReader& secrets);

  struct Question {
    std::string router;    // its version
    std::string model;     // whose answer it is
    std::string question;  // the caller's last words; their first 16 KiB are sent
    const domain::ChatResponse& answer;
  };
  struct Verdict {
    bool passes = false;
    Message why;
    std::string reason;  // in the hook's, which may hold words of the answer; at most 500 bytes
  };

  const HookSpec& spec() const { return spec_; }
  // The one outbound check. kPermissionDenied.
  Result<> MayAsk(const RequestContext& ctx) const;
  // Never longer than its time-out or the request's deadline.
  Task<Verdict> Ask(net::Client& client, const Question& question, RequestContext& ctx) const;

 private:
  CheckHook(HookSpec spec, std::string bearer)
      : spec_(std::move(spec)), bearer_(std::move(bearer)) {}
  const HookSpec spec_;
  const std::string bearer_;
};

// Those of the configuration, by name.
using CheckHooks = std::vector<std::shared_ptr<const CheckHook>>;
using CheckHooksNow = std::function<std::shared_ptr<const CheckHooks>()>;
// kInvalidArgument names the hook and the member.
Result<std::shared_ptr<const CheckHooks>> MakeCheckHooks(const std::vector<HookSpec>& specs,
                                                         const provider::SecretReader& secrets);
// Null: there is none of that name.
std::shared_ptr<const CheckHook> FindHook(const CheckHooks* hooks, std::string_view name);

// What a hook answered: untrusted bytes.
Result<CheckHook::Verdict> DecodeHookVerdict(std::string_view body);

}  // namespace strata::gateway
