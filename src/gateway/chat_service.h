#pragma once
// The chat pipeline. Every dialect's front door decodes to a ChatRequest, brings a sink that writes
// its own bytes, and calls Run.

#include <functional>
#include <memory>

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "domain/model_info.h"
#include "domain/stream.h"
#include "domain/wire.h"
#include "guard/guardrails.h"
#include "provider/registry.h"

namespace strata::gateway {

// Takes one answer. Used by the request's coroutine only. An error returned by Begin or Event (the
// client has gone) ends the run and cancels the provider.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;

  // The provider has accepted; nothing has been written yet.
  virtual Task<Result<>> Begin(const domain::ModelInfo& model) = 0;

  // Every event up to and including StreamEnd. When StreamEnd comes, the call's final is in the
  // journal.
  virtual Task<Result<>> Event(const domain::StreamEvent& event) = 0;

  // Takes the place of StreamEnd, or of everything.
  virtual Task<void> Fail(const Error& error) = 0;

  // The same where a provider refused before anything was written: its own answer, for sinks that
  // speak its dialect.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): sinks that forward it move it on
  virtual Task<void> Refuse(const Error& error, domain::Refusal) { return Fail(error); }
};

using guard::GuardrailsNow;

// Thread-safe. `registry` outlives it and holds metered models only.
class ChatService {
 public:
  explicit ChatService(const provider::Registry& registry, GuardrailsNow guardrails = {})
      : registry_(registry), guardrails_(std::move(guardrails)) {}

  // Runs one request to its end: the sink has had StreamEnd or Fail when the task ends. `request`,
  // which is taken, `ctx` and `sink` outlive it.
  Task<void> Run(domain::ChatRequest&& request, RequestContext& ctx, AnswerSink& sink) const;

  // Prompt tokens of a request; kUnsupported where neither we nor the provider can count.
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext& ctx) const;

 private:
  Task<Result<>> Answer(domain::ChatRequest&& request, RequestContext& ctx, AnswerSink& sink) const;

  // Judges the request; null when nobody judges the answer.
  Task<Result<std::shared_ptr<const guard::Guardrails>>> GuardInput(domain::ChatRequest& request,
                                                                    RequestContext& ctx) const;

  const provider::Registry& registry_;
  GuardrailsNow guardrails_;
};

}  // namespace strata::gateway
