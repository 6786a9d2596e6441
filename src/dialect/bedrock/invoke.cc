// InvokeModel: which vendor's body it is, and answers in one piece.

#include <algorithm>
#include <array>

#include "base/check.h"
#include "dialect/anthropic.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/answer_members.h"
#include "dialect/bedrock/embed_format.h"
#include "dialect/bedrock/invoke_format.h"
#include "dialect/bedrock/prompt_format.h"
#include "dialect/bedrock_prompt.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"

namespace strata::dialect::bedrock {
namespace {

struct Vendor {
  std::string_view prefix;
  InvokeFormat format;
};

// Bodies of the vendors on Bedrock; the longer prefix first. A vendor whose body we do not know is
// named as well: its members may look like another's.
constexpr std::array<Vendor, 22> kVendors = {{
    {"anthropic.", InvokeFormat::kAnthropic},
    {"openai.", InvokeFormat::kOpenAi},
    {"meta.", InvokeFormat::kMeta},
    {"mistral.", InvokeFormat::kMistral},
    {"amazon.titan-embed", InvokeFormat::kTitanEmbed},
    {"amazon.", InvokeFormat::kOther},
    {"cohere.embed", InvokeFormat::kCohereEmbed},
    {"cohere.", InvokeFormat::kOther},
    {"deepseek.r1", InvokeFormat::kOther},
    {"deepseek.", InvokeFormat::kOpenAi},
    {"ai21.", InvokeFormat::kOpenAi},
    {"google.", InvokeFormat::kOpenAi},
    {"minimax.", InvokeFormat::kOpenAi},
    {"moonshot.", InvokeFormat::kOpenAi},
    {"moonshotai.", InvokeFormat::kOpenAi},
    {"nvidia.", InvokeFormat::kOpenAi},
    {"qwen.", InvokeFormat::kOpenAi},
    {"writer.", InvokeFormat::kOpenAi},
    {"zai.", InvokeFormat::kOpenAi},
    {"luma.", InvokeFormat::kOther},
    {"stability.", InvokeFormat::kOther},
    {"twelvelabs.", InvokeFormat::kOther},
}};

const Vendor* VendorOf(std::string_view id) {
  // A provider stands in front, and an ARN ends in "…/ID"; cross-region profiles put "us.", "eu.",
  // "global." in front.
  id = id.substr(id.rfind('/') + 1);
  const auto dot = id.find('.');
  for (auto name : {id, dot == id.npos ? id : id.substr(dot + 1)}) {
    auto at = std::ranges::find_if(
        kVendors, [&](const Vendor& vendor) { return name.starts_with(vendor.prefix); });
    if (at != kVendors.end()) return &*at;
  }
  return nullptr;
}

std::optional<InvokeFormat> FormatOfShape(const std::function<bool(std::string_view member)>& has) {
  struct Mark {
    std::string_view member;
    InvokeFormat format;
  };
  constexpr std::array<Mark, 6> kMarks = {{
      {"anthropic_version", InvokeFormat::kAnthropic},
      {"inputText", InvokeFormat::kTitanEmbed},
      {"texts", InvokeFormat::kCohereEmbed},
      {"messages", InvokeFormat::kOpenAi},
      {"max_gen_len", InvokeFormat::kMeta},
      {"prompt", InvokeFormat::kMistral},
  }};
  for (const auto& mark : kMarks) {
    if (has(mark.member)) return mark.format;
  }
  return std::nullopt;
}

Result<domain::ChatRequest> DecodeOpenAi(std::string_view model_id, JsonValue root) {
  // The model stands in the path; a body may repeat it, or leave it out.
  auto& members = std::get<JsonValue::Object>(root.data);
  auto at = std::ranges::find(members, "model", &JsonMember::key);
  if (at == members.end()) at = members.insert(at, JsonMember{"model", JsonValue()});
  at->value = JsonValue(std::string(model_id.empty() ? std::string_view("model") : model_id));
  STRATA_TRY(auto request, openai::DecodeChatRequest(root.Dump()));
  request.chat.model.clear();
  return std::move(request.chat);
}

}  // namespace

std::optional<InvokeFormat> FormatOf(std::string_view model_id,
                                     const std::function<bool(std::string_view member)>& has) {
  const auto* vendor = VendorOf(model_id);
  if (vendor == nullptr) return FormatOfShape(has);
  const auto format = vendor->format;
  const bool prompts = format == InvokeFormat::kMeta || format == InvokeFormat::kMistral;
  // Newer models of these two take messages as OpenAI writes them.
  if (prompts && has("messages")) return InvokeFormat::kOpenAi;
  // The one that embeds images takes a text alone as the others do.
  const bool image = has("inputImage") || has("embeddingConfig");
  if (format == InvokeFormat::kTitanEmbed && image) return InvokeFormat::kOther;
  // These vendors have models of other kinds too, and write no text but in messages.
  const bool messages = format == InvokeFormat::kOpenAi && vendor->prefix != "openai.";
  return messages && !has("messages") ? InvokeFormat::kOther : format;
}

Result<domain::ChatRequest> DecodeInvokeChat(InvokeFormat format, std::string_view model_id,
                                             std::string_view text, const JsonValue& root) {
  JsonField body(root);
  switch (format) {
    case InvokeFormat::kAnthropic:
      return anthropic::DecodeChatRequest(text, anthropic::Form::kBedrock);
    case InvokeFormat::kMeta:
      return DecodeMeta(body);
    case InvokeFormat::kMistral:
      return DecodeMistral(body);
    default:
      return DecodeOpenAi(model_id, root);
  }
}

Error UnknownFormat() {
  return InvalidArgument(
      "",
      "InvokeModel bodies of this model are known to its vendor only: they are forwarded to "
      "Bedrock itself where no guardrail has to read them. Use Converse, or a model whose body "
      "is known here (one with anthropic_version, messages, prompt, inputText or texts)");
}

Result<InvokeRequest> DecodeInvoke(std::string_view model_id, std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  auto format =
      FormatOf(model_id, [&](std::string_view member) { return body.Get(member).present(); });
  if (!format || *format == InvokeFormat::kOther) return Fail(UnknownFormat());
  if (*format == InvokeFormat::kTitanEmbed) return DecodeTitan(body);
  if (*format == InvokeFormat::kCohereEmbed) return DecodeCohere(body);
  STRATA_TRY(auto chat, DecodeInvokeChat(*format, model_id, text, root));
  return InvokeRequest{.format = *format, .call = std::move(chat), .embedding_types = {}};
}

Result<std::optional<InvokeRequest>> DecodeInvokeOfPrompt(std::string_view prompt_model,
                                                          std::string_view body) {
  constexpr std::string_view kVariables = "promptVariables";
  STRATA_TRY(auto root, ParseJson(body));
  JsonField top(root);
  STRATA_CHECK_OK(top.ExpectObject());
  if (!top.OnlyMembers({kVariables, "anthropic_version"}).has_value()) return std::nullopt;
  domain::ChatRequest chat;
  auto variables = top.Get(kVariables);
  if (variables.present()) {
    STRATA_CHECK_OK(variables.ExpectObject());
    JsonValue::Object members;
    members.push_back({std::string(kVariables), variables.value()});
    chat.extra.text = JsonValue(JsonValue::Data(std::move(members))).Dump();
    chat.extra_dialect = "bedrock";
  }
  auto format = FormatOf(prompt_model, [](std::string_view) { return false; });
  const bool chats = format && *format != InvokeFormat::kTitanEmbed &&
                     *format != InvokeFormat::kCohereEmbed && *format != InvokeFormat::kOther;
  return InvokeRequest{.format = chats ? *format : InvokeFormat::kOpenAi,
                       .call = std::move(chat),
                       .embedding_types = {}};
}

std::string WithMember(std::string json, std::string_view key, std::string_view value) {
  json.pop_back();
  JsonWriter name;
  json += "," + name.Value(key).Take() + ":";
  json += value;
  json += '}';
  return json;
}

std::string WithGuardrailMembers(std::string json, const GuardrailNotes& guardrail) {
  if (!guardrail) return json;
  const auto told = guardrail();
  JsonWriter action;
  json = WithMember(std::move(json), "amazon-bedrock-guardrailAction",
                    action.Value(told.action).text());
  if (told.trace.empty()) return json;
  return WithMember(std::move(json), "amazon-bedrock-trace", told.trace);
}

std::string EncodeInvokeChatResponse(InvokeFormat format, const domain::ChatResponse& response,
                                     const AnswerMeta& meta, const GuardrailNotes& guardrail) {
  switch (format) {
    case InvokeFormat::kAnthropic:
      return WithGuardrailMembers(anthropic::EncodeChatResponse(response, meta), guardrail);
    case InvokeFormat::kOpenAi:
      return WithGuardrailMembers(openai::EncodeChatResponse(response, meta), guardrail);
    case InvokeFormat::kMeta:
    case InvokeFormat::kMistral:
      break;
    case InvokeFormat::kTitanEmbed:
    case InvokeFormat::kCohereEmbed:
    case InvokeFormat::kOther:
      STRATA_CHECK(false, "only answers in a chat format that we know are written");
  }
  auto answer = EncodePromptAnswer(format,
                                   {.text = domain::TextOf(response.content),
                                    .stop = response.stop_reason,
                                    .usage = response.usage},
                                   meta, {});
  return WithGuardrailMembers(std::move(answer), guardrail);
}

}  // namespace strata::dialect::bedrock
