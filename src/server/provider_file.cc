#include "server/provider_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "server/config.h"

namespace strata::server {
namespace {

std::string PathOf(const std::string& data_folder) { return data_folder + "/providers.yaml"; }

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
  if (spec.retention) put("retention", FormatRetention(*spec.retention));
  if (!spec.clearance.empty())
    out << YAML::Key << "clearance" << YAML::Value << YAML::Flow << spec.clearance.names();
  if (!spec.models.empty())
    out << YAML::Key << "models" << YAML::Value << YAML::Flow << spec.models;
  out << YAML::EndMap;
}

Result<> ReplaceFile(const std::string& path, std::string_view text) {
  auto temporary = path + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return Fail(Code::kUnavailable, fmt::format("{}: {}", temporary, std::strerror(errno)));
  bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                 ::fsync(fd) == 0;
  ::close(fd);
  if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return Fail(Code::kUnavailable,
                fmt::format("{} could not be written: {}", path, std::strerror(errno)));
  }
  return {};
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
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "providers" << YAML::Value << YAML::BeginSeq;
  for (const auto& each : specs) EmitOne(out, each);
  out << YAML::EndSeq << YAML::EndMap;
  return ReplaceFile(PathOf(data_folder), std::string(out.c_str()) + "\n");
}

}  // namespace strata::server
