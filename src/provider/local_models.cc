#include "provider/local_models.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include "provider/lazy_models.h"
#include "provider/llama/backend.h"
#include "provider/llama/chat_model.h"
#include "provider/llama/embedders.h"
#include "provider/llama/embedding_engine.h"
#include "provider/llama/model_list.h"
#include "provider/llama/shipped.h"
#include "vector/static_embedder.h"

namespace strata::provider {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"models.folder", OptionKind::kText, "", "", "",
     "Folder of the shipped models; empty finds the one that was built or packaged."},
    {"models.load", OptionKind::kText, "", "at_start", "at_start|on_use",
     "When the shipped models are loaded: at the start of the server, or with the first request "
     "that needs one, which then waits for it (a server that only forwards stays small)."},
    {"llama.backends_folder", OptionKind::kText, "", "", "",
     "Folder of llama.cpp's backend libraries (libggml-cpu-*.so); empty finds the one that was "
     "built or packaged."},
    {"llama.threads", OptionKind::kInteger, "threads", "1", "1..64",
     "Threads of each llama.cpp context; they spin while they wait for each other, so more than 1 "
     "pays only on cores that are otherwise idle."},
    {"llama.sequences_max", OptionKind::kInteger, "", "8", "1..64",
     "Answers that one language model generates at the same time; further requests wait."},
    {"llama.context_tokens", OptionKind::kInteger, "tokens", "8192", "256..1048576",
     "Size of the key-value cache that all answers of one model share; also the most that one "
     "prompt and its answer may have (23 KB of memory a token for the shipped model)."},
    {"llama.queue_max", OptionKind::kInteger, "requests", "64", "0..4096",
     "Requests that may wait for one language model; one more is refused with a time to try "
     "again."},
    {"llama.prefill_tokens", OptionKind::kInteger, "tokens", "32", "4..512",
     "Prompt tokens read in one step, in all; more reads prompts a little faster and delays "
     "running "
     "answers and cancelling (32 is about 0.25 s for the shipped model)."},
    {"llama.output_tokens_default", OptionKind::kInteger, "tokens", "1024", "1..1048576",
     "Longest answer to a request that names no limit."},
    {"llama.temperature", OptionKind::kReal, "", "0.2", "0..2",
     "Temperature of a request that names none."},
    {"llama.top_p", OptionKind::kReal, "", "0.95", "0..1", "top_p of a request that names none."},
    {"llama.top_k", OptionKind::kInteger, "tokens", "40", "0..100000",
     "top_k of a request that names none; 0 keeps all."},
    {"llama.gpu_layers", OptionKind::kInteger, "layers", "0", "0..1000",
     "Layers of each model that are put on the GPU; needs a build with -DSTRATA_CUDA=ON or "
     "-DSTRATA_VULKAN=ON."},
    {"llama.embed_contexts", OptionKind::kInteger, "threads", "1", "1..64",
     "Passes that one embedding model runs at the same time, one thread each; as many more are for "
     "background work (ingestion), at a lower priority."},
    {"llama.embed_queue_max", OptionKind::kInteger, "calls", "256", "1..65536",
     "Calls that may wait for an embedding model, and as many of background work; one more is "
     "refused with a time to try again."},
};

constexpr std::string_view kDemoNote =
    "Answered by the built-in demo model SmolLM2-135M-Instruct (135 million parameters): it shows "
    "that everything works, and is often wrong. Configure a provider for real answers.";

domain::ModelInfo BaseInfo(std::string id, std::string family, std::string display_name) {
  domain::ModelInfo info;
  info.id = std::move(id);
  info.provider = "builtin";
  info.family = std::move(family);
  info.display_name = std::move(display_name);
  info.region = "local";
  info.cleared_for_all_labels = true;
  info.price.input = info.price.output = info.price.cache_read = info.price.cache_write = 0;
  return info;
}

domain::ModelInfo ChatInfo() {
  auto info = BaseInfo(std::string(kBuiltinChatModel), "smollm", "SmolLM2 135M Instruct (demo)");
  info.upstream_id = "SmolLM2-135M-Instruct.Q4_1";
  info.can.chat = info.can.json_schema = info.can.documents = true;
  info.demo_note = kDemoNote;
  return info;
}

domain::ModelInfo EmbedderInfo() {
  auto info = BaseInfo(std::string(kBuiltinEmbedder), "minilm", "all-MiniLM-L6-v2");
  info.upstream_id = "all-MiniLM-L6-v2";
  info.can.embed = true;
  info.can.streaming = false;
  info.dimensions = 384;
  info.context_tokens = 256;
  return info;
}

domain::ModelInfo StaticInfo() {
  auto info = BaseInfo(std::string(kBuiltinStaticEmbedder), "minilm",
                       "static embedder distilled from all-MiniLM-L6-v2");
  info.upstream_id = "static-minilm-256";
  info.can.embed = true;
  info.can.streaming = false;
  info.dimensions = 256;
  return info;
}

class LocalModelsImpl final : public LocalModels {
 public:
  LocalModelsImpl(const Options& options, LocalModelsSpec spec, fs::path folder)
      : options_(options), spec_(std::move(spec)), folder_(std::move(folder)) {}

  std::vector<domain::ModelInfo> List() const override {
    std::vector<domain::ModelInfo> models = {ChatInfo(), EmbedderInfo(), StaticInfo()};
    for (const auto& imported : llama::ListImported(spec_.data_folder)) {
      models.push_back(ImportedInfo(imported));
    }
    return models;
  }

  Result<std::shared_ptr<ChatModel>> Chat(std::string_view id) override {
    if (id == kBuiltinChatModel && OnUse()) {
      auto load = [this] { return LoadedChat(kBuiltinChatModel); };
      return LazyChatModel(ChatInfo(), loading_, load);
    }
    return LoadedChat(id);
  }

  Result<std::shared_ptr<ChatModel>> LoadedChat(std::string_view id) {
    std::lock_guard lock(mutex_);
    if (auto found = chat_.find(id); found != chat_.end()) return found->second;
    STRATA_TRY(auto file, Locate(id, "chat"));
    llama::ChatModelSpec spec;
    spec.path = file.path;
    spec.gpu_layers = Int("llama.gpu_layers");
    spec.generation.threads = Int("llama.threads");
    spec.generation.sequences_max = Int("llama.sequences_max");
    spec.generation.context_tokens = options_.Integer("llama.context_tokens");
    spec.generation.queue_max = static_cast<std::size_t>(Int("llama.queue_max"));
    spec.generation.prefill_tokens = Int("llama.prefill_tokens");
    spec.output_tokens_default = options_.Integer("llama.output_tokens_default");
    spec.sampling = {.temperature = options_.Real("llama.temperature"),
                     .top_p = options_.Real("llama.top_p"),
                     .top_k = options_.Integer("llama.top_k")};
    STRATA_TRY(std::shared_ptr<ChatModel> model, llama::LoadChatModel(spec, file.info));
    chat_.emplace(std::string(id), model);
    return model;
  }

  Result<std::shared_ptr<LocalEmbedder>> TransformerEmbedder(std::string_view id) override {
    std::lock_guard lock(mutex_);
    return FindTransformer(id);
  }

  Result<std::shared_ptr<Embedder>> AnyEmbedder(std::string_view id) override {
    const bool shipped = id == kBuiltinEmbedder || id == kBuiltinStaticEmbedder;
    if (!shipped || !OnUse()) return LoadedEmbedder(id);
    auto load = [this, own = std::string(id)] { return LoadedEmbedder(own); };
    return LazyEmbedder(id == kBuiltinEmbedder ? EmbedderInfo() : StaticInfo(), loading_, load);
  }

  Result<std::shared_ptr<Embedder>> LoadedEmbedder(std::string_view id) {
    std::lock_guard lock(mutex_);
    if (id != kBuiltinStaticEmbedder) {
      STRATA_TRY(std::shared_ptr<Embedder> embedder, FindTransformer(id));
      return embedder;
    }
    if (!static_embedder_) {
      STRATA_TRY(auto model, FindStatic());
      static_embedder_ = llama::MakeStaticEmbedder(std::move(model), StaticInfo());
    }
    return static_embedder_;
  }

  Result<std::shared_ptr<const vector::StaticEmbedder>> Static() override {
    std::lock_guard lock(mutex_);
    return FindStatic();
  }

 private:
  struct Located {
    std::string path;
    domain::ModelInfo info;
  };

  bool OnUse() const { return options_.Text("models.load") == "on_use"; }
  int Int(std::string_view name) const { return static_cast<int>(options_.Integer(name)); }

  static domain::ModelInfo ImportedInfo(const ImportedModel& model) {
    auto info = BaseInfo(model.id, model.architecture, model.id);
    info.upstream_id = model.id.substr(model.id.find('/') + 1);
    info.can.chat = info.can.json_schema = info.can.documents = model.kind == "chat";
    info.can.embed = info.can.streaming = model.kind == "embed";
    info.can.streaming = info.can.chat;
    return info;
  }

  Result<Located> Locate(std::string_view id, std::string_view kind) const {
    if (id == kBuiltinChatModel && kind == "chat") {
      return Located{.path = folder_ / llama::kChatFile, .info = ChatInfo()};
    }
    if (id == kBuiltinEmbedder && kind == "embed") {
      return Located{.path = folder_ / llama::kEmbedderFile, .info = EmbedderInfo()};
    }
    for (const auto& model : llama::ListImported(spec_.data_folder)) {
      if (model.id == id && model.kind == kind) {
        return Located{.path = model.path, .info = ImportedInfo(model)};
      }
    }
    return Fail(NotFound(kind == "chat" ? "local language model" : "local embedding model", id));
  }

  // The rest is called with mutex_ held.
  Result<std::shared_ptr<LocalEmbedder>> FindTransformer(std::string_view id) {
    if (auto found = embedders_.find(id); found != embedders_.end()) return found->second;
    STRATA_TRY(auto file, Locate(id, "embed"));
    STRATA_TRY(auto engine, llama::EmbeddingEngine::Load({.path = file.path,
                                                          .threads = Int("llama.threads"),
                                                          .contexts = Int("llama.embed_contexts"),
                                                          .gpu_layers = Int("llama.gpu_layers")}));
    auto limits = llama::EmbedderLimits{
        .contexts = Int("llama.embed_contexts"),
        .waiting_max = static_cast<std::size_t>(Int("llama.embed_queue_max"))};
    auto embedder = llama::MakeTransformerEmbedder(std::move(engine), file.info, limits);
    embedders_.emplace(std::string(id), embedder);
    return embedder;
  }

  Result<std::shared_ptr<const vector::StaticEmbedder>> FindStatic() {
    if (!static_) {
      STRATA_TRY(static_, vector::StaticEmbedder::Open((folder_ / llama::kStaticFile).string()));
    }
    return static_;
  }

  const Options options_;
  const LocalModelsSpec spec_;
  const fs::path folder_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ChatModel>, std::less<>> chat_;
  std::map<std::string, std::shared_ptr<LocalEmbedder>, std::less<>> embedders_;
  std::shared_ptr<Embedder> static_embedder_;
  std::shared_ptr<const vector::StaticEmbedder> static_;
  Pool loading_{"model-load", 1, 64};  // last: its work uses the rest
};

}  // namespace

OptionTable LocalModelOptions() { return kOptions; }

Result<std::unique_ptr<LocalModels>> LocalModels::Open(const Options& options,
                                                       LocalModelsSpec spec) {
  auto backends = options.Text("llama.backends_folder");
  if (backends.empty()) backends = llama::DefaultBackendFolder();
  STRATA_CHECK_OK(llama::StartBackends(backends));
  fs::path folder = options.Text("models.folder");
  if (folder.empty()) folder = llama::DefaultModelsFolder();
  for (auto file : {llama::kChatFile, llama::kEmbedderFile, llama::kStaticFile}) {
    std::error_code error;
    if (fs::exists(folder / file, error)) continue;
    return Fail(Code::kNotFound,
                fmt::format("the shipped model {} is not in '{}'; ./run makes it, and option "
                            "models.folder names another folder",
                            file, folder.string()));
  }
  return std::make_unique<LocalModelsImpl>(options, std::move(spec), std::move(folder));
}

}  // namespace strata::provider
