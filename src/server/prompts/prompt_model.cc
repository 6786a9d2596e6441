#include "server/prompts/prompt_model.h"

#include <fmt/format.h>

#include <iterator>

#include "dialect/json_value.h"
#include "guard/model_access.h"
#include "server/prompts/prompt_json.h"

namespace strata::server {
namespace {

constexpr std::string_view kSource = "prompt";

// The member with a prompt's variables in the bodies of other dialects than Converse.
constexpr std::string_view kMember = "promptVariables";

// {name: "text"} or, as in Converse, {name: {"text": …}}.
Result<std::map<std::string, std::string>> ReadVariables(const dialect::JsonField& values) {
  std::map<std::string, std::string> out;
  STRATA_CHECK_OK(values.ExpectObject());
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto value = values.Member(i);
    auto text = value.Get("text");
    STRATA_TRY(out[std::string(values.MemberName(i))],
               text.present() ? text.String() : value.String());
  }
  return out;
}

Result<std::map<std::string, std::string>> TakePromptVariables(domain::ChatRequest& request) {
  std::map<std::string, std::string> out;
  if (request.extra.text.empty()) return out;
  STRATA_TRY(auto parsed, dialect::ParseJson(request.extra.text));
  dialect::JsonField extra(parsed);
  if (request.extra_dialect == kSource) {
    STRATA_TRY(out, ReadVariables(extra));
    request.extra = {};
    request.extra_dialect.clear();
    return out;
  }
  auto values = extra.Get(kMember);
  if (!values.present()) return out;
  STRATA_TRY(out, ReadVariables(values));
  auto& members = std::get<dialect::JsonValue::Object>(parsed.data);
  std::erase_if(members, [](const auto& member) { return member.key == kMember; });
  request.extra.text = members.empty() ? "" : parsed.Dump();
  if (members.empty()) request.extra_dialect.clear();
  return out;
}

// Puts what the caller said behind what the prompt says. Bedrock does not let callers override the
// prompt's own settings; what it leaves open is theirs.
domain::ChatRequest Merge(domain::ChatRequest prompt, domain::ChatRequest asked) {
  auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(prompt.system, asked.system);
  append(prompt.messages, asked.messages);
  append(prompt.tools, asked.tools);
  if (!prompt.tool_choice) prompt.tool_choice = std::move(asked.tool_choice);
  if (!prompt.max_tokens) prompt.max_tokens = asked.max_tokens;
  if (!prompt.temperature) prompt.temperature = asked.temperature;
  if (!prompt.top_p) prompt.top_p = asked.top_p;
  if (prompt.stop.empty()) prompt.stop = std::move(asked.stop);
  if (prompt.extra.text.empty()) {
    prompt.extra = std::move(asked.extra);
    prompt.extra_dialect = std::move(asked.extra_dialect);
  }
  // The rest of the caller's request as it is: format of the answer, who asks, how it is paid for.
  asked.model = std::move(prompt.model);
  asked.system = std::move(prompt.system);
  asked.messages = std::move(prompt.messages);
  asked.tools = std::move(prompt.tools);
  asked.tool_choice = std::move(prompt.tool_choice);
  asked.max_tokens = prompt.max_tokens;
  asked.temperature = prompt.temperature;
  asked.top_p = prompt.top_p;
  asked.stop = std::move(prompt.stop);
  asked.extra = std::move(prompt.extra);
  asked.extra_dialect = std::move(prompt.extra_dialect);
  return asked;
}

class PromptModel final : public provider::ChatModel {
 public:
  PromptModel(const PromptStore& prompts, const provider::Registry& registry,
              gateway::GuardrailsNow guardrails, PromptName name)
      : prompts_(prompts),
        registry_(registry),
        guardrails_(std::move(guardrails)),
        name_(std::move(name)) {
    info_.id = fmt::format("{}/{}{}{}", kSource, name_.id, name_.version.empty() ? "" : ":",
                           name_.version);
    info_.provider = kSource;
    info_.can.chat = true;
  }

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    STRATA_CO_TRY(auto ready, Render(std::move(request), ctx));
    STRATA_CO_CHECK_OK(co_await Judge(ready.request, ctx));
    co_return co_await ready.model->Start(std::move(ready.request), ctx);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_TRY(auto ready, Render(std::move(request), ctx));
    STRATA_CO_CHECK_OK(co_await Judge(ready.request, ctx));
    co_return co_await ready.model->CountTokens(std::move(ready.request), ctx);
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  struct Ready {
    std::shared_ptr<provider::ChatModel> model;
    domain::ChatRequest request;
  };

  Task<Result<>> Judge(domain::ChatRequest& request, RequestContext& ctx) const {
    auto guardrails = guardrails_ ? guardrails_() : nullptr;
    if (!guardrails) co_return Result<>{};
    co_return co_await guardrails->JudgeRequest(request, ctx);
  }

  Result<Ready> Render(domain::ChatRequest asked, RequestContext& ctx) const {
    if (!ctx.decided_by.prompt.empty()) {
      return Fail(InvalidArgument("modelId", "the model of a prompt is a prompt itself"));
    }
    STRATA_TRY(auto prompt, prompts_.Find(name_.id, name_.version, ctx.workspace));
    // What the model is asked is no longer what the client wrote.
    STRATA_CHECK_OK(domain::DecodeWhole(asked));
    asked.wire.reset();
    STRATA_TRY(auto variables, TakePromptVariables(asked));
    STRATA_TRY(auto rendered, RenderPrompt(prompt, variables));
    Ready ready;
    STRATA_CHECK_OK(guard::CheckModelAllowed(rendered.model, ctx));
    STRATA_TRY(ready.model, registry_.Chat(rendered.model));
    ready.request = Merge(std::move(rendered), std::move(asked));
    // A draft may change: its time says which one it was.
    ctx.decided_by.prompt =
        prompt.version == kDraft
            ? fmt::format("{} @ {} {}", prompt.id, kDraft, FormatIso8601(prompt.updated))
            : fmt::format("{}:{}", prompt.id, prompt.version);
    ctx.span.Set("prompt", ctx.decided_by.prompt);
    return ready;
  }

  const PromptStore& prompts_;
  const provider::Registry& registry_;
  const gateway::GuardrailsNow guardrails_;
  const PromptName name_;
  domain::ModelInfo info_;
};

class PromptSource final : public provider::ModelSource {
 public:
  PromptSource(const PromptStore& prompts, const provider::Registry& registry,
               gateway::GuardrailsNow guardrails)
      : prompts_(prompts), registry_(registry), guardrails_(std::move(guardrails)) {}

  const std::string& name() const override { return name_; }
  // Whether there is such a prompt depends on the caller's workspace, which is known at Start.
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    return std::make_shared<PromptModel>(prompts_, registry_, guardrails_, ParsePromptName(rest));
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view) override {
    return Fail(Code::kUnsupported, "a prompt is no embedding model");
  }
  std::vector<provider::ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  provider::ProviderStatus Status() const override {
    provider::ProviderStatus status;
    status.name = name_;
    status.kind = name_;
    status.derived = true;
    return status;
  }

 private:
  const PromptStore& prompts_;
  const provider::Registry& registry_;
  const gateway::GuardrailsNow guardrails_;
  const std::string name_{kSource};
};

}  // namespace

void SetPromptVariables(domain::ChatRequest& request,
                        const std::map<std::string, std::string>& variables) {
  if (variables.empty()) return;
  dialect::JsonValue::Object members;
  for (const auto& [name, value] : variables) {
    members.push_back({name, dialect::JsonValue(dialect::JsonValue::Data(value))});
  }
  request.extra.text = dialect::JsonValue(dialect::JsonValue::Data(std::move(members))).Dump();
  request.extra_dialect = kSource;
}

std::shared_ptr<provider::ModelSource> MakePromptSource(const PromptStore& prompts,
                                                        const provider::Registry& registry,
                                                        gateway::GuardrailsNow guardrails) {
  return std::make_shared<PromptSource>(prompts, registry, std::move(guardrails));
}

}  // namespace strata::server
