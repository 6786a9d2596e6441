#pragma once
// An AnswerSink for callers that need the whole answer: completions, asynchronous invocations,
// evaluations.

#include <optional>

#include "gateway/chat_service.h"

namespace strata::gateway {

class CollectSink final : public AnswerSink {
 public:
  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    answering = model;
    co_return Result<>{};
  }
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    answer.Add(event);
    co_return Result<>{};
  }
  Task<void> Fail(const Error& error) override {
    failure = error;
    co_return;
  }

  domain::StreamAccumulator answer;
  std::optional<Error> failure;  // unset: the answer is whole
  domain::ModelInfo answering;
};

}  // namespace strata::gateway
