// The model list, both ways.

#include "dialect/json/json_writer.h"
#include "dialect/json/upstream.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"

namespace strata::dialect::openai {
namespace {

void WriteModel(JsonWriter& out, const ListedModel& model) {
  const auto& info = model.info;
  out.BeginObject().Field("id", info.id).Field("object", "model");
  out.Field("created", model.created_s);
  out.Field("owned_by", info.provider.empty() ? "strata" : info.provider);
  if (info.context_tokens > 0) out.Field("max_model_len", info.context_tokens);  // as vLLM
  if (!info.demo_note.empty()) {
    out.Key("strata").BeginObject().Field("demo_note", info.demo_note).EndObject();
  }
  out.EndObject();
}

}  // namespace

std::string EncodeModelList(const std::vector<ListedModel>& models) {
  JsonWriter out;
  out.BeginObject().Field("object", "list").Key("data").BeginArray();
  for (const auto& model : models) WriteModel(out, model);
  return out.EndArray().EndObject().Take();
}

std::string EncodeModel(const ListedModel& model) {
  JsonWriter out;
  WriteModel(out, model);
  return out.Take();
}

Result<std::vector<std::string>> DecodeModelList(std::string_view body) {
  return ReadModelIds(body, "data", "id");
}

}  // namespace strata::dialect::openai
