#include "server/guardrail_call.h"

#include <utility>
#include <vector>

namespace strata::server {
namespace {

class InterveningSink final : public gateway::AnswerSink {
 public:
  InterveningSink(std::unique_ptr<gateway::AnswerSink> inner, std::shared_ptr<GuardrailCall> call,
                  Leaves leaves)
      : inner_(std::move(inner)), call_(std::move(call)), leaves_(leaves) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    begun_ = true;
    return inner_->Begin(model);
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    Note(event);
    if (leaves_ == Leaves::kAtOnce) return inner_->Event(event);
    held_.push_back(event);
    return std::holds_alternative<domain::StreamEnd>(event) ? Release() : Held();
  }

  Task<void> Fail(const Error& error) override {
    // A provider's own filter is no guardrail of ours.
    if (error.code() != Code::kBlocked || error.upstream_status() != 0) {
      co_await inner_->Fail(error);
      co_return;
    }
    call_->Block(error.message());
    // An error means that the client has gone.
    [[maybe_unused]] auto sent = co_await Intervene();
  }

  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    return inner_->Refuse(error, std::move(refusal));
  }

 private:
  void Note(const domain::StreamEvent& event) {
    if (const auto* start = std::get_if<domain::StreamStart>(&event)) {
      started_ = true;
      usage_ = start->usage;
    } else if (const auto* block = std::get_if<domain::BlockStart>(&event)) {
      open_ = true;
      index_ = block->index;
    } else if (std::holds_alternative<domain::BlockStop>(event)) {
      open_ = false;
    }
  }

  static Task<Result<>> Held() { co_return Result<>{}; }

  Task<Result<>> Release() {
    for (const auto& event : held_) STRATA_CO_CHECK_OK(co_await inner_->Event(event));
    co_return Result<>{};
  }

  Task<Result<>> Intervene() {
    if (!begun_) {
      const domain::ModelInfo nobody;
      STRATA_CO_CHECK_OK(co_await inner_->Begin(nobody));
    }
    if (leaves_ == Leaves::kWhole) {
      started_ = open_ = false;
      index_ = -1;
      held_.clear();
    }
    std::vector<domain::StreamEvent> events;
    if (!started_) events.emplace_back(domain::StreamStart{});
    if (open_) events.emplace_back(domain::BlockStop{.index = index_});
    const int index = index_ + 1;
    events.emplace_back(domain::BlockStart{
        .index = index, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
    events.emplace_back(domain::TextDelta{.index = index, .text = std::string(kBlockedText)});
    events.emplace_back(domain::BlockStop{.index = index});
    events.emplace_back(domain::StreamEnd{
        .stop_reason = domain::StopReason::kGuardrail, .stop_sequence = {}, .usage = usage_});
    for (const auto& event : events) STRATA_CO_CHECK_OK(co_await inner_->Event(event));
    co_return Result<>{};
  }

  std::unique_ptr<gateway::AnswerSink> inner_;
  std::shared_ptr<GuardrailCall> call_;
  const Leaves leaves_;
  std::vector<domain::StreamEvent> held_;  // Leaves::kWhole
  domain::Usage usage_;                    // what is known of it so far
  int index_ = -1;                         // of the last block
  bool begun_ = false;
  bool started_ = false;
  bool open_ = false;  // a block is
};

}  // namespace

Result<std::shared_ptr<GuardrailCall>> GuardrailCall::Make(const Services& services, Asked asked) {
  const auto configured = services.live.Now()->guardrails;
  STRATA_CHECK_OK(CheckGuardrail(asked.guardrail, configured ? configured->names() : ""));
  auto call = std::make_shared<GuardrailCall>();
  call->asked_ = std::move(asked);
  call->guardrails_ = std::make_shared<const guard::Guardrails>(*configured, call->found_);
  return call;
}

gateway::ChatService GuardrailCall::Chat(const Services& services) const {
  return gateway::ChatService(services.registry, [own = guardrails_] { return own; });
}

dialect::bedrock::GuardrailNote GuardrailCall::Note() const {
  const bool intervened = !blocked_.empty() || found_->intervened();
  dialect::bedrock::GuardrailNote out{.trace = {}, .action = intervened ? "INTERVENED" : "NONE"};
  if (!asked_.trace) return out;
  const GuardrailTrace trace{
      .found = *found_, .named = GuardrailNameOf(asked_.guardrail.id), .blocked = blocked_};
  out.trace = EncodeGuardrailTrace(trace, asked_.form);
  return out;
}

std::unique_ptr<gateway::AnswerSink> MakeInterveningSink(std::unique_ptr<gateway::AnswerSink> inner,
                                                         std::shared_ptr<GuardrailCall> call,
                                                         Leaves leaves) {
  return std::make_unique<InterveningSink>(std::move(inner), std::move(call), leaves);
}

}  // namespace strata::server
