#include "provider/llama/backend.h"

#include <common/log.h>
#include <fmt/format.h>
#include <ggml-backend.h>
#include <llama.h>

#include <array>
#include <filesystem>
#include <mutex>

#include "base/check.h"
#include "base/log.h"

namespace strata::provider::llama {
namespace {

namespace fs = std::filesystem;

// What llama.cpp said first at error level on this thread since LoadModel began, which puts it into
// its message; what follows is only that loading failed.
thread_local std::string first_problem;  // NOLINT: one small buffer a thread

void TakeLog(ggml_log_level level, const char* text, void* /*unused*/) {
  if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN) return;
  std::string_view line(text);
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (level == GGML_LOG_LEVEL_ERROR && first_problem.empty()) {
    first_problem = std::string(line.substr(0, 500));
  }
  // An error of the library is a Result of ours, logged where it is handled.
  Log(Level::kDebug, "llama.library", {{"text", line.substr(0, 500)}});
}

// llama.cpp's backends are the process's own, and so is this.
struct Start {
  std::mutex mutex;
  bool done = false;
  std::string folder;
};
Start& TheStart() {
  static Start start;
  return start;
}

bool HasBackend(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("libggml-cpu")) return true;
  }
  return false;
}

// The folder that holds bin/strata of an installed package, or "" when it cannot be told.
fs::path ProgramFolder() {
  std::error_code error;
  auto program = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : program.parent_path();
}

}  // namespace

void ModelDeleter::operator()(llama_model* model) const { llama_model_free(model); }
void ContextDeleter::operator()(llama_context* context) const { llama_free(context); }

Result<> StartBackends(const std::string& folder) {
  auto& start = TheStart();
  std::lock_guard lock(start.mutex);
  if (start.done) return {};
  llama_log_set(TakeLog, nullptr);
  common_log_pause(common_log_main());
  if (!folder.empty()) ggml_backend_load_all_from_path(folder.c_str());
  if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
    return Fail(Code::kNotFound,
                fmt::format("no llama.cpp CPU backend (libggml-cpu-*.so) in '{}'; option "
                            "llama.backends_folder names the folder",
                            folder));
  }
  llama_backend_init();
  start.folder = folder;
  start.done = true;
  return {};
}

std::string StartedBackendFolder() {
  auto& start = TheStart();
  std::lock_guard lock(start.mutex);
  return start.folder;
}

std::string DefaultBackendFolder() {
  auto packaged = ProgramFolder() / "../lib/strata";
  if (HasBackend(packaged)) return packaged.lexically_normal().string();
  return HasBackend(STRATA_BACKENDS_BUILT) ? STRATA_BACKENDS_BUILT : "";
}

std::string DefaultModelsFolder() {
  std::error_code error;
  auto packaged = ProgramFolder() / "../share/strata/models";
  if (fs::is_directory(packaged, error)) return packaged.lexically_normal().string();
  return STRATA_MODELS_BUILT;  // an error names it when nothing is there
}

Result<ModelPtr> LoadModel(const LoadSpec& spec) {
  std::error_code error;
  if (!fs::is_regular_file(spec.path, error)) {
    return Fail(Code::kNotFound, fmt::format("no model file {}", spec.path));
  }
  auto params = llama_model_default_params();
  params.n_gpu_layers = spec.gpu_layers;
  params.vocab_only = spec.vocabulary_only;
  first_problem.clear();
  ModelPtr model(llama_model_load_from_file(spec.path.c_str(), params));
  if (!model) {
    return Fail(Code::kCorruption,
                fmt::format("{}: {}", spec.path,
                            first_problem.empty() ? "llama.cpp cannot load it" : first_problem));
  }
  return model;
}

std::string Metadata(const llama_model& model, const char* key) {
  std::array<char, 1024> buffer{};
  auto length = llama_model_meta_val_str(&model, key, buffer.data(), buffer.size());
  if (length < 0) return {};
  if (static_cast<std::size_t>(length) < buffer.size()) return {buffer.data()};
  std::string longer(static_cast<std::size_t>(length) + 1, '\0');
  llama_model_meta_val_str(&model, key, longer.data(), longer.size());
  longer.resize(static_cast<std::size_t>(length));
  return longer;
}

std::vector<std::int32_t> TokenizeText(const llama_vocab& vocab, std::string_view text,
                                       AddSpecial add, ParseSpecial parse) {
  auto length = static_cast<std::int32_t>(text.size());
  std::vector<std::int32_t> tokens(text.size() + 2);
  auto count = llama_tokenize(&vocab, text.data(), length, tokens.data(),
                              static_cast<std::int32_t>(tokens.size()), add == AddSpecial::kYes,
                              parse == ParseSpecial::kYes);
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = llama_tokenize(&vocab, text.data(), length, tokens.data(), -count,
                           add == AddSpecial::kYes, parse == ParseSpecial::kYes);
  }
  STRATA_CHECK(count >= 0, "llama_tokenize failed twice");
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

std::string TokenText(const llama_vocab& vocab, std::int32_t token) {
  std::array<char, 64> buffer{};
  auto length = llama_token_to_piece(&vocab, token, buffer.data(), buffer.size(), 0, false);
  if (length >= 0) return {buffer.data(), static_cast<std::size_t>(length)};
  std::string longer(static_cast<std::size_t>(-length), '\0');
  length = llama_token_to_piece(&vocab, token, longer.data(), -length, 0, false);
  longer.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return longer;
}

}  // namespace strata::provider::llama
