#include "dialect/responses/turns.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/json/json_writer.h"
#include "dialect/openai/parts.h"
#include "dialect/responses/annotations.h"

namespace strata::dialect::responses {
namespace {

using domain::ContentBlock;
using domain::Role;
using domain::TextBlock;

Result<> RefuseFileId(const JsonField& part) {
  auto id = part.Get("file_id");
  if (!id.present()) return {};
  return Fail(id.Wrong("uploaded images cannot be used here; send the data or an address"));
}

// "The prompt up to and with this part may be cached."
Result<> AddBreakpoint(const JsonField& part, std::vector<ContentBlock>& out) {
  auto point = part.Get("prompt_cache_breakpoint");
  if (!point.present()) return {};
  STRATA_CHECK_OK(point.OnlyMembers({"mode", "ttl"}));
  auto ttl = point.Get("ttl");
  out.emplace_back(domain::CachePoint{.ttl = ttl.Is("12h") ? "1h" : ""});
  return {};
}

Result<> AddText(const JsonField& part, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(part.OnlyMembers({"type", "text", "prompt_cache_breakpoint"}));
  auto field = part.Get("text");
  STRATA_TRY(auto text, field.String());
  out.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
  return {};
}

Result<> AddImage(const JsonField& part, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(RefuseFileId(part));
  STRATA_CHECK_OK(part.OnlyMembers({"type", "image_url", "detail", "prompt_cache_breakpoint"}));
  domain::ImageBlock image;
  if (auto detail = part.Get("detail"); detail.present()) {
    STRATA_TRY(image.detail, detail.OneOf({"auto", "low", "high", "original"}));
    if (image.detail == "original") image.detail = "high";
  }
  auto url = part.Get("image_url");
  STRATA_CHECK_OK(openai::ReadImageAddress(url, image));
  out.emplace_back(std::move(image));
  return {};
}

Result<> AddFile(const JsonField& part, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(part.OnlyMembers({"type", "file_id", "file_data", "file_url", "filename",
                                    "detail", "prompt_cache_breakpoint"}));
  domain::DocumentBlock document;
  if (auto name = part.Get("filename"); name.present()) {
    STRATA_TRY(document.name, name.String());
  }
  auto data = part.Get("file_data");
  auto url = part.Get("file_url");
  auto id = part.Get("file_id");
  if ((data.present() ? 1 : 0) + (url.present() ? 1 : 0) + (id.present() ? 1 : 0) != 1) {
    return Fail(part.Wrong("expected one of file_id, file_data and file_url"));
  }
  if (id.present()) {
    // Its bytes come later: NamedFiles.
    STRATA_TRY(document.source_uri, id.NonEmptyString());
  } else if (data.present()) {
    STRATA_CHECK_OK(openai::ReadFileData(data, document));
  } else {
    STRATA_TRY(document.url, url.String());
    if (!document.url.starts_with("https://")) {
      return Fail(url.Wrong("expected an https: address"));
    }
    document.format = "pdf";
  }
  out.emplace_back(std::move(document));
  return {};
}

// Parts of what a caller says, or of a tool's result.
Result<std::vector<ContentBlock>> InputParts(const JsonField& content) {
  std::vector<ContentBlock> out;
  if (content.present() && content.value().string() != nullptr) {
    out.emplace_back(TextBlock{.text = *content.value().string(), .citations = {}});
    return out;
  }
  if (!content.ExpectArray() || content.size() == 0) {
    return Fail(content.Wrong("expected a string or a list of content parts"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_CHECK_OK(part.ExpectObject());
    auto type = part.Get("type");
    if (type.Is("input_text") || type.Is("text")) {
      STRATA_CHECK_OK(AddText(part, out));
    } else if (type.Is("input_image")) {
      STRATA_CHECK_OK(AddImage(part, out));
    } else if (type.Is("input_file")) {
      STRATA_CHECK_OK(AddFile(part, out));
    } else {
      return Fail(type.Wrong("expected one of input_text, input_image, input_file"));
    }
    STRATA_CHECK_OK(AddBreakpoint(part, out));
  }
  return out;
}

Result<> AddOutputPart(const JsonField& part, std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(part.ExpectObject());
  auto type = part.Get("type");
  if (type.Is("refusal")) {
    STRATA_CHECK_OK(part.OnlyMembers({"type", "refusal"}));
    auto field = part.Get("refusal");
    STRATA_TRY(auto text, field.String());
    out.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
    return {};
  }
  if (!type.Is("output_text") && !type.Is("input_text")) {
    return Fail(type.Wrong("expected output_text or refusal"));
  }
  STRATA_CHECK_OK(part.OnlyMembers({"type", "text", "annotations", "logprobs"}));
  auto field = part.Get("text");
  TextBlock block;
  STRATA_TRY(block.text, field.String());
  auto annotations = part.Get("annotations");
  STRATA_TRY(block.citations, DecodeAnnotations(annotations));
  out.emplace_back(std::move(block));
  return {};
}

// What an assistant said: text and refusals, or a plain string.
Result<> AddOutputParts(const JsonField& content, std::vector<ContentBlock>& out) {
  if (content.present() && content.value().string() != nullptr) {
    out.emplace_back(TextBlock{.text = *content.value().string(), .citations = {}});
    return {};
  }
  if (!content.ExpectArray()) {
    return Fail(content.Wrong("expected a string or a list of content parts"));
  }
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_CHECK_OK(AddOutputPart(part, out));
  }
  return {};
}

bool EndsWithToolResult(const domain::ChatRequest& chat) {
  if (chat.messages.empty() || chat.messages.back().role != Role::kUser) return false;
  const auto& content = chat.messages.back().content;
  return !content.empty() && std::holds_alternative<domain::ToolResultBlock>(content.back());
}

// A user's turn; joins the results of tools that stand right before it.
void AddUserBlocks(domain::ChatRequest& chat, std::vector<ContentBlock> blocks) {
  if (!EndsWithToolResult(chat)) chat.messages.push_back({.role = Role::kUser, .content = {}});
  auto& content = chat.messages.back().content;
  for (auto& block : blocks) content.push_back(std::move(block));
}

// Texts of a list of {type, text}, with blank lines between them.
Result<std::string> JoinedTexts(const JsonField& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto part = list.Item(i);
    STRATA_CHECK_OK(part.ExpectObject());
    auto field = part.Get("text");
    STRATA_TRY(auto text, field.String());
    if (!out.empty()) out += "\n\n";
    out += text;
  }
  return out;
}

}  // namespace

std::string SealReasoning(const domain::ReasoningBlock& block) {
  JsonWriter out;
  out.BeginObject().FieldIfAny("text", block.text).FieldIfAny("signature", block.signature);
  if (!block.redacted.empty()) out.Field("redacted", Base64Encode(block.redacted));
  out.FieldIfAny("signer", block.signer);
  return std::string(kSeal) + Base64Encode(out.EndObject().text());
}

bool OpenReasoning(std::string_view sealed, domain::ReasoningBlock& block) {
  if (!sealed.starts_with(kSeal)) return false;
  auto text = Base64Decode(sealed.substr(kSeal.size()));
  if (!text) return false;
  auto root = ParseJson(*text);
  if (!root || root->object() == nullptr) return false;
  JsonField object(*root);
  block.text = object.TextAt("text");
  block.signature = object.TextAt("signature");
  block.redacted = Base64Decode(object.TextAt("redacted")).value_or("");
  block.signer = object.TextAt("signer");
  return true;
}

domain::Message& Turns::Assistant() {
  auto& messages = chat_.messages;
  if (messages.empty() || messages.back().role != Role::kAssistant) {
    messages.push_back({.role = Role::kAssistant, .content = {}});
  }
  return messages.back();
}

Result<> Turns::AddMessage(const JsonField& item) {
  STRATA_CHECK_OK(item.OnlyMembers({"type", "role", "content", "id", "status", "phase"}));
  auto role = item.Get("role");
  auto content = item.Get("content");
  if (role.Is("assistant")) return AddOutputParts(content, Assistant().content);
  if (role.Is("user")) {
    STRATA_TRY(auto blocks, InputParts(content));
    AddUserBlocks(chat_, std::move(blocks));
    return {};
  }
  if (!role.Is("system") && !role.Is("developer")) {
    return Fail(role.Wrong("expected one of user, assistant, system, developer"));
  }
  STRATA_TRY(auto blocks, InputParts(content));
  for (auto& block : blocks) {
    if (std::holds_alternative<domain::ImageBlock>(block) ||
        std::holds_alternative<domain::DocumentBlock>(block)) {
      return Fail(content.Wrong("instructions may hold only text"));
    }
    chat_.system.push_back(std::move(block));
  }
  return {};
}

Result<> Turns::AddCall(const JsonField& item) {
  STRATA_CHECK_OK(
      item.OnlyMembers({"type", "id", "call_id", "name", "arguments", "status", "caller"}));
  STRATA_TRY(auto use,
             openai::ReadCall(item.Get("call_id"), item.Get("name"), item.Get("arguments")));
  Assistant().content.emplace_back(std::move(use));
  return {};
}

Result<> Turns::AddCallOutput(const JsonField& item) {
  STRATA_CHECK_OK(item.OnlyMembers({"type", "id", "call_id", "output", "status", "caller"}));
  domain::ToolResultBlock result;
  auto id = item.Get("call_id");
  auto output = item.Get("output");
  STRATA_TRY(result.tool_use_id, id.NonEmptyString());
  STRATA_TRY(auto blocks, InputParts(output));
  for (auto& block : blocks) {
    if (auto* text = std::get_if<TextBlock>(&block)) result.content.emplace_back(std::move(*text));
    if (auto* image = std::get_if<domain::ImageBlock>(&block)) {
      result.content.emplace_back(std::move(*image));
    }
    if (auto* document = std::get_if<domain::DocumentBlock>(&block)) {
      result.content.emplace_back(std::move(*document));
    }
  }
  std::vector<ContentBlock> turn;
  turn.emplace_back(std::move(result));
  AddUserBlocks(chat_, std::move(turn));
  return {};
}

Result<> Turns::AddReasoning(const JsonField& item) {
  STRATA_CHECK_OK(
      item.OnlyMembers({"type", "id", "summary", "content", "encrypted_content", "status"}));
  domain::ReasoningBlock block;
  auto summary = item.Get("summary");
  auto content = item.Get("content");
  STRATA_TRY(block.text, JoinedTexts(summary));
  if (block.text.empty()) {
    STRATA_TRY(block.text, JoinedTexts(content));
  }
  if (auto sealed = item.Get("encrypted_content"); sealed.present()) {
    STRATA_TRY(auto text, sealed.String());
    OpenReasoning(text, block);  // of another server: only its summary is of use here
  }
  if (block.text.empty() && block.signature.empty() && block.redacted.empty()) return {};
  Assistant().content.emplace_back(std::move(block));
  return {};
}

Result<> Turns::Add(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  auto type = item.Get("type");
  if (!type.present() || type.Is("message")) return AddMessage(item);
  if (type.Is("function_call")) return AddCall(item);
  if (type.Is("function_call_output")) return AddCallOutput(item);
  if (type.Is("reasoning")) return AddReasoning(item);
  // What was found for an earlier question is not shown again: each is searched for anew.
  if (type.Is("file_search_call")) return {};
  STRATA_TRY(auto name, type.String());
  if (name == "item_reference") {
    return Fail(type.Wrong(
        "references to items are not served; send the item itself, or previous_response_id"));
  }
  return Fail(type.Wrong(
      FormatMessage("items of type {} are not served; expected one of message, function_call, "
                    "function_call_output, file_search_call, reasoning",
                    name.substr(0, 100))));
}

std::vector<std::size_t> Turns::AddKnown(const JsonField& items) {
  std::vector<std::size_t> skipped;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto item = items.Item(i);
    if (Add(item).has_value()) continue;
    AddTextOf(item);
    skipped.push_back(i);
  }
  return skipped;
}

void Turns::AddTextOf(const JsonField& item) {
  auto content = item.Get("content");
  std::vector<ContentBlock> blocks;
  auto add = [&](std::string text) {
    if (!text.empty()) blocks.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
  };
  add(item.TextAt("content"));
  for (std::size_t i = 0; i < content.size(); ++i) add(content.Item(i).TextAt("text"));
  if (blocks.empty()) return;
  const auto role = item.TextAt("role");
  if (role == "user") return AddUserBlocks(chat_, std::move(blocks));
  const bool instructs = role == "system" || role == "developer";
  auto& out = instructs ? chat_.system : Assistant().content;
  std::ranges::move(blocks, std::back_inserter(out));
}

Result<> Turns::AddAll(const JsonField& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto item = items.Item(i);
    STRATA_CHECK_OK(Add(item));
  }
  return {};
}

}  // namespace strata::dialect::responses
