// Parts → content blocks.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/media.h"
#include "dialect/json/signature.h"

namespace strata::dialect::gemini {
namespace {

using domain::ContentBlock;
using domain::ReasoningBlock;
using domain::TextBlock;

constexpr std::size_t kPrefixBytesMax = 24;

// What a part may hold that the domain has no word for.
constexpr std::array<std::string_view, 5> kUnsupported = {
    "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription"};

// Base64 of the standard or the URL alphabet, as protocol buffers read it.
Result<std::string> Bytes(const JsonField& field) {
  STRATA_TRY(auto text, field.String());
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  auto bytes = Base64Decode(text);
  if (!bytes) return Fail(field.Wrong("expected a string of base64"));
  return std::move(*bytes);
}

Result<ContentBlock> MediaBlock(const JsonField& type_field, std::string name) {
  STRATA_TRY(auto type, type_field.NonEmptyString());
  if (auto image = ImageFormat(type)) {
    return domain::ImageBlock{.format = std::move(*image), .bytes = {}, .url = {}};
  }
  if (auto format = DocumentFormat(type)) {
    domain::DocumentBlock document;
    document.format = std::move(*format);
    document.name = std::move(name);
    return document;
  }
  return Fail(type_field.Wrong("only images (png, jpeg, gif, webp) and documents are supported"));
}

Result<ContentBlock> DecodeInline(const JsonField& data) {
  STRATA_CHECK_OK(data.OnlyMembers({"mimeType", "data", "displayName"}));
  auto type = data.Get("mimeType");
  STRATA_TRY(auto block, MediaBlock(type, data.TextAt("displayName")));
  auto bytes_field = data.Get("data");
  STRATA_TRY(auto bytes, Bytes(bytes_field));
  if (auto* image = std::get_if<domain::ImageBlock>(&block)) {
    image->bytes = std::move(bytes);
  } else {
    auto& document = std::get<domain::DocumentBlock>(block);
    STRATA_CHECK_OK(SetDocumentBytes(document, std::move(bytes), bytes_field));
  }
  return block;
}

Result<ContentBlock> DecodeFile(const JsonField& file) {
  STRATA_CHECK_OK(file.OnlyMembers({"mimeType", "fileUri", "displayName"}));
  auto uri = file.Get("fileUri");
  STRATA_TRY(auto address, uri.NonEmptyString());
  if (!address.starts_with("https://") && !address.starts_with("gs://")) {
    return Fail(uri.Wrong("expected an https: or gs: address"));
  }
  auto type = file.Get("mimeType");
  if (!type.present()) {
    return domain::ImageBlock{.format = {}, .bytes = {}, .url = std::move(address)};
  }
  STRATA_TRY(auto block, MediaBlock(type, file.TextAt("displayName")));
  if (auto* image = std::get_if<domain::ImageBlock>(&block)) {
    image->url = std::move(address);
  } else {
    std::get<domain::DocumentBlock>(block).url = std::move(address);
  }
  return block;
}

Result<domain::ToolUseBlock> DecodeCall(const JsonField& call, CallIds& ids) {
  STRATA_CHECK_OK(call.OnlyMembers({"id", "name", "args", "partialArgs", "willContinue"}));
  auto partial = call.Get("partialArgs");
  if (partial.size() > 0) return Fail(partial.Wrong("arguments in parts are not supported"));
  domain::ToolUseBlock use;
  auto name = call.Get("name");
  STRATA_TRY(use.name, name.NonEmptyString());
  use.id = ids.Called(call.TextAt("id"), use.name);
  use.input.text = "{}";
  if (auto args = call.Get("args"); args.present()) {
    STRATA_TRY(use.input, args.ObjectText());
  }
  return use;
}

// "output" and "error" are the API's own words for a result that is one value.
void ReadResponse(const JsonField& response, domain::ToolResultBlock& out) {
  for (auto key : {"output", "error"}) {
    auto value = response.Get(key);
    if (!value.present() || response.size() != 1) continue;
    out.is_error = key == std::string_view("error");
    if (const auto* text = value.value().string()) {
      out.content.emplace_back(TextBlock{.text = *text, .citations = {}});
    } else {
      out.content.emplace_back(JsonText{value.value().Dump()});
    }
    return;
  }
  if (response.size() > 0) out.content.emplace_back(JsonText{response.value().Dump()});
}

Result<domain::ToolResultBlock> DecodeResult(const JsonField& result, CallIds& ids) {
  STRATA_CHECK_OK(
      result.OnlyMembers({"id", "name", "response", "parts", "willContinue", "scheduling"}));
  domain::ToolResultBlock out;
  auto name_field = result.Get("name");
  STRATA_TRY(auto name, name_field.NonEmptyString());
  out.tool_use_id = ids.Answered(result.TextAt("id"), name);
  if (out.tool_use_id.empty()) {
    return Fail(name_field.Wrong("no functionCall of this name is without a response"));
  }
  if (auto response = result.Get("response"); response.present()) {
    STRATA_CHECK_OK(response.ExpectObject());
    ReadResponse(response, out);
  }
  auto parts = result.Get("parts");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    STRATA_CHECK_OK(part.OnlyMembers({"inlineData", "fileData"}));
    auto data = part.Get("inlineData");
    auto file = part.Get("fileData");
    STRATA_TRY(auto block, data.present() ? DecodeInline(data) : DecodeFile(file));
    if (auto* image = std::get_if<domain::ImageBlock>(&block)) {
      out.content.emplace_back(std::move(*image));
    } else {
      out.content.emplace_back(std::move(std::get<domain::DocumentBlock>(block)));
    }
  }
  return out;
}

Result<> DecodeText(const JsonField& part, std::vector<ContentBlock>& out) {
  auto text_field = part.Get("text");
  STRATA_TRY(auto text, text_field.String());
  auto thought = part.Get("thought");
  bool is_thought = false;
  if (thought.present()) {
    STRATA_TRY(is_thought, thought.Bool());
  }
  if (is_thought) {
    // Whose it is shows only in a signature, which may come with the next part.
    out.emplace_back(ReasoningBlock{.text = std::move(text), .signature = {}, .redacted = {}});
  } else if (!text.empty()) {
    out.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
  }
  return {};
}

Result<> DecodeData(const JsonField& part, PartUse use, CallIds& ids,
                    std::vector<ContentBlock>& out) {
  if (part.Get("text").present()) return DecodeText(part, out);
  auto add = [&](auto block) -> Result<> {
    if (!block) return Fail(std::move(block.error()));
    out.emplace_back(std::move(*block));
    return {};
  };
  if (auto call = part.Get("functionCall"); call.present()) return add(DecodeCall(call, ids));
  if (auto data = part.Get("inlineData"); data.present() && use == PartUse::kRequest) {
    return add(DecodeInline(data));
  }
  if (auto file = part.Get("fileData"); file.present() && use == PartUse::kRequest) {
    return add(DecodeFile(file));
  }
  if (auto result = part.Get("functionResponse"); result.present() && use == PartUse::kRequest) {
    return add(DecodeResult(result, ids));
  }
  if (use == PartUse::kAnswer || part.Get("thoughtSignature").present()) return {};
  return Fail(
      part.Wrong("expected one of text, inlineData, fileData, functionCall, functionResponse"));
}

}  // namespace

std::string CallIds::Called(std::string id, const std::string& name) {
  if (id.empty()) id = fmt::format("{}_{}", prefix_, calls_.size());
  by_name_[name].push_back(calls_.size());
  by_id_[id].push_back(calls_.size());
  calls_.push_back({.id = id});
  return id;
}

std::string CallIds::Answered(std::string id, const std::string& name) {
  auto& index = id.empty() ? by_name_ : by_id_;
  auto at = index.find(id.empty() ? name : id);
  if (at == index.end()) return id;
  auto& places = at->second;
  while (!places.empty() && calls_[places.front()].answered) places.pop_front();
  if (places.empty()) return id;
  auto& call = calls_[places.front()];
  places.pop_front();
  call.answered = true;
  return call.id;
}

std::string CallPrefix(std::string_view response_id) {
  std::string out = "call";
  if (response_id.empty()) return out;
  out += '_';
  for (char c : response_id.substr(0, kPrefixBytesMax)) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out += word || c == '-' ? c : '_';
  }
  return out;
}

void AddSignature(std::string signature, std::vector<ContentBlock>& out) {
  ReasoningBlock block{.text = {}, .signature = {}, .redacted = {}};
  auto bytes = Base64Decode(signature);
  // Signatures of other families went through the client as base64 of their marked form.
  if (bytes && bytes->starts_with("strata.redacted.")) {
    ReadRedacted(std::string_view(*bytes).substr(16), kFamily, block);
  } else if (bytes && bytes->starts_with("strata.")) {
    ReadSignature(*bytes, kFamily, block);
  } else {
    ReadSignature(signature, kFamily, block);
  }
  auto* before = out.empty() ? nullptr : std::get_if<ReasoningBlock>(&out.back());
  if (before != nullptr && before->signature.empty() && before->redacted.empty() &&
      block.redacted.empty()) {
    before->signature = std::move(block.signature);
    before->signer = std::move(block.signer);
  } else {
    out.emplace_back(std::move(block));
  }
}

Result<> DecodePart(const JsonField& part, PartUse use, CallIds& ids,
                    std::vector<ContentBlock>& out) {
  STRATA_CHECK_OK(part.ExpectObject());
  if (use == PartUse::kRequest) {
    for (auto key : kUnsupported) {
      auto field = part.Get(key);
      if (field.present()) return Fail(field.Wrong("tools that run at Google are not supported"));
    }
    STRATA_CHECK_OK(
        part.OnlyMembers({"text", "thought", "thoughtSignature", "inlineData", "fileData",
                          "functionCall", "functionResponse", "partMetadata"}));
  }
  auto signature_field = part.Get("thoughtSignature");
  if (!signature_field.present()) return DecodeData(part, use, ids, out);
  STRATA_TRY(auto signature, signature_field.String());
  // The domain has the signature of a part before it, and that of a thought with it.
  std::vector<ContentBlock> own;
  STRATA_CHECK_OK(DecodeData(part, use, ids, own));
  const bool thought = !own.empty() && std::holds_alternative<ReasoningBlock>(own.front());
  if (thought) {
    AddSignature(std::move(signature), own);
  } else {
    AddSignature(std::move(signature), out);
  }
  for (auto& block : own) out.push_back(std::move(block));
  return {};
}

}  // namespace strata::dialect::gemini
