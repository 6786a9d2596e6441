#include "provider/llama/chat_model.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <stop_token>
#include <utility>

#include "base/format_message.h"
#include "base/pool.h"
#include "base/rng.h"
#include "provider/fit_context.h"
#include "provider/llama/model_kind.h"
#include "provider/own_members.h"

namespace strata::provider::llama {
namespace {

// Prompts and grammars beyond this are refused before the template sees them.
constexpr std::size_t kPromptBytesMax = 8 << 20;

std::size_t BytesOf(const domain::ChatRequest& request) {
  std::size_t bytes = domain::TextOf(request.system).size();
  for (const auto& message : request.messages) {
    bytes += domain::TextOf(message.content).size();
    for (const auto& block : message.content) {
      const auto* document = std::get_if<domain::DocumentBlock>(&block);
      if (document != nullptr) bytes += document->text.size();
    }
  }
  return bytes;
}

class LlamaStream final : public ChatStream {
 public:
  LlamaStream(std::shared_ptr<Generation> generation, std::shared_ptr<const ToolParser> tool_parser,
              std::vector<std::string> template_stops, std::string model, RequestContext& ctx)
      : generation_(std::move(generation)),
        tool_parser_(std::move(tool_parser)),
        template_stops_(std::move(template_stops)),
        model_(std::move(model)),
        ctx_(ctx),
        on_cancel_(ctx.cancel, Canceller{generation_}) {}

  ~LlamaStream() override { generation_->Cancel(); }

  Task<Result<domain::StreamEvent>> Next() override {
    while (ready_.empty()) {
      STRATA_CO_CHECK_OK(ctx_.CheckAlive());
      if (!started_) {
        STRATA_CO_CHECK_OK(co_await generation_->Admitted());
        started_ = true;
        ready_.emplace_back(domain::StreamStart{
            .id = "gen_" + SecureRandomHex(12), .model = model_, .usage = generation_->usage()});
        break;
      }
      STRATA_CO_TRY(auto step, co_await generation_->Next());
      if (tool_parser_) {
        whole_ += step.text;
        std::ranges::move(step.logprobs, std::back_inserter(logprobs_));
      } else if (!step.text.empty() || !step.logprobs.empty()) {
        AddText(std::move(step.text), std::move(step.logprobs));
      }
      if (step.end) STRATA_CO_CHECK_OK(End(std::move(*step.end)));
    }
    auto event = std::move(ready_.front());
    ready_.pop_front();
    co_return event;
  }

  domain::Usage UsageSoFar() const override { return generation_->usage(); }

 private:
  struct Canceller {
    std::shared_ptr<Generation> generation;
    void operator()() const { generation->Cancel(); }
  };

  void AddText(std::string text, std::vector<domain::TokenLogprob> logprobs) {
    if (!block_open_) {
      ready_.emplace_back(domain::BlockStart{
          .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
      block_open_ = true;
    }
    ready_.emplace_back(
        domain::TextDelta{.index = 0, .text = std::move(text), .logprobs = std::move(logprobs)});
  }

  // Text and tool uses of a request with tools come whole, at the end: before it, text and the
  // beginning of a call cannot be told apart in every template's form.
  Result<bool> AddToolAnswer() {
    STRATA_TRY(auto blocks, ParseToolAnswer(*tool_parser_, whole_));
    domain::ChatResponse response;
    response.content = std::move(blocks);
    if (response.content.size() == 1) {
      auto* text = std::get_if<domain::TextBlock>(&response.content.front());
      if (text != nullptr) text->logprobs = std::move(logprobs_);
    }
    bool used = false;
    for (auto& event : domain::EventsOf(response)) {
      if (const auto* start = std::get_if<domain::BlockStart>(&event)) {
        used |= start->kind == domain::BlockKind::kToolUse;
      }
      bool frame = std::holds_alternative<domain::StreamStart>(event) ||
                   std::holds_alternative<domain::StreamEnd>(event);
      if (!frame) ready_.push_back(std::move(event));
    }
    return used;
  }

  Result<> End(GenerationEnd end) {
    bool used_tools = false;
    if (tool_parser_) {
      STRATA_TRY(used_tools, AddToolAnswer());
    }
    if (block_open_) ready_.emplace_back(domain::BlockStop{.index = 0});
    // A stop that the template asks for is this model's end of turn.
    if (std::find(template_stops_.begin(), template_stops_.end(), end.stop_sequence) !=
        template_stops_.end()) {
      end = {.reason = domain::StopReason::kEndTurn, .stop_sequence = {}};
    }
    if (used_tools && end.reason == domain::StopReason::kEndTurn) {
      end.reason = domain::StopReason::kToolUse;
    }
    ready_.emplace_back(domain::StreamEnd{.stop_reason = end.reason,
                                          .stop_sequence = std::move(end.stop_sequence),
                                          .usage = generation_->usage()});
    return {};
  }

  std::shared_ptr<Generation> generation_;
  std::shared_ptr<const ToolParser> tool_parser_;
  std::vector<std::string> template_stops_;
  std::string model_;
  RequestContext& ctx_;
  bool started_ = false;
  bool block_open_ = false;
  std::string whole_;                           // with tools: the answer so far
  std::vector<domain::TokenLogprob> logprobs_;  // of whole_
  std::deque<domain::StreamEvent> ready_;
  std::stop_callback<Canceller> on_cancel_;  // last: must not run on a half-made stream
};

class Model final : public LlamaChatModel {
 public:
  Model(ModelPtr model, std::unique_ptr<ChatPrompts> prompts,
        std::unique_ptr<GenerationEngine> engine, const ChatModelSpec& spec, domain::ModelInfo info)
      : spec_(spec),
        info_(std::move(info)),
        model_(std::move(model)),
        prompts_(std::move(prompts)),
        engine_(std::move(engine)),
        pool_("prompt", 1, spec.prompts_waiting_max) {
    info_.context_tokens = engine_->context_tokens();
    info_.output_tokens_max = info_.context_tokens;
    info_.can.chat = true;
    info_.can.json_schema = true;
    info_.can.streaming = true;
    info_.can.documents = true;
    info_.can.tools = prompts_->supports_tools();
  }

  Task<Result<std::unique_ptr<ChatStream>>> Start(domain::ChatRequest&& request,
                                                  RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    if (WantsToFit(request)) STRATA_CO_CHECK_OK(co_await Fit(request, ctx));
    STRATA_CO_CHECK_OK(Check(request));
    STRATA_CO_CHECK_OK(RefuseExtra(request, ctx));
    Prepared prepared;
    auto work = [&]() -> Result<> { return Prepare(request, prepared); };
    STRATA_CO_CHECK_OK(co_await OnPool(std::move(work)));
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    auto stops = prepared.prompt.template_stops;
    auto generation_request = MakeRequest(request, prepared, ctx);
    STRATA_CO_TRY(auto generation, engine_->Submit(std::move(generation_request)));
    co_return std::make_unique<LlamaStream>(std::move(generation),
                                            std::move(prepared.prompt.tool_parser),
                                            std::move(stops), info_.upstream_id, ctx);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    STRATA_CO_CHECK_OK(Check(request));
    std::int64_t count = 0;
    auto work = [&]() -> Result<> {
      STRATA_TRY(auto prompt, prompts_->Prepare(request));
      count = static_cast<std::int64_t>(prompt.tokens.size());
      return {};
    };
    STRATA_CO_CHECK_OK(co_await OnPool(std::move(work)));
    co_return count;
  }

  const domain::ModelInfo& Info() const override { return info_; }
  const GenerationEngine& engine() const override { return *engine_; }

 private:
  struct Prepared {
    PreparedPrompt prompt;
    SamplerPtr sampler;
  };

  Task<Result<>> Fit(domain::ChatRequest& request, RequestContext& ctx) {
    auto count = [&](domain::ChatRequest asked) { return CountTokens(std::move(asked), ctx); };
    STRATA_CO_TRY(auto dropped,
                  co_await FitContext(request, info_.context_tokens, std::move(count)));
    if (dropped > 0) ctx.span.Set("turns_dropped", dropped);
    co_return Result<>{};
  }

  // What can be refused without looking at the template.
  Result<> Check(const domain::ChatRequest& request) const {
    auto refuse = [](std::string field, std::string_view what) {
      return Fail(InvalidArgument(std::move(field), what));
    };
    if (BytesOf(request) > kPromptBytesMax) {
      return refuse("messages",
                    fmt::format("more than {} bytes of text, documents included", kPromptBytesMax));
    }
    if (request.max_tokens && *request.max_tokens < 1) {
      return refuse("max_tokens", fmt::format("{} is not positive", *request.max_tokens));
    }
    if (request.stop.size() > kStopsMax) {
      return refuse("stop", fmt::format("{} stop sequences; the limit is {}", request.stop.size(),
                                        kStopsMax));
    }
    for (std::size_t i = 0; i < request.stop.size(); ++i) {
      if (!request.stop[i].empty() && request.stop[i].size() <= kStopBytesMax) continue;
      return refuse(fmt::format("stop[{}]", i),
                    fmt::format("a stop sequence has 1..{} bytes", kStopBytesMax));
    }
    return {};
  }

  Result<> Prepare(const domain::ChatRequest& request, Prepared& out) {
    STRATA_TRY(out.prompt, prompts_->Prepare(request));
    STRATA_TRY(out.sampler, prompts_->MakeSampler(request, out.prompt, spec_.sampling));
    return {};
  }

  // The pool's "queue full" is the same to a caller as the engine's.
  Task<Result<>> OnPool(std::function<Result<>()> work) {
    auto done = co_await RunBlocking(pool_, std::move(work));
    if (!done.has_value() && done.error().code() == Code::kUnavailable &&
        done.error().retry_after()) {
      co_return Fail(
          Error(Code::kRateLimited, done.error().words()).RetryAfter(*done.error().retry_after()));
    }
    co_return done;
  }

  GenerationRequest MakeRequest(const domain::ChatRequest& request, Prepared& prepared,
                                const RequestContext& ctx) const {
    GenerationRequest out;
    out.prompt = std::move(prepared.prompt.tokens);
    out.output_max = request.max_tokens.value_or(spec_.output_tokens_default);
    out.stop = request.stop;
    out.logprobs = request.logprobs;
    out.top_logprobs = request.top_logprobs;
    const auto& more = prepared.prompt.template_stops;
    out.stop.insert(out.stop.end(), more.begin(), more.end());
    out.sampler = std::move(prepared.sampler);
    out.shown_special = std::move(prepared.prompt.shown_special);
    out.cache_key = ctx.workspace.value + "\n" + ctx.key.value;
    // A simulated clock belongs to another thread: then the stream checks the deadline itself.
    if (ctx.clock == &SystemClock()) out.deadline = ctx.deadline;
    out.cancel = ctx.cancel;
    return out;
  }

  static constexpr std::size_t kStopsMax = 64;
  static constexpr std::size_t kStopBytesMax = 512;

  ChatModelSpec spec_;
  domain::ModelInfo info_;
  ModelPtr model_;
  std::unique_ptr<ChatPrompts> prompts_;
  std::unique_ptr<GenerationEngine> engine_;
  Pool pool_;  // last: its thread uses the prompts
};

}  // namespace

Result<std::shared_ptr<LlamaChatModel>> LoadChatModel(const ChatModelSpec& spec,
                                                      domain::ModelInfo info) {
  STRATA_TRY(auto model, LoadModel({.path = spec.path, .gpu_layers = spec.gpu_layers}));
  STRATA_TRY(auto kind, KindOf(*model));
  if (kind != ModelKind::kChat) {
    return Fail(Code::kInvalidArgument,
                FormatMessage("{} is not a language model", Own(spec.path)));
  }
  STRATA_TRY(auto prompts, ChatPrompts::Make(*model, spec.chat_template));
  STRATA_TRY(auto engine, GenerationEngine::Create(*model, info.id, spec.generation));
  return std::make_shared<Model>(std::move(model), std::move(prompts), std::move(engine), spec,
                                 std::move(info));
}

}  // namespace strata::provider::llama
