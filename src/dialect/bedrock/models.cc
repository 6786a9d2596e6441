// ListFoundationModels and GetFoundationModel.

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/bedrock.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::bedrock {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

std::string_view OutputModality(const domain::ModelInfo& model) {
  return model.can.embed && !model.can.chat ? "EMBEDDING" : "TEXT";
}

bool Matches(const domain::ModelInfo& model, const ModelFilter& filter) {
  // Nothing here can be customised, and everything is billed on demand.
  if (!filter.customization_type.empty()) return false;
  if (!filter.inference_type.empty() && filter.inference_type != "ON_DEMAND") return false;
  if (!filter.output_modality.empty() && filter.output_modality != OutputModality(model)) {
    return false;
  }
  return filter.provider.empty() || Lower(filter.provider) == Lower(model.provider);
}

// The members that summary and details share.
void WriteModel(JsonWriter& out, const domain::ModelInfo& model, std::string_view region) {
  out.BeginObject();
  out.Field("modelArn", fmt::format("arn:aws:bedrock:{}::foundation-model/{}", region, model.id));
  out.Field("modelId", model.id);
  out.Field("modelName", model.display_name.empty() ? model.id : model.display_name);
  out.FieldIfAny("providerName", model.provider).Key("inputModalities").BeginArray().Value("TEXT");
  if (model.can.images) out.Value("IMAGE");
  out.EndArray().Key("outputModalities").BeginArray().Value(OutputModality(model)).EndArray();
  out.Field("responseStreamingSupported", model.can.chat && model.can.streaming);
  out.Key("customizationsSupported").BeginArray().EndArray();
  out.Key("inferenceTypesSupported").BeginArray().Value("ON_DEMAND").EndArray();
  out.Key("modelLifecycle").BeginObject().Field("status", "ACTIVE").EndObject().EndObject();
}

// Query strings write blanks as '+'.
Result<std::string> DecodeValue(std::string_view name, std::string_view value) {
  std::string text(value);
  std::ranges::replace(text, '+', ' ');
  auto decoded = PercentDecode(text);
  if (!decoded) return Fail(InvalidArgument(std::string(name), "its percent-encoding is broken"));
  return std::move(*decoded);
}

Result<> CheckWord(std::string_view name, const std::string& value,
                   std::initializer_list<std::string_view> allowed) {
  if (value.empty() || std::ranges::find(allowed, value) != allowed.end()) return {};
  return Fail(InvalidArgument(
      std::string(name),
      FormatMessage("expected one of {}", Own(fmt::format("{}", fmt::join(allowed, ", "))))));
}

}  // namespace

Result<ModelFilter> DecodeModelFilter(std::string_view query) {
  ModelFilter out;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = pair.substr(0, equals);
    STRATA_TRY(auto value, DecodeValue(name, pair.substr(std::min(equals + 1, pair.size()))));
    if (name == "byProvider") out.provider = std::move(value);
    if (name == "byOutputModality") out.output_modality = std::move(value);
    if (name == "byInferenceType") out.inference_type = std::move(value);
    if (name == "byCustomizationType") out.customization_type = std::move(value);
  }
  STRATA_CHECK_OK(
      CheckWord("byOutputModality", out.output_modality, {"TEXT", "IMAGE", "EMBEDDING"}));
  STRATA_CHECK_OK(CheckWord("byInferenceType", out.inference_type, {"ON_DEMAND", "PROVISIONED"}));
  STRATA_CHECK_OK(CheckWord("byCustomizationType", out.customization_type,
                            {"FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"}));
  return out;
}

std::string EncodeModelList(const std::vector<domain::ModelInfo>& models, const ModelFilter& filter,
                            std::string_view region) {
  JsonWriter out;
  out.BeginObject().Key("modelSummaries").BeginArray();
  for (const auto& model : models) {
    if (Matches(model, filter)) WriteModel(out, model, region);
  }
  return out.EndArray().EndObject().Take();
}

std::string EncodeModel(const domain::ModelInfo& model, std::string_view region) {
  JsonWriter out;
  out.BeginObject().Key("modelDetails");
  WriteModel(out, model, region);
  return out.EndObject().Take();
}

Result<std::vector<std::string>> DecodeModelList(std::string_view body) {
  return ReadModelIds(body, "modelSummaries", "modelId");
}

}  // namespace strata::dialect::bedrock
