#include "dialect/moderation.h"
#include "base/format_message.h"

#include <fmt/format.h>

#include "dialect/json/json_writer.h"
#include "dialect/json/media.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"
#include "dialect/json_value.h"
#include "dialect/openai/parts.h"

namespace strata::dialect::moderation {
namespace {

constexpr std::size_t kInputsMax = 1024;

domain::TextBlock Text(std::string text) { return {.text = std::move(text), .citations = {}}; }

Result<> DecodePart(const JsonField& part, domain::ModerationRequest& out) {
  auto type = part.Get("type");
  if (type.Is("text")) {
    auto field = part.Get("text");
    STRATA_TRY(auto text, field.String());
    out.inputs.emplace_back(Text(std::move(text)));
    return {};
  }
  if (!type.Is("image_url")) return Fail(type.Wrong("expected text or image_url"));
  auto image_url = part.Get("image_url");
  STRATA_CHECK_OK(image_url.OnlyMembers({"url", "detail"}));
  auto url = image_url.Get("url");
  domain::ImageBlock image;
  STRATA_CHECK_OK(openai::ReadImageAddress(url, image));
  out.inputs.emplace_back(std::move(image));
  return {};
}

Result<> DecodeInput(const JsonField& input, domain::ModerationRequest& out) {
  if (input.present() && input.value().string() != nullptr) {
    out.inputs.emplace_back(Text(*input.value().string()));
    return {};
  }
  if (!input.ExpectArray() || input.size() == 0 || input.size() > kInputsMax) {
    return Fail(input.Wrong(
        FormatMessage("expected a string, or a list of 1 to {} strings or parts", kInputsMax)));
  }
  auto first = input.Item(0);
  out.parts = first.present() && first.value().object() != nullptr;
  for (std::size_t i = 0; i < input.size(); ++i) {
    auto item = input.Item(i);
    if (out.parts) {
      STRATA_CHECK_OK(item.ExpectObject());
      STRATA_CHECK_OK(DecodePart(item, out));
    } else {
      STRATA_TRY(auto text, item.String());
      out.inputs.emplace_back(Text(std::move(text)));
    }
  }
  return {};
}

Result<domain::ModerationResult> DecodeResult(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  domain::ModerationResult out;
  auto categories = item.Get("categories");
  auto scores = item.Get("category_scores");
  auto applied = item.Get("category_applied_input_types");
  STRATA_CHECK_OK(categories.ExpectObject());
  for (std::size_t i = 0; i < categories.size(); ++i) {
    const std::string name(categories.MemberName(i));
    auto field = categories.Member(i);
    auto& category = out.categories[name];
    category.flagged = field.Bool().value_or(false);  // null: not judged
    out.flagged = out.flagged || category.flagged;
    auto score = scores.Get(name);
    category.score = score.Double(0, 1).value_or(0);
    auto types = applied.Get(name);
    for (std::size_t j = 0; j < types.size(); ++j) {
      auto type = types.Item(j);
      STRATA_TRY(auto kind, type.String());
      category.applied_to.push_back(std::move(kind));
    }
  }
  // Mistral's has no flag of its own.
  if (auto flagged = item.Get("flagged"); flagged.present()) {
    STRATA_TRY(out.flagged, flagged.Bool());
  }
  return out;
}

Result<domain::Moderation> Decode(std::string_view body) {
  STRATA_TRY(auto root, ParseJson(body));
  JsonField object(root);
  STRATA_CHECK_OK(object.ExpectObject());
  domain::Moderation out;
  out.model = object.TextAt("model");
  auto results = object.Get("results");
  STRATA_CHECK_OK(results.ExpectArray());
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto item = results.Item(i);
    STRATA_TRY(auto result, DecodeResult(item));
    out.results.push_back(std::move(result));
  }
  return out;
}

void WriteResult(JsonWriter& out, const domain::ModerationResult& result) {
  out.BeginObject().Field("flagged", result.flagged).Key("categories").BeginObject();
  for (const auto& [name, category] : result.categories) out.Field(name, category.flagged);
  out.EndObject().Key("category_scores").BeginObject();
  for (const auto& [name, category] : result.categories) out.Field(name, category.score);
  out.EndObject().Key("category_applied_input_types").BeginObject();
  for (const auto& [name, category] : result.categories) {
    out.Key(name).BeginArray();
    for (const auto& type : category.applied_to) out.Value(type);
    out.EndArray();
  }
  out.EndObject().EndObject();
}

}  // namespace

Result<Request> DecodeRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  STRATA_CHECK_OK(body.OnlyMembers({"input", "model"}));
  Request out;
  if (auto model = body.Get("model"); model.present()) {
    STRATA_TRY(out.model, model.NonEmptyString());
  }
  auto input = body.Get("input");
  STRATA_CHECK_OK(DecodeInput(input, out.moderation));
  return out;
}

std::string EncodeResponse(const domain::Moderation& answer, const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("id", fmt::format("modr-{}", meta.request_id));
  out.Field("model", answer.model.empty() ? meta.model : answer.model);
  out.Key("results").BeginArray();
  for (const auto& result : answer.results) WriteResult(out, result);
  out.EndArray();
  WriteStrataMember(out, meta);
  return out.EndObject().Take();
}

std::string EncodeProviderRequest(const domain::ModerationRequest& request,
                                  std::string_view model) {
  JsonWriter out;
  out.BeginObject().Field("model", model).Key("input").BeginArray();
  for (const auto& input : request.inputs) {
    const auto* text = std::get_if<domain::TextBlock>(&input);
    if (!request.parts && text != nullptr) {
      out.Value(text->text);
    } else if (text != nullptr) {
      out.BeginObject().Field("type", "text").Field("text", text->text).EndObject();
    } else {
      const auto& image = std::get<domain::ImageBlock>(input);
      out.BeginObject().Field("type", "image_url").Key("image_url").BeginObject();
      out.Field("url", image.url.empty() ? EncodeDataUrl(ImageMediaType(image.format), image.bytes)
                                         : image.url);
      out.EndObject().EndObject();
    }
  }
  return out.EndArray().EndObject().Take();
}

Result<domain::Moderation> DecodeProviderResponse(std::string_view body) {
  auto answer = Decode(body);
  if (!answer) return Fail(AsUpstreamFault(std::move(answer.error())));
  return answer;
}

}  // namespace strata::dialect::moderation
