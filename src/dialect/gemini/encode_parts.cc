// Content blocks → parts.

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/claude.h"
#include "dialect/json/media.h"
#include "dialect/json/signature.h"

namespace strata::dialect::gemini {
namespace {

using domain::ContentBlock;
using domain::DocumentBlock;
using domain::ImageBlock;
using domain::ReasoningBlock;
using domain::TextBlock;
using domain::ToolResultBlock;
using Side = PartOptions::Side;

// From the API's guide on thought signatures, for histories of other models.
constexpr std::string_view kNoSignature = "skip_thought_signature_validator";

// The type that an address ends in; "" when it does not say.
std::string TypeOfAddress(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto dot = url.rfind('.');
  if (dot == url.npos) return {};
  auto ending = std::string(url.substr(dot + 1));
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  if (ending == "jpg") ending = "jpeg";
  auto type = ImageMediaType(ending);
  return type == "application/octet-stream" ? std::string() : type;
}

void WriteInline(JsonWriter& out, std::string_view type, std::string_view bytes) {
  out.Key("inlineData").BeginObject().Field("mimeType", type);
  out.Field("data", Base64Encode(bytes)).EndObject();
}

void WriteFile(JsonWriter& out, std::string_view type, std::string_view url) {
  out.Key("fileData").BeginObject().FieldIfAny("mimeType", type).Field("fileUri", url).EndObject();
}

void WriteImage(JsonWriter& out, const ImageBlock& image) {
  if (!image.detail.empty() && image.detail != "auto") out.Dropped("image detail");
  if (image.url.empty()) {
    WriteInline(out, ImageMediaType(image.format), image.bytes);
    return;
  }
  WriteFile(out, image.format.empty() ? TypeOfAddress(image.url) : ImageMediaType(image.format),
            image.url);
}

Result<> WriteDocument(JsonWriter& out, const DocumentBlock& document) {
  if (document.cite == true) out.Dropped("citations of documents");
  if (!document.url.empty()) {
    WriteFile(out, DocumentMediaType(document.format), document.url);
  } else if (document.bytes.empty()) {
    // Text goes in as text, under its name, which the API's data parts do not show to the model.
    STRATA_TRY(auto text, DocumentText(document));
    out.Field("text", document.name.empty()
                          ? text
                          : fmt::format("Document: {}\n\n{}", document.name, text));
  } else if (document.format == "pdf") {
    WriteInline(out, "application/pdf", document.bytes);
  } else {
    return Fail(
        Code::kInvalidArgument,
        FormatMessage("document '{}': this provider takes no {} documents, only pdf and text",
                      document.name, document.format));
  }
  return {};
}

// One value under "output" or "error", as the API names them; a lone object is the result itself.
Result<> WriteResponse(JsonWriter& out, const ToolResultBlock& result) {
  const auto* object = result.content.size() == 1 && !result.is_error
                           ? std::get_if<JsonText>(&result.content.front())
                           : nullptr;
  if (object != nullptr) {
    auto parsed = ParseJson(object->text);
    if (parsed && parsed->object() != nullptr) {
      out.RawField("response", object->text);
      return {};
    }
  }
  std::string text;
  for (const auto& piece : result.content) {
    std::string more;
    if (const auto* block = std::get_if<TextBlock>(&piece)) more = block->text;
    if (const auto* json = std::get_if<JsonText>(&piece)) more = json->text;
    if (const auto* document = std::get_if<DocumentBlock>(&piece)) {
      if (document->bytes.empty() && document->url.empty()) {
        STRATA_TRY(more, DocumentText(*document));
      }
    }
    if (!text.empty() && !more.empty()) text += '\n';
    text += more;
  }
  out.Key("response").BeginObject().Field(result.is_error ? "error" : "output", text).EndObject();
  return {};
}

Result<> WriteResultParts(JsonWriter& out, const ToolResultBlock& result) {
  bool any = false;
  auto begin = [&] {
    if (!any) out.Key("parts").BeginArray();
    any = true;
    out.BeginObject();
  };
  for (const auto& piece : result.content) {
    const auto* document = std::get_if<DocumentBlock>(&piece);
    if (const auto* image = std::get_if<ImageBlock>(&piece)) {
      begin();
      WriteImage(out, *image);
      out.EndObject();
    } else if (document != nullptr && (!document->bytes.empty() || !document->url.empty())) {
      begin();
      STRATA_CHECK_OK(WriteDocument(out, *document));
      out.EndObject();
    }
  }
  if (any) out.EndArray();
  return {};
}

// Writes the parts of one content. The signature of a reasoning block is held until the part that
// it belongs to comes.
class PartsWriter {
 public:
  PartsWriter(JsonWriter& out, const PartOptions& options) : out_(out), options_(options) {}

  Result<> Write(const std::vector<ContentBlock>& content) {
    for (const auto& block : content) {
      STRATA_CHECK_OK(std::visit([&](const auto& b) { return On(b); }, block));
    }
    // A signature that came last belongs to the text before it; the API has it in an empty part.
    if (!held_.empty()) WriteTextPart(out_, "", std::exchange(held_, {}));
    return {};
  }

 private:
  Result<> On(const TextBlock& text) {
    if (!text.text.empty()) WriteTextPart(out_, text.text, std::exchange(held_, {}));
    return {};
  }
  Result<> On(const ImageBlock& image) {
    out_.BeginObject();
    WriteImage(out_, image);
    out_.EndObject();
    return {};
  }
  Result<> On(const DocumentBlock& document) {
    out_.BeginObject();
    STRATA_CHECK_OK(WriteDocument(out_, document));
    out_.EndObject();
    return {};
  }
  Result<> On(const domain::ToolUseBlock& use) {
    auto signature = std::exchange(held_, {});
    // Of parallel calls only the first is signed.
    if (signature.empty() && options_.mark_unsigned_calls && !signed_call_) {
      signature = kNoSignature;
      out_.Dropped("no signature of gemini for a tool call of another model");
    }
    signed_call_ = true;
    WriteCallPart(out_, use, signature);
    return {};
  }
  Result<> On(const ToolResultBlock& result) {
    std::string name;
    if (options_.names != nullptr) {
      auto at = options_.names->find(result.tool_use_id);
      if (at != options_.names->end()) name = at->second;
    }
    if (name.empty()) {
      return Fail(Code::kInvalidArgument,
                  FormatMessage("the tool result '{}' answers no tool call of the conversation",
                                result.tool_use_id.substr(0, 100)));
    }
    out_.BeginObject().Key("functionResponse").BeginObject();
    out_.Field("id", result.tool_use_id).Field("name", name);
    STRATA_CHECK_OK(WriteResponse(out_, result));
    STRATA_CHECK_OK(WriteResultParts(out_, result));
    out_.EndObject().EndObject();
    return {};
  }
  Result<> On(const ReasoningBlock& reasoning) {
    if (options_.side == Side::kProvider && reasoning.signer != kFamily) {
      out_.Dropped(WhyLeftOut(reasoning));
      return {};
    }
    if (!reasoning.text.empty() && options_.thoughts) WriteThought(out_, reasoning.text);
    auto signature =
        options_.side == Side::kProvider ? reasoning.signature : ClientSignature(reasoning);
    if (signature.empty()) return {};
    if (!held_.empty()) WriteTextPart(out_, "", held_);
    held_ = std::move(signature);
    return {};
  }
  Result<> On(const domain::CachePoint&) {
    out_.Dropped("cache points");
    return {};
  }

  JsonWriter& out_;
  const PartOptions& options_;
  std::string held_;
  bool signed_call_ = false;
};

}  // namespace

void WriteTextPart(JsonWriter& out, std::string_view text, std::string_view signature) {
  out.BeginObject().Field("text", text).FieldIfAny("thoughtSignature", signature).EndObject();
}

void WriteThought(JsonWriter& out, std::string_view text) {
  out.BeginObject().Field("text", text).Field("thought", true).EndObject();
}

void WriteCallPart(JsonWriter& out, const domain::ToolUseBlock& use, std::string_view signature) {
  out.BeginObject().Key("functionCall").BeginObject().FieldIfAny("id", use.id);
  out.Field("name", use.name).RawField("args", ObjectOrWrapped(use.input)).EndObject();
  out.FieldIfAny("thoughtSignature", signature).EndObject();
}

std::string ClientSignature(const ReasoningBlock& reasoning) {
  if (!reasoning.redacted.empty()) {
    const std::string signer = reasoning.signer.empty() ? "unknown" : reasoning.signer;
    return Base64Encode("strata.redacted." + MarkRedacted(reasoning.redacted, signer, kFamily));
  }
  if (reasoning.signature.empty() || reasoning.signer == kFamily) return reasoning.signature;
  const std::string signer = reasoning.signer.empty() ? "unknown" : reasoning.signer;
  return Base64Encode(MarkSignature(reasoning.signature, signer, kFamily));
}

Result<> WriteParts(JsonWriter& out, const std::vector<ContentBlock>& content,
                    const PartOptions& options) {
  return PartsWriter(out, options).Write(content);
}

}  // namespace strata::dialect::gemini
