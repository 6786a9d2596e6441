#pragma once
// A ChatModel that answers by script, for tests of whatever calls models.
//
//   FakeChatModel model("a");
//   model.Script().Text("Hel").Text("lo").Usage(9, 2);      // every call answers so
//   model.Next().Text("Hel").Fail(Code::kUnavailable);       // the next call only

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "provider/chat_model.h"
#include "tests/fakes/gate.h"

namespace strata::fakes {

// What one answer does, in order. Set up before the call that uses it.
class ChatScript {
 public:
  ChatScript& Text(std::string text);                    // one TextDelta; neighbours share a block
  ChatScript& Likely(std::string text, double logprob);  // the same as one token
  ChatScript& Reasoning(std::string text, std::string signature = "");
  ChatScript& Tool(std::string id, std::string name, std::string input_json);
  ChatScript& Cite(domain::Citation citation);  // on the text block that is open
  ChatScript& Wait(Gate gate);                  // holds the answer here
  ChatScript& Fail(Code code, std::string message = "scripted failure");  // in the stream
  ChatScript& Fail(Error error);
  ChatScript& Throw(std::string what);  // a bug: the stream throws
  ChatScript& Refuse(Error error);      // Start itself fails
  ChatScript& Usage(std::int64_t input_tokens, std::int64_t output_tokens);
  ChatScript& Usage(domain::Usage usage);
  ChatScript& Stop(domain::StopReason reason, std::string sequence = "");

 private:
  friend class FakeChatModel;
  friend class FakeChatStream;
  struct Token {
    std::string text;
    double logprob = 0;
  };
  struct Thought {
    std::string text, signature;
  };
  struct ToolCall {
    std::string id, name, input;
  };
  using Step =
      std::variant<std::string, Token, Thought, ToolCall, domain::Citation, Gate, Error, Bug>;

  std::vector<Step> steps_;
  std::vector<Error> refusal_;  // none or one
  domain::Usage usage_;
  bool usage_set_ = false;
  domain::StopReason stop_ = domain::StopReason::kEndTurn;
  bool stop_set_ = false;
  std::string stop_sequence_;
};

// Thread-safe once its scripts are set. With an empty script it answers "ok".
class FakeChatModel final : public provider::ChatModel {
 public:
  explicit FakeChatModel(std::string id);

  ChatScript& Script() { return script_; }            // of every call that Next does not cover
  ChatScript& Next();                                 // of one call, in the order of asking
  domain::ModelInfo& MutableInfo() { return info_; }  // before the first call

  int calls() const;         // Starts so far, refused ones included
  int open_streams() const;  // streams not yet destroyed
  std::vector<domain::ChatRequest> requests() const;

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override;
  // Characters / 4 of the last user text.
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  domain::ModelInfo info_;
  ChatScript script_;
  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<ChatScript>> next_;
  std::vector<domain::ChatRequest> requests_;
  std::shared_ptr<std::atomic<int>> open_;
};

}  // namespace strata::fakes
