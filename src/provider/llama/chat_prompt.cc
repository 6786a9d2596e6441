#include "provider/llama/chat_prompt.h"

#include <common/chat.h>
#include <common/common.h>
#include <common/sampling.h>
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/format_message.h"
#include "base/rng.h"
#include "provider/llama/backend.h"
#include "provider/llama/chat_messages.h"
#include "provider/llama/json_grammar.h"

namespace strata::provider::llama {

// Members that only llama-common knows.
struct ToolParser {
  common_chat_parser_params params;
};
struct Constraint {
  common_grammar grammar;
  bool lazy = false;
  std::vector<common_grammar_trigger> triggers;
  std::string generation_prompt;
};

namespace {

constexpr std::size_t kToolsMax = 128;
constexpr std::size_t kToolBytesMax = 256 << 10;  // all descriptions and schemas together

std::unexpected<Error> Refuse(std::string field, Message what) {
  return Fail(InvalidArgument(std::move(field), std::move(what)));
}

bool UsesTools(const domain::ChatRequest& request) {
  bool none = request.tool_choice && request.tool_choice->kind == domain::ToolChoice::Kind::kNone;
  return !request.tools.empty() && !none;
}

bool HistoryHasTools(const std::vector<common_chat_msg>& messages) {
  return std::any_of(messages.begin(), messages.end(),
                     [](const auto& m) { return m.role == "tool" || !m.tool_calls.empty(); });
}

// For a template without a place for tools, which would also leave out their calls and results.
Result<> RefuseTools(const domain::ChatRequest& request,
                     const std::vector<common_chat_msg>& messages) {
  constexpr std::string_view kWhy = "its chat template has no place for them";
  if (UsesTools(request)) {
    return Refuse("tools", FormatMessage("this model cannot use tools: {}", Own(kWhy)));
  }
  if (!HistoryHasTools(messages)) return {};
  return Refuse("messages",
                FormatMessage("this model cannot read calls and results of tools: {}", Own(kWhy)));
}

Result<> AddTools(const domain::ChatRequest& request, common_chat_templates_inputs& inputs) {
  using Kind = domain::ToolChoice::Kind;
  auto choice = request.tool_choice.value_or(domain::ToolChoice{.kind = Kind::kAuto, .name = {}});
  if (request.tools.size() > kToolsMax) {
    return Refuse("tools",
                  FormatMessage("{} tools; the limit is {}", request.tools.size(), kToolsMax));
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < request.tools.size(); ++i) {
    const auto& tool = request.tools[i];
    bytes += tool.name.size() + tool.description.size() + tool.input_schema.text.size();
    if (bytes > kToolBytesMax) {
      return Refuse("tools", FormatMessage("more than {} bytes in all", kToolBytesMax));
    }
    auto schema = tool.input_schema.text.empty() ? "{}" : tool.input_schema.text;
    STRATA_CHECK_OK(CheckSchema(schema, fmt::format("tools[{}].input_schema", i)));
    if (choice.kind == Kind::kNamed && tool.name != choice.name) continue;
    inputs.tools.push_back(
        {.name = tool.name, .description = tool.description, .parameters = std::move(schema)});
  }
  if (inputs.tools.empty()) {
    return Refuse("tool_choice",
                  FormatMessage("no tool is called '{}'", choice.name.substr(0, 64)));
  }
  inputs.tool_choice =
      choice.kind == Kind::kAuto ? COMMON_CHAT_TOOL_CHOICE_AUTO : COMMON_CHAT_TOOL_CHOICE_REQUIRED;
  inputs.parallel_tool_calls = choice.parallel;
  return {};
}

struct InRange {
  std::string_view field;
  double value, low, high;
};

Result<> CheckSampling(const domain::ChatRequest& request) {
  std::vector<InRange> checks;
  if (request.temperature) checks.push_back({"temperature", *request.temperature, 0, 2});
  if (request.top_p) checks.push_back({"top_p", *request.top_p, 0, 1});
  if (request.top_k) checks.push_back({"top_k", static_cast<double>(*request.top_k), 0, 100'000});
  for (const auto& check : checks) {
    if (check.value >= check.low && check.value <= check.high) continue;
    return Refuse(std::string(check.field),
                  FormatMessage("{} is outside {}..{}", check.value, check.low, check.high));
  }
  return {};
}

// llama-common's grammar lets a model talk before a call that the request demands ("until-160?" at
// the head of the root rule), and a small model may never come to the call. Takes that part out.
std::string CallAtOnce(std::string grammar) {
  auto root = grammar.find("root ::= ");
  if (root == std::string::npos) return grammar;
  auto end = std::min(grammar.find('\n', root), grammar.size());
  auto talk = grammar.find(" until-", root);
  auto mark = talk < end ? grammar.find_first_not_of("0123456789", talk + 7) : end;
  if (mark < end && grammar[mark] == '?') grammar.erase(talk, mark + 1 - talk);
  return grammar;
}

std::uint32_t SeedOf(const domain::ChatRequest& request) {
  std::uint32_t seed = 0;
  if (request.seed) {
    seed = static_cast<std::uint32_t>(*request.seed) ^
           static_cast<std::uint32_t>(static_cast<std::uint64_t>(*request.seed) >> 32);
  } else {
    SecureRandom(std::span(reinterpret_cast<std::uint8_t*>(&seed), sizeof(seed)));
  }
  // That value asks llama.cpp for a seed of its own.
  return seed == LLAMA_DEFAULT_SEED ? seed - 1 : seed;
}

}  // namespace

struct ChatPrompts::State {
  llama_model& model;
  const llama_vocab& vocab;
  common_chat_templates_ptr templates;
  std::vector<std::string> control_texts;
  bool supports_tools = false;

  // The triggers and control tokens of a lazily applied tool grammar.
  void TakeTriggers(const common_chat_params& made, PreparedPrompt& out) const {
    for (const auto& text : made.preserved_tokens) {
      auto ids = TokenizeText(vocab, text, AddSpecial::kNo, ParseSpecial::kYes);
      if (ids.size() == 1) out.shown_special.push_back(ids.front());
    }
    for (const auto& trigger : made.grammar_triggers) {
      auto& triggers = out.constraint->triggers;
      triggers.push_back(trigger);
      if (trigger.type != COMMON_GRAMMAR_TRIGGER_TYPE_WORD) continue;
      auto ids = TokenizeText(vocab, trigger.value, AddSpecial::kNo, ParseSpecial::kYes);
      if (ids.size() != 1) continue;
      triggers.back().type = COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN;
      triggers.back().token = ids.front();
    }
  }

  Result<> TakeTools(const common_chat_params& made, bool required, PreparedPrompt& out) const {
    if (made.grammar.empty()) {
      return Refuse(
          "tools", "this model cannot use tools: the form of its chat template's calls is unknown");
    }
    auto parser = std::make_shared<ToolParser>();
    parser->params = common_chat_parser_params(made);
    if (!made.parser.empty()) parser->params.parser.load(made.parser);
    out.tool_parser = std::move(parser);
    out.constraint = std::make_shared<Constraint>();
    auto grammar = required ? CallAtOnce(made.grammar) : made.grammar;
    out.constraint->grammar = {COMMON_GRAMMAR_TYPE_TOOL_CALLS, std::move(grammar)};
    out.constraint->lazy = made.grammar_lazy;
    out.constraint->generation_prompt = made.generation_prompt;
    TakeTriggers(made, out);
    return {};
  }
};

ChatPrompts::ChatPrompts(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChatPrompts::~ChatPrompts() = default;

Result<std::unique_ptr<ChatPrompts>> ChatPrompts::Make(llama_model& model,
                                                       const std::string& template_override) {
  const auto& vocab = *llama_model_get_vocab(&model);
  try {
    auto state = std::make_unique<State>(State{.model = model,
                                               .vocab = vocab,
                                               .templates = nullptr,
                                               .control_texts = ControlTexts(vocab)});
    state->templates = common_chat_templates_init(&model, template_override);
    auto caps = common_chat_templates_get_caps(state->templates.get());
    state->supports_tools = caps["supports_tools"] && caps["supports_tool_calls"];
    return std::unique_ptr<ChatPrompts>(new ChatPrompts(std::move(state)));
  } catch (const std::exception& e) {
    return Refuse("", FormatMessage("the model's chat template: {}", e.what()));
  }
}

bool ChatPrompts::supports_tools() const { return state_->supports_tools; }

Result<PreparedPrompt> ChatPrompts::Prepare(const domain::ChatRequest& request) {
  PromptShield shield(state_->control_texts);
  common_chat_templates_inputs inputs;
  STRATA_TRY(inputs.messages, ToChatMessages(request, shield));
  bool tools = UsesTools(request);
  if (!state_->supports_tools) STRATA_CHECK_OK(RefuseTools(request, inputs.messages));
  if (tools && request.json_output) {
    return Refuse("response_format", "this model gives JSON output or uses tools, not both");
  }
  if (tools) STRATA_CHECK_OK(AddTools(request, inputs));
  // A conversation that ends with the assistant's words asks to go on from there.
  std::string begun;
  if (inputs.messages.back().role == "assistant" && inputs.messages.back().tool_calls.empty()) {
    begun = std::move(inputs.messages.back().content);
    inputs.messages.pop_back();
    if (inputs.messages.empty()) return Refuse("messages", "the first one is not the user's");
  }
  // Without tools the template is only rendered, not analysed.
  inputs.force_pure_content = !tools;
  PreparedPrompt out;
  try {
    auto made = common_chat_templates_apply(state_->templates.get(), inputs);
    out.tokens = shield.Tokenize(state_->vocab, made.prompt + begun);
    out.template_stops = made.additional_stops;
    if (tools) {
      bool required = inputs.tool_choice == COMMON_CHAT_TOOL_CHOICE_REQUIRED;
      STRATA_CHECK_OK(state_->TakeTools(made, required, out));
    }
  } catch (const std::exception& e) {
    return Refuse("messages",
                  FormatMessage("the model's chat template refuses them: {}", e.what()));
  }
  if (out.tokens.empty()) return Refuse("messages", "they make an empty prompt");
  if (request.json_output) {
    STRATA_TRY(auto grammar, GrammarOfSchema(request.json_output->schema.text, "response_format"));
    out.constraint = std::make_shared<Constraint>();
    out.constraint->grammar = {COMMON_GRAMMAR_TYPE_USER, std::move(grammar)};
  }
  return out;
}

Result<SamplerPtr> ChatPrompts::MakeSampler(const domain::ChatRequest& request,
                                            const PreparedPrompt& prompt,
                                            const SamplingDefaults& defaults) {
  STRATA_CHECK_OK(CheckSampling(request));
  common_params_sampling params;
  params.no_perf = true;
  params.seed = SeedOf(request);
  params.temp = static_cast<float>(request.temperature.value_or(defaults.temperature));
  params.top_p = static_cast<float>(request.top_p.value_or(defaults.top_p));
  params.top_k = static_cast<std::int32_t>(request.top_k.value_or(defaults.top_k));
  params.samplers = {COMMON_SAMPLER_TYPE_TOP_K, COMMON_SAMPLER_TYPE_TOP_P,
                     COMMON_SAMPLER_TYPE_TEMPERATURE};
  if (params.temp <= 0) {  // the likeliest token, whatever the rest says
    params.top_k = 1;
    params.samplers = {COMMON_SAMPLER_TYPE_TOP_K};
  }
  if (prompt.constraint) {
    params.grammar = prompt.constraint->grammar;
    params.grammar_lazy = prompt.constraint->lazy;
    params.grammar_triggers = prompt.constraint->triggers;
    params.generation_prompt = prompt.constraint->generation_prompt;
    params.preserved_tokens = {prompt.shown_special.begin(), prompt.shown_special.end()};
  }
  try {
    return SamplerPtr(common_sampler_init(&state_->model, params));
  } catch (const std::exception& e) {
    return Refuse(prompt.tool_parser ? "tools" : "response_format",
                  FormatMessage("its grammar cannot be used: {}", e.what()));
  }
}

Result<std::vector<domain::ContentBlock>> ParseToolAnswer(const ToolParser& parser,
                                                          const std::string& text) {
  std::vector<domain::ContentBlock> blocks;
  try {
    auto message = common_chat_parse(text, false, parser.params);
    if (auto shown = message.render_content(); !shown.empty()) {
      blocks.emplace_back(domain::TextBlock{.text = std::move(shown), .citations = {}});
    }
    for (auto& call : message.tool_calls) {
      auto id = call.id.empty() ? "call_" + SecureRandomHex(12) : call.id;
      auto input = call.arguments.empty() ? "{}" : call.arguments;
      blocks.emplace_back(
          domain::ToolUseBlock{.id = std::move(id), .name = call.name, .input = {input}});
    }
  } catch (const std::exception&) {
    return Fail(Internal("the model's answer is not in the form its chat template asks for"));
  }
  return blocks;
}

}  // namespace strata::provider::llama
