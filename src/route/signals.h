#pragma once
// What a router's rules and predictions see of a request, worked out when first asked for: most
// decisions need little of it.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "domain/conversation.h"
#include "observe/spending.h"

namespace strata::route {

// What the answering model must be able to do.
struct Needs {
  bool tools = false;
  bool image = false;
  bool document = false;
  bool schema = false;
  bool reasoning = false;
};

// The decision looks at the conversation, not at "ok, do it": user turns are taken from the last
// one backwards until they hold so many bytes.
inline constexpr std::size_t kDecidingBytes = 200;

// Of one request, in its coroutine; request and context outlive it. The request is whole.
class Signals {
 public:
  // `router`: "router/NAME", whose spending rules may look at. Without `spending`, nothing was.
  Signals(const domain::ChatRequest& request, const RequestContext& ctx,
          const observe::Spending* spending = nullptr, std::string router = {});

  const RequestContext& ctx() const { return ctx_; }
  const Needs& needs() const { return needs_; }
  // Of everything that is sent, at four bytes a token; images and files count a flat 1,000.
  std::int64_t prompt_tokens() const { return prompt_tokens_; }
  std::optional<std::int64_t> max_tokens() const { return request_.max_tokens; }
  bool several_answers() const { return request_.choices > 1; }
  bool conversation() const { return conversation_; }  // an assistant has spoken before
  const std::string& text() const { return text_; }    // the deciding user turns
  // The same in lower case with runs of other characters than letters and digits as one space,
  // a space at both ends: what keywords are looked for in.
  const std::string& words() const;
  // Whether `phrase`, of the form of words(), stands in it. Constant for a phrase whose first word
  // does not, which is nearly every one.
  bool Says(std::string_view phrase) const;
  const std::string& language() const;  // ISO 639-1, "" unknown
  // Dollars that the caller's key, the workspace or the router has spent, without this request.
  double Spent(observe::Payer payer, observe::Period period) const;
  // What Spent was asked for, for the trace: "key this month" and dollars.
  const std::map<std::string, double>& spent() const { return spent_; }
  // What is asked for, by its form: one of TaskKinds(), "other" when none fits.
  std::string_view kind() const;

 private:
  const domain::ChatRequest& request_;
  const RequestContext& ctx_;
  Needs needs_;
  std::int64_t prompt_tokens_ = 0;
  bool conversation_ = false;
  std::string text_;
  mutable std::optional<std::string> words_, language_;
  mutable std::vector<std::uint64_t> firsts_;  // hash table of the words, open addressing; 0: free
  mutable std::optional<std::string_view> kind_;
  const observe::Spending* spending_;
  const std::string router_;
  mutable std::map<std::string, double> spent_;
};

// "code", "math", "choice", "translation", "summary", "extraction", "classification", "writing",
// "question", "other".
std::span<const std::string_view> TaskKinds();

// The form that Signals::words() has.
std::string WordsOf(std::string_view text);

// Hash of how a conversation begins, with the session that the caller names; the same for all its
// turns.
std::uint64_t ConversationKey(const domain::ChatRequest& request, const RequestContext& ctx);

}  // namespace strata::route
