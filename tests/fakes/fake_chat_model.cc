#include "tests/fakes/fake_chat_model.h"

#include <atomic>

#include "base/check.h"
#include "base/utf8.h"

namespace strata::fakes {

using domain::BlockKind;
using domain::StreamEvent;

ChatScript& ChatScript::Text(std::string text) {
  steps_.emplace_back(std::move(text));
  return *this;
}
ChatScript& ChatScript::Likely(std::string text, double logprob) {
  steps_.emplace_back(Token{std::move(text), logprob});
  return *this;
}
ChatScript& ChatScript::Reasoning(std::string text, std::string signature) {
  steps_.emplace_back(Thought{std::move(text), std::move(signature)});
  return *this;
}
ChatScript& ChatScript::Tool(std::string id, std::string name, std::string input_json) {
  steps_.emplace_back(ToolCall{std::move(id), std::move(name), std::move(input_json)});
  return *this;
}
ChatScript& ChatScript::Cite(domain::Citation citation) {
  steps_.emplace_back(std::move(citation));
  return *this;
}
ChatScript& ChatScript::Wait(Gate gate) {
  steps_.emplace_back(std::move(gate));
  return *this;
}
ChatScript& ChatScript::Fail(Code code, std::string message) {
  return Fail(Error(code, std::move(message)));
}
ChatScript& ChatScript::Fail(Error error) {
  steps_.emplace_back(std::move(error));
  return *this;
}
ChatScript& ChatScript::Throw(std::string what) {
  steps_.emplace_back(Bug(std::move(what)));
  return *this;
}
ChatScript& ChatScript::Refuse(Error error) {
  refusal_ = {std::move(error)};
  return *this;
}
ChatScript& ChatScript::Usage(std::int64_t input_tokens, std::int64_t output_tokens) {
  return Usage({.input_tokens = input_tokens, .output_tokens = output_tokens});
}
ChatScript& ChatScript::Usage(domain::Usage usage) {
  usage_ = usage;
  usage_set_ = true;
  return *this;
}
ChatScript& ChatScript::Stop(domain::StopReason reason, std::string sequence) {
  stop_ = reason;
  stop_set_ = true;
  stop_sequence_ = std::move(sequence);
  return *this;
}

namespace {

std::int64_t TokensOf(std::size_t characters) {
  return static_cast<std::int64_t>((characters + 3) / 4);
}

}  // namespace

// Turns steps into events as it is asked for them.
class FakeChatStream final : public provider::ChatStream {
 public:
  FakeChatStream(ChatScript script, std::string model, std::int64_t prompt_tokens,
                 RequestContext& ctx, std::shared_ptr<std::atomic<int>> open)
      : script_(std::move(script)),
        model_(std::move(model)),
        prompt_tokens_(prompt_tokens),
        ctx_(ctx),
        open_(std::move(open)) {
    ++*open_;
  }
  ~FakeChatStream() override { --*open_; }

  Task<Result<StreamEvent>> Next() override {
    STRATA_CHECK(!done_, "Next after the end of a stream");
    while (queue_.empty()) {
      auto step = co_await Step();
      if (!step.has_value()) {
        done_ = true;
        co_return ::strata::Fail(std::move(step.error()));
      }
    }
    auto event = std::move(queue_.front());
    queue_.pop_front();
    done_ = std::holds_alternative<domain::StreamEnd>(event);
    co_return std::move(event);
  }

  domain::Usage UsageSoFar() const override {
    if (done_ && script_.usage_set_) return script_.usage_;
    domain::Usage usage;
    usage.input_tokens = script_.usage_set_ ? script_.usage_.input_tokens : prompt_tokens_;
    usage.output_tokens = TokensOf(characters_);
    usage.estimated = !ended_;
    return usage;
  }

 private:
  Task<Result<>> Step() {
    STRATA_CO_CHECK_OK(ctx_.CheckAlive());
    if (!started_) {
      started_ = true;
      queue_.push_back(domain::StreamStart{.id = "fake-1", .model = model_, .usage = {}});
      co_return Result<>();
    }
    if (at_ == script_.steps_.size()) {
      End();
      co_return Result<>();
    }
    const auto& step = script_.steps_[at_++];
    if (const auto* gate = std::get_if<Gate>(&step)) co_return co_await gate->Pass(ctx_);
    if (const auto* error = std::get_if<Error>(&step)) co_return ::strata::Fail(*error);
    if (const auto* bug = std::get_if<Bug>(&step)) throw Bug(*bug);
    Emit(step);
    co_return Result<>();
  }

  void Emit(const ChatScript::Step& step) {
    if (const auto* text = std::get_if<std::string>(&step)) {
      OpenBlock(BlockKind::kText);
      characters_ += CodePointCount(*text);
      queue_.push_back(domain::TextDelta{index_, *text});
    } else if (const auto* token = std::get_if<ChatScript::Token>(&step)) {
      OpenBlock(BlockKind::kText);
      characters_ += CodePointCount(token->text);
      queue_.push_back(domain::TextDelta{
          index_,
          token->text,
          {{.token = token->text, .bytes = token->text, .logprob = token->logprob}}});
    } else if (const auto* thought = std::get_if<ChatScript::Thought>(&step)) {
      OpenBlock(BlockKind::kReasoning);
      characters_ += CodePointCount(thought->text);
      queue_.push_back(domain::ReasoningDelta{index_, thought->text, thought->signature, ""});
    } else if (const auto* citation = std::get_if<domain::Citation>(&step)) {
      OpenBlock(BlockKind::kText);
      queue_.push_back(domain::CitationDelta{index_, *citation});
    } else if (const auto* call = std::get_if<ChatScript::ToolCall>(&step)) {
      CloseBlock();
      queue_.push_back(domain::BlockStart{++index_, BlockKind::kToolUse, call->id, call->name});
      queue_.push_back(domain::ToolInputDelta{index_, call->input});
      queue_.push_back(domain::BlockStop{index_});
      characters_ += call->input.size();
      tool_used_ = true;
    }
  }

  void OpenBlock(BlockKind kind) {
    if (block_open_ && kind_ == kind) return;
    CloseBlock();
    kind_ = kind;
    block_open_ = true;
    queue_.push_back(domain::BlockStart{++index_, kind, "", ""});
  }

  void CloseBlock() {
    if (block_open_) queue_.push_back(domain::BlockStop{index_});
    block_open_ = false;
  }

  void End() {
    CloseBlock();
    ended_ = true;
    domain::StreamEnd end;
    end.stop_reason = script_.stop_;
    if (tool_used_ && !script_.stop_set_) end.stop_reason = domain::StopReason::kToolUse;
    end.stop_sequence = script_.stop_sequence_;
    end.usage = script_.usage_set_ ? script_.usage_ : UsageSoFar();
    queue_.push_back(std::move(end));
  }

  ChatScript script_;
  std::string model_;
  std::int64_t prompt_tokens_;
  RequestContext& ctx_;
  std::shared_ptr<std::atomic<int>> open_;
  std::deque<StreamEvent> queue_;
  std::size_t at_ = 0;
  std::size_t characters_ = 0;
  int index_ = -1;
  BlockKind kind_ = BlockKind::kText;
  bool started_ = false;
  bool block_open_ = false;
  bool tool_used_ = false;
  bool ended_ = false;
  bool done_ = false;
};

FakeChatModel::FakeChatModel(std::string id) : open_(std::make_shared<std::atomic<int>>(0)) {
  info_.id = std::move(id);
  info_.provider = "fake";
  info_.upstream_id = info_.id;
  info_.can.chat = true;
  info_.can.tools = true;
  info_.context_tokens = 8192;
}

ChatScript& FakeChatModel::Next() {
  std::lock_guard lock(mutex_);
  next_.push_back(std::make_unique<ChatScript>());
  return *next_.back();
}

int FakeChatModel::calls() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(requests_.size());
}

int FakeChatModel::open_streams() const { return *open_; }

std::vector<domain::ChatRequest> FakeChatModel::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

Task<Result<std::unique_ptr<provider::ChatStream>>> FakeChatModel::Start(
    domain::ChatRequest&& request, RequestContext& ctx) {
  STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
  ChatScript script = script_;
  std::int64_t prompt = TokensOf(CodePointCount(domain::LastUserText(request)));
  bool empty = request.messages.empty();
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    if (!next_.empty()) {
      script = std::move(*next_.front());
      next_.pop_front();
    }
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (empty) co_return Fail(InvalidArgument("messages", "at least one message is needed"));
  if (!script.refusal_.empty()) co_return Fail(script.refusal_.front());
  if (script.steps_.empty()) script.Text("ok");
  std::unique_ptr<provider::ChatStream> stream =
      std::make_unique<FakeChatStream>(std::move(script), info_.id, prompt, ctx, open_);
  co_return std::move(stream);
}

Task<Result<std::int64_t>> FakeChatModel::CountTokens(domain::ChatRequest request,
                                                      RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  co_return TokensOf(CodePointCount(domain::LastUserText(request)));
}

}  // namespace strata::fakes
