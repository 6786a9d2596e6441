#pragma once
// Making small chat models and requests for the tests of this folder.

#include <memory>
#include <string>

#include "provider/llama/chat_model.h"
#include "provider/llama/testing.h"

namespace strata::provider::llama::testing {

inline domain::ModelInfo TestInfo() {
  domain::ModelInfo info;
  info.id = "builtin/test";
  info.provider = "builtin";
  info.upstream_id = "SmolLM2";
  return info;
}

inline ChatModelSpec TestSpec() {
  ChatModelSpec spec;
  spec.path = ShippedModel(kChatFile);
  spec.generation.context_tokens = 2048;
  spec.generation.sequences_max = 4;
  return spec;
}

inline std::shared_ptr<LlamaChatModel> LoadTestModel(const ChatModelSpec& spec) {
  auto model = LoadChatModel(spec, TestInfo());
  EXPECT_TRUE(model.has_value()) << model.error().message();
  return *model;
}

inline domain::Message Says(domain::Role role, std::string text) {
  domain::Message message;
  message.role = role;
  message.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  return message;
}

// Greedy, so that a run repeats.
inline domain::ChatRequest Ask(std::string text, std::int64_t max_tokens = 16) {
  domain::ChatRequest request;
  request.messages.push_back(Says(domain::Role::kUser, std::move(text)));
  request.max_tokens = max_tokens;
  request.temperature = 0;
  return request;
}

inline Task<Result<domain::ChatResponse>> Answer(ChatModel& model, domain::ChatRequest request,
                                                 RequestContext& ctx) {
  STRATA_CO_TRY(auto stream, co_await model.Start(std::move(request), ctx));
  domain::StreamAccumulator all;
  while (!all.ended()) {
    STRATA_CO_TRY(auto event, co_await stream->Next());
    all.Add(event);
  }
  co_return all.Take();
}

}  // namespace strata::provider::llama::testing
