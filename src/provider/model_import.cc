#include "provider/model_import.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "base/pool.h"
#include "net/subprocess.h"
#include "provider/llama/backend.h"
#include "provider/llama/model_list.h"

namespace strata::provider {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kTryTimeMax{5};
constexpr std::uint64_t kTryMemoryBeside = std::uint64_t{8} << 30;  // beside the file's own size

// Removes a file that must not stay when the import fails half-way.
class Scratch {
 public:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  ~Scratch() {
    std::error_code error;
    fs::remove(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

std::string NameFrom(const fs::path& source) {
  auto absolute = fs::absolute(source).lexically_normal();
  auto last = absolute.filename().empty() ? absolute.parent_path() : absolute;
  std::string name = last.extension() == ".gguf" ? last.stem().string() : last.filename().string();
  for (char& c : name) {
    auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 || c == '.' || c == '_' ? static_cast<char>(std::tolower(byte))
                                                        : '-';
  }
  name.erase(0, std::min(name.find_first_not_of(".-"), name.size()));
  return name.substr(0, 64);
}

Result<std::string> ChooseName(const ModelImportSpec& spec) {
  auto name = spec.name.empty() ? NameFrom(spec.source) : spec.name;
  if (!IsName(name)) {
    return Fail(InvalidArgument(
        "name", fmt::format("'{}' is not 1..64 of a-z 0-9 . _ -", name.substr(0, 80))));
  }
  std::error_code error;
  if (fs::exists(fs::path(spec.models_folder) / (name + ".json"), error)) {
    return Fail(Code::kConflict,
                fmt::format("a model called local/{} exists; choose another name", name));
  }
  return name;
}

// Told before a child reads the file, in words that do not need the loader's.
Result<> CheckMagic(const std::string& source) {
  std::ifstream file(source, std::ios::binary);
  std::string magic(4, '\0');
  file.read(magic.data(), static_cast<std::streamsize>(magic.size()));
  if (file && magic == "GGUF") return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("{} is no GGUF file: it does not begin with GGUF; expected one, or the "
                          "folder of a sentence-transformers model",
                          source));
}

// Puts the model's GGUF at `target`: a copy of the file, or the converted folder.
Result<> MakeGguf(const ModelImportSpec& spec, const fs::path& target) {
  std::error_code error;
  if (fs::is_directory(spec.source, error)) {
    return ConvertSentenceTransformer(spec.source, target.string());
  }
  if (!fs::is_regular_file(spec.source, error)) {
    return Fail(Code::kNotFound, fmt::format("{} is neither a file nor a folder", spec.source));
  }
  STRATA_CHECK_OK(CheckMagic(spec.source));
  if (!fs::copy_file(spec.source, target, fs::copy_options::overwrite_existing, error) || error) {
    return Fail(Code::kUnavailable,
                fmt::format("cannot copy {}: {}", spec.source, error.message()));
  }
  return {};
}

// What a child said of `file`, without that name: it is a temporary one that nobody gave.
std::string Reason(std::string_view text, const fs::path& file) {
  auto line = std::string(text.substr(0, std::min<std::size_t>(text.find('\n'), 500)));
  auto prefix = file.string() + ": ";
  if (auto at = line.find(prefix); at != line.npos) line.erase(at, prefix.size());
  return line;
}

// Lets a child load and run the file: what breaks llama.cpp breaks the child only.
Result<ImportedModel> TryInChild(const ModelImportSpec& spec, const fs::path& file,
                                 const RequestContext& ctx) {
  std::error_code error;
  auto size = fs::file_size(file, error);
  net::ChildSpec child;
  child.argv = spec.validator;
  child.argv.push_back(file.string());
  child.environment.push_back("STRATA_LLAMA_BACKENDS=" + llama::StartedBackendFolder());
  child.wall_time_max = kTryTimeMax;
  child.cpu_time_max = kTryTimeMax;
  if (llama::kLimitsFit) child.address_space_bytes_max = 2 * size + kTryMemoryBeside;
  child.cancel = ctx.cancel;
  STRATA_TRY(auto out, net::RunChild(child));
  if (out.signal != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} breaks llama.cpp's loader ({}): {}", spec.source,
                            net::SignalWords(out.signal), Reason(out.error_output, file)));
  }
  if (out.exit_code != 0) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is not a model that runs here: {}",
                                                    spec.source, Reason(out.error_output, file)));
  }
  STRATA_TRY(auto model, llama::ParseModelCard(out.output));
  model.bytes = static_cast<std::int64_t>(size);
  return model;
}

Result<ImportedModel> Import(const ModelImportSpec& spec, const RequestContext& ctx) {
  STRATA_CHECK_OK(ctx.CheckAlive());
  std::error_code error;
  fs::create_directories(spec.models_folder, error);
  STRATA_TRY(auto name, ChooseName(spec));
  auto target = fs::path(spec.models_folder) / (name + ".gguf");
  Scratch fresh(fmt::format("{}.{}.import", target.string(), ::getpid()));
  STRATA_CHECK_OK(MakeGguf(spec, fresh.path()));
  STRATA_TRY(auto model, TryInChild(spec, fresh.path(), ctx));
  fs::rename(fresh.path(), target, error);
  if (error) {
    return Fail(Code::kUnavailable,
                fmt::format("cannot write {}: {}", target.string(), error.message()));
  }
  STRATA_CHECK_OK(llama::WriteModelCard(spec.models_folder, name, model));
  model.id = "local/" + name;
  model.path = target.string();
  Log(Level::kInfo, "models.imported",
      {{"model", model.id}, {"architecture", model.architecture}, {"bytes", model.bytes}});
  return model;
}

}  // namespace

Task<Result<ImportedModel>> ImportModel(ModelImportSpec spec, RequestContext& ctx) {
  auto work = [&] { return Import(spec, ctx); };
  Pool pool("model-import", 1, 1);
  co_return co_await RunBlocking(pool, std::move(work));
}

}  // namespace strata::provider
