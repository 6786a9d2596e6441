#include "server/provider_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>

#include "server/config.h"
#include "store/file.h"

namespace strata::server {
namespace {

std::string PathOf(const std::string& data_folder) { return data_folder + "/providers.yaml"; }

void EmitPrice(YAML::Emitter& out, const provider::ModelPrice& price) {
  auto put = [&](const char* key, const std::optional<std::int64_t>& amount) {
    if (amount) out << YAML::Key << key << YAML::Value << provider::FormatPrice(*amount);
  };
  out << YAML::Key << "price" << YAML::Value << YAML::BeginMap;
  put("input", price.input);
  put("output", price.output);
  put("cache_read", price.cache_read);
  put("cache_write", price.cache_write);
  out << YAML::Key << "as_of" << YAML::Value << YAML::DoubleQuoted << price.as_of << YAML::EndMap;
}

// An id, or a mapping when the model declares something for itself.
void EmitModel(YAML::Emitter& out, const std::string& model,
               const std::vector<provider::ModelTerms>& all) {
  auto terms = std::ranges::find(all, model, &provider::ModelTerms::model);
  if (terms == all.end()) {
    out << YAML::DoubleQuoted << model;
    return;
  }
  out << YAML::BeginMap << YAML::Key << "id" << YAML::Value << YAML::DoubleQuoted << model;
  if (terms->data_region)
    out << YAML::Key << "region" << YAML::Value << YAML::DoubleQuoted << *terms->data_region;
  if (terms->cleared_for_all_labels)
    out << YAML::Key << "cleared_for_all_labels" << YAML::Value << *terms->cleared_for_all_labels;
  if (terms->clearance)
    out << YAML::Key << "clearance" << YAML::Value << YAML::Flow << terms->clearance->names();
  if (terms->retention)
    out << YAML::Key << "retention" << YAML::Value << FormatRetention(*terms->retention);
  if (terms->price) EmitPrice(out, *terms->price);
  out << YAML::EndMap;
}

void EmitOne(YAML::Emitter& out, const provider::ProviderSpec& spec) {
  auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  };
  out << YAML::BeginMap;
  put("name", spec.name);
  put("kind", std::string(provider::KindName(spec.kind)));
  put("base_url", spec.base_url);
  put("secret", spec.secret);
  put("api_version", spec.api_version);
  put("region", spec.region);
  put("profile", spec.profile);
  put("project", spec.project);
  put("data_region", spec.data_region);
  if (spec.cleared_for_all_labels)
    out << YAML::Key << "cleared_for_all_labels" << YAML::Value << true;
  if (spec.responses) out << YAML::Key << "responses" << YAML::Value << *spec.responses;
  if (!spec.headers.empty()) {
    out << YAML::Key << "headers" << YAML::Value << YAML::BeginMap;
    for (const auto& [name, value] : spec.headers)
      out << YAML::Key << YAML::DoubleQuoted << name << YAML::Value << YAML::DoubleQuoted << value;
    out << YAML::EndMap;
  }
  if (spec.retention) put("retention", FormatRetention(*spec.retention));
  if (!spec.clearance.empty())
    out << YAML::Key << "clearance" << YAML::Value << YAML::Flow << spec.clearance.names();
  if (!spec.models.empty()) {
    out << YAML::Key << "models" << YAML::Value << YAML::BeginSeq;
    for (const auto& model : spec.models) EmitModel(out, model, spec.model_terms);
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
}

Result<> SaveAll(const std::string& data_folder, const std::vector<provider::ProviderSpec>& specs) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "providers" << YAML::Value << YAML::BeginSeq;
  for (const auto& each : specs) EmitOne(out, each);
  out << YAML::EndSeq << YAML::EndMap;
  return store::WriteFileAtomic(PathOf(data_folder), std::string(out.c_str()) + "\n");
}

}  // namespace

Result<std::vector<provider::ProviderSpec>> LoadProviders(const std::string& data_folder) {
  auto path = PathOf(data_folder);
  if (!std::filesystem::exists(path)) return std::vector<provider::ProviderSpec>{};
  STRATA_TRY(auto config, LoadConfig(path, {}));
  return std::move(config.providers);
}

Result<> SaveProvider(const std::string& data_folder, const provider::ProviderSpec& spec) {
  STRATA_TRY(auto specs, LoadProviders(data_folder));
  specs.push_back(spec);
  return SaveAll(data_folder, specs);
}

Result<> RemoveSavedProvider(const std::string& data_folder, const std::string& name) {
  STRATA_TRY(auto specs, LoadProviders(data_folder));
  auto removed = std::erase_if(specs, [&](const auto& spec) { return spec.name == name; });
  if (removed == 0) return Fail(NotFound("provider", name));
  return SaveAll(data_folder, specs);
}

}  // namespace strata::server
