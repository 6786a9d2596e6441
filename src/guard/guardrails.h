#pragma once
// The guardrails in force: policies that judge every chat request and its answer.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/conversation.h"
#include "guard/assessment.h"
#include "guard/policy.h"

namespace strata::guard {

// Constant after construction, thread-safe; one that tells what it finds is its request's own.
class Guardrails {
 public:
  Guardrails() = default;
  explicit Guardrails(std::vector<std::shared_ptr<const Policy>> policies);
  // The same for one request, which is told what they find.
  Guardrails(const Guardrails& of, std::shared_ptr<Assessment> found);

  // The one of that name, alone; null: there is none.
  std::shared_ptr<const Guardrails> Only(std::string_view name,
                                         std::shared_ptr<Assessment> found) const;

  bool Judges(Side side) const;
  bool MayMask(Side side) const;
  std::size_t reach() const { return reach_; }         // of the policies that judge output
  const std::string& names() const { return names_; }  // for the ledger, "" when there are none

  // The places to mask in `text`, in order, without overlaps. Errors: kBlocked, naming the policy;
  // those of a policy that could not judge. What begins at `limit` or behind it is left out: a
  // window's end may be the middle of a word.
  Task<Result<std::vector<Finding>>> Judge(std::string_view text, Side side, RequestContext& ctx,
                                           std::size_t limit = std::string_view::npos) const;

  // Judges texts that go to a model, and masks them in place. Errors: as above.
  Task<Result<>> JudgeTexts(const std::vector<std::string*>& texts, RequestContext& ctx) const;

  // Judges all text of a request, and masks it in place, for which one that would be forwarded is
  // decoded and its bytes are dropped. What cannot be decoded is judged string by string.
  // Errors: as above; the decoder's where text must be masked in what it does not understand.
  Task<Result<>> JudgeRequest(domain::ChatRequest& request, RequestContext& ctx) const;

 private:
  std::vector<std::shared_ptr<const Policy>> policies_;
  std::string names_;
  std::size_t reach_ = 0;
  std::shared_ptr<Assessment> found_;  // null: nobody asked
};

// The guardrails that hold for a request which begins now; null for none. Thread-safe.
using GuardrailsNow = std::function<std::shared_ptr<const Guardrails>()>;

// `text` with every finding's mask in its place.
std::string Masked(std::string_view text, const std::vector<Finding>& findings);

}  // namespace strata::guard
