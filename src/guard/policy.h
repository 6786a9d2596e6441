#pragma once
// A guardrail policy: one kind of rule about what may pass in to a model, and what may pass out.
// Swap it to add a kind; nothing above this header knows which ones there are. Implementations:
// word_policy.h; every one passes policy_contract.h.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "base/task.h"

namespace strata::guard {

enum class Side : std::uint8_t { kInput, kOutput };
enum class Action : std::uint8_t {
  kBlock,
  kMask,
  kNote,  // passes unchanged: for the trace, the ledger and the rules of routers (verdicts.h)
};

// A place in a text that a rule is about.
struct Finding {
  std::size_t start = 0;  // bytes [start, end) of the text
  std::size_t end = 0;
  Action action = Action::kBlock;
  std::string mask;  // kMask: what stands there instead
};

// Thread-safe, constant after construction.
class Policy {
 public:
  virtual ~Policy() = default;

  virtual const std::string& name() const = 0;
  virtual bool Judges(Side side) const = 0;
  // Whether its findings may be masks; their absence lets answers leave without being decoded
  // twice.
  virtual bool MayMask(Side side) const = 0;

  // No finding is longer, in bytes, with what it looks at around it: a stream is judged with so
  // much of it in hand.
  virtual std::size_t reach() const = 0;

  // All places in `text`, in order. The text is whole, or a window of an answer under way that
  // begins and ends between two characters. Errors end the request: a policy that cannot judge lets
  // nothing pass.
  virtual Task<Result<std::vector<Finding>>> Judge(std::string_view text, Side side,
                                                   RequestContext& ctx) const = 0;
};

}  // namespace strata::guard
