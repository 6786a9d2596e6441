#include "provider/llama/model_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json_text.h"
#include "base/log.h"

namespace strata::provider::llama {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uintmax_t kCardBytesMax = 64 << 10;

Result<std::string> Member(const json::object& card, std::string_view key) {
  const auto* value = card.if_contains(key);
  if (value == nullptr || !value->is_string() || value->get_string().empty() ||
      value->get_string().size() > 200) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is missing or no short text", key));
  }
  return std::string(value->get_string());
}

Result<ImportedModel> ReadCard(const fs::path& path) {
  std::error_code error;
  auto size = fs::file_size(path, error);
  if (error || size > kCardBytesMax) return Fail(Code::kCorruption, "not a small file");
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  STRATA_TRY(auto model, ParseModelCard(text.str()));
  auto gguf = fs::path(path).replace_extension(".gguf");
  model.bytes = static_cast<std::int64_t>(fs::file_size(gguf, error));
  if (error) return Fail(Code::kNotFound, fmt::format("{} is missing", gguf.string()));
  model.path = gguf.string();
  model.id = "local/" + path.stem().string();
  return model;
}

}  // namespace

Result<ImportedModel> ParseModelCard(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return Fail(Code::kInvalidArgument, "not a JSON object");
  ImportedModel model;
  STRATA_TRY(model.kind, Member(value.get_object(), "kind"));
  if (model.kind != "chat" && model.kind != "embed") {
    return Fail(Code::kInvalidArgument, "kind is neither chat nor embed");
  }
  STRATA_TRY(model.architecture, Member(value.get_object(), "architecture"));
  return model;
}

std::vector<ImportedModel> ListImported(const std::string& models_folder) {
  std::vector<ImportedModel> models;
  std::error_code error;
  if (models_folder.empty()) return models;
  for (const auto& entry : fs::directory_iterator(models_folder, error)) {
    if (entry.path().extension() != ".json") continue;
    auto model = ReadCard(entry.path());
    if (model.has_value()) {
      models.push_back(std::move(*model));
    } else {
      Log(Level::kWarning, "models.left_out",
          {{"file", entry.path().string()}, {"why", model.error().message()}});
    }
  }
  std::sort(models.begin(), models.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return models;
}

Result<> WriteModelCard(const std::string& models_folder, const std::string& name,
                        const ImportedModel& model) {
  auto path = fs::path(models_folder) / (name + ".json");
  auto fresh = fs::path(models_folder) / (name + ".json.new");
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << fmt::format("{{\"kind\":{},\"architecture\":{}}}\n", JsonString(model.kind),
                       JsonString(model.architecture));
    out.flush();
    if (!out) return Fail(Code::kUnavailable, fmt::format("cannot write {}", fresh.string()));
  }
  std::error_code error;
  fs::rename(fresh, path, error);
  if (error) return Fail(Code::kUnavailable, fmt::format("cannot write {}", path.string()));
  return {};
}

}  // namespace strata::provider::llama
