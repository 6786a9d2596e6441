#include "provider/bedrock/aws_profile.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace strata::provider::bedrock {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;

std::string_view Trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A comment behind a value starts with " #" or " ;".
std::string_view WithoutComment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    bool mark = value[i] == '#' || value[i] == ';';
    if (mark && (value[i - 1] == ' ' || value[i - 1] == '\t')) return Trim(value.substr(0, i));
  }
  return value;
}

// Absent files are as good as empty ones; unreadable ones are not.
Result<AwsFile> ReadAwsFile(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return AwsFile{};
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(Code::kUnavailable, fmt::format("AWS file {} cannot be read", path));
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto parsed = ParseAwsFile(text);
  if (!parsed.has_value()) return Fail(std::move(parsed.error()).Because("AWS file " + path));
  return parsed;
}

std::string FilePath(const EnvReader& env, std::string_view variable, std::string_view name) {
  std::string path = env(variable);
  if (!path.empty()) return path;
  std::string home = env("HOME");
  return home.empty() ? "" : fmt::format("{}/.aws/{}", home, name);
}

std::string Member(const AwsFile& file, const std::string& section, const std::string& key) {
  auto at = file.find(section);
  if (at == file.end()) return "";
  auto value = at->second.find(key);
  return value == at->second.end() ? "" : value->second;
}

Result<> CheckNoLoginFlow(const AwsFile& config, const std::string& profile) {
  for (const char* key : {"sso_session", "sso_start_url", "role_arn", "credential_process",
                          "web_identity_token_file"}) {
    if (!Member(config, profile, key).empty()) {
      return Fail(Code::kUnauthenticated,
                  fmt::format("AWS profile '{}' uses {}: export its credentials (aws configure "
                              "export-credentials --profile {} --format env) and start again",
                              profile, key, profile));
    }
  }
  return {};
}

net::SigV4Credentials CredentialsOf(const AwsFile& file, const std::string& profile) {
  return {Member(file, profile, "aws_access_key_id"),
          Member(file, profile, "aws_secret_access_key"),
          Member(file, profile, "aws_session_token")};
}

bool Complete(const net::SigV4Credentials& credentials) {
  return !credentials.access_key_id.empty() && !credentials.secret_access_key.empty();
}

}  // namespace

Result<AwsFile> ParseAwsFile(std::string_view text) {
  if (text.size() > kFileBytesMax) return Fail(Code::kTooLarge, "is over 1 MiB");
  AwsFile file;
  std::map<std::string, std::string>* section = nullptr;
  std::size_t number = 0;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto whole = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    auto line = Trim(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    bool nested = whole.front() == ' ' || whole.front() == '\t';
    if (nested && section != nullptr) continue;  // s3 =\n  addressing_style = …: not ours
    if (line.front() == '[') {
      auto close = line.find(']');
      if (close == std::string_view::npos) {
        return Fail(Code::kInvalidArgument, fmt::format("line {}: ']' is missing", number));
      }
      auto name = Trim(line.substr(1, close - 1));
      if (name.starts_with("profile ")) name = Trim(name.substr(8));
      section = &file[std::string(name)];
      continue;
    }
    auto equals = line.find('=');
    if (equals == std::string_view::npos || section == nullptr) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("line {}: expected [section] or key = value", number));
    }
    (*section)[Lower(Trim(line.substr(0, equals)))] =
        std::string(WithoutComment(Trim(line.substr(equals + 1))));
  }
  return file;
}

Result<AwsIdentity> FindAwsIdentity(const EnvReader& env, std::string_view profile) {
  AwsIdentity found;
  found.region = env("AWS_REGION");
  if (found.region.empty()) found.region = env("AWS_DEFAULT_REGION");
  net::SigV4Credentials given = {env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"),
                                 env("AWS_SESSION_TOKEN")};
  bool from_env = profile.empty() && Complete(given);
  std::string name(profile);
  if (name.empty()) name = env("AWS_PROFILE");
  bool named = !name.empty();
  if (!named) name = "default";
  STRATA_TRY(auto config, ReadAwsFile(FilePath(env, "AWS_CONFIG_FILE", "config")));
  STRATA_TRY(auto secret, ReadAwsFile(FilePath(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials")));
  // A profile that was asked for by name says the region itself.
  std::string region = Member(config, name, "region");
  if (region.empty()) region = Member(secret, name, "region");
  if (!region.empty() && (found.region.empty() || !profile.empty())) found.region = region;
  if (from_env) {
    found.credentials = std::move(given);
    found.source = "environment";
    return found;
  }
  if (named && !config.contains(name) && !secret.contains(name)) {
    return Fail(Code::kNotFound, fmt::format("AWS profile '{}' is in neither AWS file", name));
  }
  found.credentials = CredentialsOf(secret, name);
  if (!Complete(found.credentials)) found.credentials = CredentialsOf(config, name);
  if (!Complete(found.credentials)) {
    STRATA_CHECK_OK(CheckNoLoginFlow(config, name));
    found.credentials = {};
    return found;
  }
  found.source = "profile " + name;
  return found;
}

}  // namespace strata::provider::bedrock
