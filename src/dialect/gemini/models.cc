// The model list, both ways.

#include <fmt/format.h>

#include "dialect/gemini.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::gemini {
namespace {

constexpr std::string_view kModels = "models/";

void WriteModel(JsonWriter& out, const domain::ModelInfo& info) {
  out.BeginObject().Field("name", fmt::format("{}{}", kModels, info.id));
  out.Field("displayName", info.display_name.empty() ? info.id : info.display_name);
  out.FieldIfAny("description", info.demo_note);
  if (info.context_tokens > 0) out.Field("inputTokenLimit", info.context_tokens);
  if (info.output_tokens_max > 0) out.Field("outputTokenLimit", info.output_tokens_max);
  out.Key("supportedGenerationMethods").BeginArray();
  if (info.can.chat) {
    out.Value("generateContent").Value("countTokens");
    if (info.can.streaming) out.Value("streamGenerateContent");
  }
  if (info.can.embed) out.Value("embedContent").Value("batchEmbedContents");
  out.EndArray();
  if (info.can.reasoning) out.Field("thinking", true);
  out.EndObject();
}

}  // namespace

std::string EncodeModelList(const std::vector<domain::ModelInfo>& page,
                            std::string_view next_page_token) {
  JsonWriter out;
  out.BeginObject().Key("models").BeginArray();
  for (const auto& model : page) WriteModel(out, model);
  return out.EndArray().FieldIfAny("nextPageToken", next_page_token).EndObject().Take();
}

std::string EncodeModel(const domain::ModelInfo& model) {
  JsonWriter out;
  WriteModel(out, model);
  return out.Take();
}

Result<std::vector<std::string>> DecodeModelList(std::string_view body) {
  STRATA_TRY(auto ids, ReadModelIds(body, "models", "name"));
  for (auto& id : ids) {
    if (id.starts_with(kModels)) id.erase(0, kModels.size());
  }
  return ids;
}

Result<std::vector<std::string>> DecodePublisherModelList(std::string_view body) {
  STRATA_TRY(auto ids, ReadModelIds(body, "publisherModels", "name"));
  for (auto& id : ids) {  // "publishers/google/models/ID"
    if (auto at = id.rfind('/'); at != id.npos) id.erase(0, at + 1);
  }
  return ids;
}

}  // namespace strata::dialect::gemini
