// Responses request → domain.

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/format_message.h"
#include "dialect/json/extra.h"
#include "dialect/openai/parts.h"
#include "dialect/responses/file_search_tool.h"
#include "dialect/responses/turns.h"
#include "dialect/responses_wire.h"

namespace strata::dialect::responses {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::int64_t kTopLogprobsMax = 20;
constexpr std::string_view kFileSearch = "file_search";

// Members that ask for something that is not served here.
struct Refused {
  std::string_view member;
  std::string_view why;
};
constexpr std::array<Refused, 7> kRefused = {{
    {"conversation", "conversations are not kept here; use previous_response_id, or name"},
    {"prompt", "stored prompts are not kept here; send instructions and input, or name"},
    {"context_management", "this member is not served here; leave it out, or name"},
    {"moderation", "this member is not served here; use POST /v1/moderations, or name"},
    {"image", "this member is not served here; leave it out, or name"},
    {"access_programs", "this member is not served here; leave it out, or name"},
    {"background_options", "background responses are not made here; leave it out, or name"},
}};

// Who would take what is not served here; goes behind "or name".
constexpr std::string_view kWhoServes =
    " a model of a provider that speaks OpenAI's Responses API (kind openai or azure, see "
    "docs/providers.md)";

std::string OrName(std::string_view why) { return std::string(why) + std::string(kWhoServes); }

Result<> RefuseUnsupported(const JsonField& body) {
  for (const auto& refused : kRefused) {
    auto field = body.Get(refused.member);
    if (field.present()) return Fail(field.Wrong(OrName(refused.why)));
  }
  auto background = body.Get("background");
  if (!background.present()) return {};
  STRATA_TRY(auto wanted, background.Bool());
  if (wanted) {
    return Fail(
        background.Wrong(OrName("background responses are not made here; leave it out, or name")));
  }
  return {};
}

Result<domain::Tool> DecodeTool(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  auto type = item.Get("type");
  STRATA_TRY(auto kind, type.NonEmptyString());
  if (kind != "function") {
    return Fail(type.Wrong(FormatMessage(
        "tools of type {} are not run by this server, only tools of type function and file_search "
        "are; leave it out, or name{}",
        kind.substr(0, 100), kWhoServes)));
  }
  STRATA_CHECK_OK(item.OnlyMembers({"type", "name", "description", "parameters", "strict"}));
  return openai::ReadFunction(item);
}

// {"type": "allowed_tools", "mode", "tools": [{"type": "function", "name"} or {"type":
// "file_search"}]}: the others are left out of the request.
Result<domain::ToolChoice> DecodeAllowed(const JsonField& choice, Request& out) {
  auto& chat = out.chat;
  bool search = false;
  STRATA_CHECK_OK(choice.OnlyMembers({"type", "mode", "tools"}));
  auto mode_field = choice.Get("mode");
  STRATA_TRY(auto mode, mode_field.OneOf({"auto", "required"}));
  auto tools = choice.Get("tools");
  STRATA_CHECK_OK(tools.ExpectArray());
  std::set<std::string> known;
  for (const auto& tool : chat.tools) known.insert(tool.name);
  std::set<std::string> allowed;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    auto item = tools.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    if (auto type = item.Get("type"); type.Is(kFileSearch)) {
      if (!out.file_search) return Fail(type.Wrong("names none of the tools"));
      search = true;
      continue;
    }
    auto name_field = item.Get("name");
    STRATA_TRY(auto name, name_field.NonEmptyString());
    if (!known.contains(name)) return Fail(name_field.Wrong("names none of the tools"));
    allowed.insert(std::move(name));
  }
  std::erase_if(chat.tools, [&](const domain::Tool& tool) { return !allowed.contains(tool.name); });
  if (!search) out.file_search.reset();
  using Kind = domain::ToolChoice::Kind;
  return domain::ToolChoice{.kind = mode == "auto" ? Kind::kAuto : Kind::kAny, .name = {}};
}

// The search is run before the model is asked, so a choice that demands a tool is met by it.
Result<domain::ToolChoice> DecodeChoice(const JsonField& choice, Request& out) {
  using Kind = domain::ToolChoice::Kind;
  if (choice.Is("auto")) return domain::ToolChoice{.kind = Kind::kAuto, .name = {}};
  if (choice.Is("none")) {
    out.file_search.reset();
    return domain::ToolChoice{.kind = Kind::kNone, .name = {}};
  }
  if (choice.Is("required")) {
    return domain::ToolChoice{.kind = out.file_search ? Kind::kAuto : Kind::kAny, .name = {}};
  }
  auto type = choice.Get("type");
  if (type.Is("allowed_tools")) return DecodeAllowed(choice, out);
  if (type.Is(kFileSearch)) {
    if (!out.file_search) return Fail(type.Wrong("names none of the tools"));
    return domain::ToolChoice{.kind = Kind::kAuto, .name = {}};
  }
  if (!type.Is("function")) {
    return Fail(choice.Wrong(
        "expected auto, none, required, allowed_tools, file_search or one function by name"));
  }
  out.file_search.reset();
  auto name = choice.Get("name");
  STRATA_TRY(auto named, name.NonEmptyString());
  return domain::ToolChoice{.kind = Kind::kNamed, .name = std::move(named)};
}

Result<> AddTool(const JsonField& item, Request& out) {
  if (auto type = item.Get("type"); type.Is(kFileSearch)) {
    if (out.file_search) return Fail(type.Wrong("expected one tool of type file_search"));
    STRATA_TRY(out.file_search, DecodeFileSearch(item));
    return {};
  }
  STRATA_TRY(auto tool, DecodeTool(item));
  out.chat.tools.push_back(std::move(tool));
  return {};
}

Result<> DecodeToolUse(const JsonField& body, Request& out) {
  const bool searches = out.file_search.has_value();
  if (auto choice = body.Get("tool_choice"); choice.present()) {
    STRATA_TRY(out.chat.tool_choice, DecodeChoice(choice, out));
    out.settings.tool_choice.text = choice.value().Dump();
    // Providers take no choice among no tools.
    if (searches && out.chat.tools.empty()) out.chat.tool_choice.reset();
  }
  if (auto field = body.Get("parallel_tool_calls"); field.present()) {
    STRATA_TRY(auto allowed, field.Bool());
    out.settings.parallel_tool_calls = allowed;
    const bool none = searches && out.chat.tools.empty();
    if (!allowed && !out.chat.tool_choice && !none) out.chat.tool_choice.emplace();
    if (out.chat.tool_choice) out.chat.tool_choice->parallel = allowed;
  }
  if (auto field = body.Get("max_tool_calls"); field.present()) {
    STRATA_TRY(out.settings.max_tool_calls, field.Integer(1, kTokensMax));
  }
  return {};
}

Result<> DecodeTools(const JsonField& body, Request& out) {
  if (auto tools = body.Get("tools"); tools.present()) {
    STRATA_CHECK_OK(tools.ExpectArray());
    for (std::size_t i = 0; i < tools.size(); ++i) {
      auto item = tools.Item(i);
      STRATA_CHECK_OK(AddTool(item, out));
    }
    out.settings.tools.text = tools.value().Dump();
  }
  return DecodeToolUse(body, out);
}

Result<> DecodeFormat(const JsonField& format, domain::ChatRequest& chat) {
  STRATA_CHECK_OK(format.OnlyMembers({"type", "name", "description", "schema", "strict"}));
  auto type_field = format.Get("type");
  STRATA_TRY(auto type, type_field.OneOf({"text", "json_object", "json_schema"}));
  if (type == "text") return {};
  domain::JsonOutput output;
  if (type == "json_schema") {
    auto name = format.Get("name");
    auto schema = format.Get("schema");
    STRATA_TRY(output.name, name.NonEmptyString());
    STRATA_TRY(output.schema, schema.ObjectText());
    if (auto description = format.Get("description"); description.present()) {
      STRATA_TRY(output.description, description.String());
    }
    output.strict = false;
    if (auto strict = format.Get("strict"); strict.present()) {
      STRATA_TRY(output.strict, strict.Bool());
    }
  }
  chat.json_output = std::move(output);
  return {};
}

// `verbosity` has its place in chat completions' extra members.
Result<std::string> DecodeText(const JsonField& body, Request& out) {
  auto text = body.Get("text");
  if (!text.present()) return std::string();
  STRATA_CHECK_OK(text.OnlyMembers({"format", "verbosity"}));
  if (auto format = text.Get("format"); format.present()) {
    STRATA_CHECK_OK(DecodeFormat(format, out.chat));
    out.settings.text.text = text.value().Dump();
  }
  auto verbosity = text.Get("verbosity");
  if (!verbosity.present()) return std::string();
  return verbosity.OneOf({"low", "medium", "high"});
}

Result<> DecodeReasoning(const JsonField& body, Request& out) {
  auto reasoning = body.Get("reasoning");
  if (!reasoning.present()) return {};
  STRATA_CHECK_OK(reasoning.OnlyMembers({"effort", "summary", "generate_summary"}));
  if (auto field = reasoning.Get("effort"); field.present()) {
    STRATA_TRY(auto effort,
               field.OneOf({"none", "minimal", "low", "medium", "high", "xhigh", "max"}));
    out.chat.reasoning =
        domain::ReasoningConfig{.enabled = effort != "none", .budget_tokens = 0, .effort = effort};
  }
  for (auto key : {"summary", "generate_summary"}) {
    auto field = reasoning.Get(key);
    if (!field.present()) continue;
    STRATA_CHECK_OK(field.OneOf({"auto", "concise", "detailed"}));
    out.settings.summaries = true;
  }
  out.settings.reasoning.text = reasoning.value().Dump();
  return {};
}

Result<> DecodeInclude(const JsonField& body, Request& out) {
  auto include = body.Get("include");
  if (!include.present()) return {};
  STRATA_CHECK_OK(include.ExpectArray());
  for (std::size_t i = 0; i < include.size(); ++i) {
    auto item = include.Item(i);
    // The rest names results of tools that never run here, or what the answer never leaves out.
    STRATA_TRY(
        auto name,
        item.OneOf({"message.output_text.logprobs", "reasoning.encrypted_content",
                    "file_search_call.results", "web_search_call.results",
                    "web_search_call.action.sources", "message.input_image.image_url",
                    "computer_call_output.output.image_url", "code_interpreter_call.outputs"}));
    if (name == "message.output_text.logprobs") out.settings.logprobs = true;
    if (name == "reasoning.encrypted_content") out.settings.encrypted_content = true;
    if (name == "file_search_call.results") out.settings.search_results = true;
  }
  return {};
}

Result<> DecodeSampling(const JsonField& body, Request& out) {
  auto& settings = out.settings;
  if (auto field = body.Get("max_output_tokens"); field.present()) {
    STRATA_TRY(settings.max_output_tokens, field.Integer(1, kTokensMax));
  }
  if (auto field = body.Get("temperature"); field.present()) {
    STRATA_TRY(settings.temperature, field.Double(0, 2));
  }
  if (auto field = body.Get("top_p"); field.present()) {
    STRATA_TRY(settings.top_p, field.Double(0, 1));
  }
  if (auto field = body.Get("top_logprobs"); field.present()) {
    STRATA_TRY(auto count, field.Integer(0, kTopLogprobsMax));
    settings.top_logprobs = static_cast<int>(count);
    settings.logprobs = settings.logprobs || count > 0;
  }
  out.chat.max_tokens = settings.max_output_tokens;
  out.chat.temperature = settings.temperature;
  out.chat.top_p = settings.top_p;
  out.chat.logprobs = settings.logprobs;
  out.chat.top_logprobs = settings.top_logprobs;
  return {};
}

// Text members of the caller's own, each copied to the settings.
Result<> DecodeCaller(const JsonField& body, Request& out) {
  auto& settings = out.settings;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"user", &settings.user},
      {"safety_identifier", &settings.safety_identifier},
      {"prompt_cache_key", &settings.prompt_cache_key},
      {"service_tier", &settings.service_tier},
      {"previous_response_id", &settings.previous_response_id},
      {"instructions", &settings.instructions}};
  for (const auto& [key, into] : texts) {
    auto field = body.Get(key);
    if (!field.present()) continue;
    STRATA_TRY(*into, field.String());
  }
  out.chat.user = settings.user.empty() ? settings.safety_identifier : settings.user;
  out.chat.service_tier = settings.service_tier;
  auto metadata = body.Get("metadata");
  if (!metadata.present()) return {};
  STRATA_CHECK_OK(metadata.ExpectObject());
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    auto value = metadata.Member(i);
    STRATA_TRY(settings.metadata[std::string(metadata.MemberName(i))], value.String());
  }
  out.chat.metadata = settings.metadata;
  return {};
}

Result<> DecodeAnswerForm(const JsonField& body, Request& out) {
  if (auto field = body.Get("store"); field.present()) {
    STRATA_TRY(out.settings.store, field.Bool());
  }
  if (auto field = body.Get("truncation"); field.present()) {
    STRATA_TRY(out.settings.truncation, field.OneOf({"auto", "disabled"}));
  }
  if (auto field = body.Get("stream"); field.present()) {
    STRATA_TRY(out.chat.stream, field.Bool());
  }
  auto options = body.Get("stream_options");
  if (!options.present()) return {};
  // include_obfuscation asks for padding against traffic analysis; our events never carry it.
  return options.OnlyMembers({"include_obfuscation"});
}

// The input as a list of items.
Result<> TakeInput(const JsonField& body, Request& out) {
  auto input = body.Get("input");
  if (!input.present()) return Fail(input.Wrong("expected a string or a list of items"));
  if (const auto* text = input.value().string()) {
    if (text->empty()) return Fail(input.Wrong("expected text that is not empty"));
    JsonValue::Object message;
    message.push_back({"type", JsonValue(JsonValue::Data(std::string("message")))});
    message.push_back({"role", JsonValue(JsonValue::Data(std::string("user")))});
    message.push_back({"content", JsonValue(JsonValue::Data(*text))});
    JsonValue::Array items;
    items.push_back(JsonValue(JsonValue::Data(std::move(message))));
    out.input = JsonValue(JsonValue::Data(std::move(items)));
  } else if (input.ExpectArray()) {
    out.input = input.value();
  } else {
    return Fail(input.Wrong("expected a string or a list of items"));
  }
  return {};
}

void AddInstructions(Request& out) {
  if (out.settings.instructions.empty()) return;
  out.chat.system.emplace_back(
      domain::TextBlock{.text = out.settings.instructions, .citations = {}});
}

Result<> DecodeInput(const JsonField& body, Request& out) {
  STRATA_CHECK_OK(TakeInput(body, out));
  AddInstructions(out);
  Turns turns(out.chat);
  auto input = body.Get("input");
  if (input.value().array() != nullptr) {
    STRATA_CHECK_OK(turns.AddAll(input));
  } else {
    JsonField items(out.input);
    STRATA_CHECK_OK(turns.AddAll(items));
  }
  if (out.chat.messages.empty() && out.settings.previous_response_id.empty()) {
    return Fail(input.Wrong("expected at least one message"));
  }
  return {};
}

// What has no word in the domain goes to providers of this family as chat completions name it.
Result<> KeepOthers(const JsonField& body, std::string_view verbosity, Request& out) {
  STRATA_CHECK_OK(RefuseOtherCase(body, kKeptMembers));
  STRATA_CHECK_OK(KeepExtra(body, kRequestMembers, "openai", out.chat));
  if (verbosity.empty()) return {};
  JsonWriter extra;
  extra.BeginObject().Field("verbosity", verbosity);
  if (!out.chat.extra.text.empty()) {
    STRATA_TRY(auto others, ParseJson(out.chat.extra.text));
    for (const auto& member : *others.object()) extra.RawField(member.key, member.value.Dump());
  }
  out.chat.extra.text = extra.EndObject().Take();
  out.chat.extra_dialect = "openai";
  return {};
}

// What of a request is not served here, as its members.
class Unserved {
 public:
  explicit Unserved(const JsonField& body) : body_(body) {}

  void Member(std::string_view key) {
    auto field = body_.Get(key);
    if (field.present()) members_.push_back({std::string(key), field.value()});
  }
  void Members(std::initializer_list<std::string_view> keys) {
    for (auto key : keys) Member(key);
  }
  void Tool(const JsonValue& tool) { tools_.push_back(tool); }
  void Item(const JsonValue& item) { items_.push_back(item); }

  // Tools first: whoever refuses names what comes first.
  Result<> Put(domain::ChatRequest& chat) {
    JsonValue::Object all;
    AddList("tools", std::move(tools_), all);
    std::ranges::move(members_, std::back_inserter(all));
    AddList("input", std::move(items_), all);
    if (all.empty()) return {};
    JsonWriter out;
    out.BeginObject();
    for (const auto& member : all) out.RawField(member.key, member.value.Dump());
    if (!chat.extra.text.empty()) {
      STRATA_TRY(auto others, ParseJson(chat.extra.text));
      for (const auto& member : *others.object()) {
        if (std::ranges::find(all, member.key, &JsonMember::key) != all.end()) continue;
        out.RawField(member.key, member.value.Dump());
      }
    }
    chat.extra.text = out.EndObject().Take();
    chat.extra_dialect = kWireFormat;
    return {};
  }

 private:
  static void AddList(std::string key, JsonValue::Array list, JsonValue::Object& out) {
    if (list.empty()) return;
    out.push_back({std::move(key), JsonValue(JsonValue::Data(std::move(list)))});
  }

  const JsonField& body_;
  JsonValue::Object members_;
  JsonValue::Array tools_;
  JsonValue::Array items_;
};

void ReadTools(const JsonField& body, Request& out, Unserved& unserved) {
  auto tools = body.Get("tools");
  for (std::size_t i = 0; i < tools.size(); ++i) {
    auto item = tools.Item(i);
    auto added = AddTool(item, out);
    auto type = item.Get("type");
    // A search of this server's stores is not forwarded, so that this one is the provider's.
    if (!added.has_value() || type.Is(kFileSearch)) unserved.Tool(item.value());
  }
  if (tools.present()) out.settings.tools.text = tools.value().Dump();
  if (!DecodeToolUse(body, out).has_value()) {
    unserved.Members({"tool_choice", "parallel_tool_calls", "max_tool_calls"});
  }
}

void ReadInput(const JsonField& body, Request& out, Unserved& unserved) {
  AddInstructions(out);
  if (!TakeInput(body, out).has_value()) return unserved.Member("input");
  JsonField items(out.input);
  Turns turns(out.chat);
  for (auto place : turns.AddKnown(items)) unserved.Item((*out.input.array())[place]);
  for (const auto* document : NamedFiles(out.chat)) {
    JsonValue::Object file;
    file.push_back({"type", JsonValue(JsonValue::Data(std::string("input_file")))});
    file.push_back({"file_id", JsonValue(JsonValue::Data(document->source_uri))});
    unserved.Item(JsonValue(JsonValue::Data(std::move(file))));
  }
}

// The members that stand for themselves; gives the verbosity.
std::string ReadMembers(const JsonField& body, Request& out, Unserved& unserved) {
  if (!DecodeReasoning(body, out).has_value()) unserved.Member("reasoning");
  if (!DecodeInclude(body, out).has_value()) unserved.Member("include");
  if (!DecodeSampling(body, out).has_value()) {
    unserved.Members({"max_output_tokens", "temperature", "top_p", "top_logprobs"});
  }
  if (!DecodeCaller(body, out).has_value()) {
    unserved.Members({"user", "safety_identifier", "prompt_cache_key", "service_tier",
                      "instructions", "metadata"});
  }
  if (!DecodeAnswerForm(body, out).has_value()) {
    unserved.Members({"store", "truncation", "stream_options"});
  }
  auto background = body.Get("background");
  const auto asked = background.Bool();
  if (!asked.has_value() || *asked) unserved.Member("background");
  auto verbosity = DecodeText(body, out);
  if (verbosity.has_value()) return std::move(*verbosity);
  unserved.Member("text");
  return {};
}

}  // namespace

Result<Request> DecodeForForwarding(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  Request out;
  Unserved unserved(body);
  auto model = body.Get("model");
  STRATA_TRY(out.chat.model, model.NonEmptyString());
  ReadTools(body, out, unserved);
  auto verbosity = ReadMembers(body, out, unserved);
  for (const auto& refused : kRefused) unserved.Member(refused.member);
  unserved.Member("previous_response_id");
  ReadInput(body, out, unserved);
  STRATA_CHECK_OK(KeepOthers(body, verbosity, out));
  STRATA_CHECK_OK(unserved.Put(out.chat));
  return out;
}

Result<Request> DecodeRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  Request out;
  auto model = body.Get("model");
  STRATA_TRY(out.chat.model, model.NonEmptyString());
  STRATA_CHECK_OK(RefuseUnsupported(body));
  STRATA_CHECK_OK(DecodeTools(body, out));
  STRATA_TRY(auto verbosity, DecodeText(body, out));
  STRATA_CHECK_OK(DecodeReasoning(body, out));
  STRATA_CHECK_OK(DecodeInclude(body, out));
  STRATA_CHECK_OK(DecodeSampling(body, out));
  STRATA_CHECK_OK(DecodeCaller(body, out));
  STRATA_CHECK_OK(DecodeAnswerForm(body, out));
  STRATA_CHECK_OK(DecodeInput(body, out));
  STRATA_CHECK_OK(KeepOthers(body, verbosity, out));
  return out;
}

Result<> AddHistory(Request& request, const std::vector<std::string>& item_lists) {
  auto& chat = request.chat;
  chat.messages.clear();
  chat.system.clear();
  AddInstructions(request);
  Turns turns(chat);
  for (const auto& list : item_lists) {
    STRATA_TRY(auto root, ParseJson(list));
    JsonField items(root);
    STRATA_CHECK_OK(turns.AddAll(items));
  }
  JsonField input(request.input);
  STRATA_CHECK_OK(turns.AddAll(input));
  if (!chat.messages.empty()) return {};
  return Fail(InvalidArgument("input", "expected at least one message"));
}

}  // namespace strata::dialect::responses
