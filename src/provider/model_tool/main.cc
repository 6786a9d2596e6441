// strata-model-tool: makes at build time what the server needs of the shipped models, so that the
// first start is quick. Run by the build (target strata_models) and by packaging.
//
//   strata-model-tool prepare DEPS OUT BACKENDS   OUT/*.gguf and OUT/*.bin from DEPS, if missing
//   strata-model-tool validate FILE               what ValidateGgufMain says of FILE

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "provider/llama/backend.h"
#include "provider/llama/shipped.h"
#include "provider/model_import.h"
#include "vector/static_embedder.h"

namespace {

namespace fs = std::filesystem;
using strata::Code;
using strata::Fail;
using strata::Result;

Result<> LinkChatModel(const fs::path& deps, const fs::path& out) {
  auto source = deps / "smollm2-0.1.2" / strata::provider::llama::kChatFile;
  auto target = out / strata::provider::llama::kChatFile;
  std::error_code error;
  if (fs::exists(target, error)) return {};
  if (!fs::exists(source, error)) {
    return Fail(Code::kNotFound,
                fmt::format("{} is missing: run cmake/setup/deps.sh", source.string()));
  }
  fs::remove(target, error);
  fs::create_symlink(fs::absolute(source), target, error);
  // Another build of the same tree may have been quicker.
  if (error && !fs::exists(target))
    return Fail(Code::kUnavailable, "cannot link " + target.string());
  return {};
}

Result<> Prepare(const fs::path& deps, const fs::path& out) {
  std::error_code error;
  fs::create_directories(out, error);
  STRATA_CHECK_OK(LinkChatModel(deps, out));
  auto gguf = out / strata::provider::llama::kEmbedderFile;
  if (!fs::exists(gguf, error)) {
    fmt::print("converting all-MiniLM-L6-v2\n");
    STRATA_CHECK_OK(strata::provider::ConvertSentenceTransformer((deps / "minilm-0.1.0").string(),
                                                                 gguf.string()));
  }
  auto distilled = out / strata::provider::llama::kStaticFile;
  if (strata::vector::StaticEmbedder::Open(distilled.string()).has_value()) return {};
  fmt::print("distilling the static embedder, once, about a minute\n");
  return strata::provider::DistillStatic(gguf.string(), distilled.string(), [](double part) {
    fmt::print("\r{:3.0f} %", part * 100);
    std::fflush(stdout);
  });
}

int Fault(const strata::Error& error) {
  fmt::print(stderr, "strata-model-tool: {}\n", error.message());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  bool prepare = args.size() == 4 && args[0] == "prepare";
  bool validate = args.size() == 2 && args[0] == "validate";
  if (!prepare && !validate) {
    fmt::print(stderr, "usage: strata-model-tool prepare DEPS OUT BACKENDS | validate FILE\n");
    return 2;
  }
  if (validate) return strata::provider::ValidateGgufMain(args[1]);
  auto started = strata::provider::llama::StartBackends(args[3]);
  if (!started.has_value()) return Fault(started.error());
  auto made = Prepare(args[1], args[2]);
  return made.has_value() ? 0 : Fault(made.error());
}
