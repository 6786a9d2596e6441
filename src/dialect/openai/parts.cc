#include "dialect/openai/parts.h"

#include "base/format_message.h"
#include "dialect/json/media.h"

namespace strata::dialect::openai {

Result<> ReadImageAddress(const JsonField& url, domain::ImageBlock& image) {
  STRATA_TRY(auto address, url.String());
  if (address.starts_with("https://")) {
    image.url = std::move(address);
    return {};
  }
  if (!address.starts_with("data:")) {
    return Fail(url.Wrong("expected an https: address, or data:image/TYPE;base64,BYTES"));
  }
  STRATA_TRY(auto data, DecodeDataUrl(url));
  auto format = ImageFormat(data.media_type);
  if (!format) return Fail(url.Wrong("expected an image of type png, jpeg, gif or webp"));
  image.format = std::move(*format);
  image.bytes = std::move(data.bytes);
  return {};
}

Result<> ReadFileData(const JsonField& field, domain::DocumentBlock& document) {
  STRATA_TRY(auto data, DecodeDataUrl(field));
  auto format = DocumentFormat(data.media_type);
  if (!format) {
    return Fail(field.Wrong(
        FormatMessage("files of type {} are not supported", data.media_type.substr(0, 100))));
  }
  document.format = std::move(*format);
  return SetDocumentBytes(document, std::move(data.bytes), field);
}

Result<domain::Tool> ReadFunction(const JsonField& function) {
  domain::Tool tool;
  auto name = function.Get("name");
  STRATA_TRY(tool.name, name.NonEmptyString());
  if (auto description = function.Get("description"); description.present()) {
    STRATA_TRY(tool.description, description.String());
  }
  if (auto strict = function.Get("strict"); strict.present()) {
    STRATA_TRY(tool.strict, strict.Bool());
  }
  tool.input_schema.text = R"({"type":"object","properties":{}})";
  if (auto parameters = function.Get("parameters"); parameters.present()) {
    STRATA_TRY(tool.input_schema, parameters.ObjectText());
  }
  return tool;
}

Result<domain::ToolUseBlock> ReadCall(const JsonField& id, const JsonField& name,
                                      const JsonField& arguments) {
  domain::ToolUseBlock use;
  STRATA_TRY(use.id, id.NonEmptyString());
  STRATA_TRY(use.name, name.NonEmptyString());
  STRATA_TRY(use.input.text, arguments.String());
  if (use.input.text.empty()) use.input.text = "{}";
  auto parsed = ParseJson(use.input.text);
  if (!parsed || parsed->object() == nullptr) {
    return Fail(arguments.Wrong("expected a string that holds a JSON object"));
  }
  return use;
}

Result<> ReadStreamMembers(const JsonField& body, bool& stream, bool& include_usage) {
  if (auto field = body.Get("stream"); field.present()) {
    STRATA_TRY(stream, field.Bool());
  }
  auto options = body.Get("stream_options");
  if (!options.present()) return {};
  // include_obfuscation asks for padding against traffic analysis; our events never carry it.
  STRATA_CHECK_OK(options.OnlyMembers({"include_usage", "include_obfuscation"}));
  if (auto field = options.Get("include_usage"); field.present()) {
    STRATA_TRY(include_usage, field.Bool());
  }
  return {};
}

}  // namespace strata::dialect::openai
