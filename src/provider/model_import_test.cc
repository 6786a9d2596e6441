#include "provider/model_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rng.h"
#include "provider/llama/embedding_engine.h"
#include "provider/llama/model_list.h"
#include "provider/llama/testing.h"
#include "provider/local_models.h"

namespace strata::provider {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteAll(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A sentence-transformers folder with a BERT of one layer and random weights.
class SmallModel {
 public:
  SmallModel() {
    Add("embeddings.word_embeddings.weight", {9, 8});
    Add("embeddings.position_embeddings.weight", {16, 8});
    Add("embeddings.token_type_embeddings.weight", {2, 8});
    AddPair("embeddings.LayerNorm", {8});
    for (auto name : {"attention.self.query", "attention.self.key", "attention.self.value",
                      "attention.output.dense"}) {
      AddPair(std::string("encoder.layer.0.") + name, {8, 8});
    }
    AddPair("encoder.layer.0.attention.output.LayerNorm", {8});
    AddPair("encoder.layer.0.intermediate.dense", {16, 8});
    AddPair("encoder.layer.0.output.dense", {8, 16});
    AddPair("encoder.layer.0.output.LayerNorm", {8});
  }

  // Upper halves of floats: bfloat16 keeps just these, so both files hold the same numbers.
  void Write(const fs::path& folder, bool bf16) const {
    json::object header;
    std::string data;
    for (const auto& [name, tensor] : tensors_) {
      auto begin = data.size();
      for (float value : tensor.values) {
        const char* bytes = reinterpret_cast<const char*>(&value);
        data.append(bf16 ? bytes + 2 : bytes, bf16 ? 2 : 4);
      }
      header[name] = {{"dtype", bf16 ? "BF16" : "F32"},
                      {"shape", json::value_from(tensor.shape)},
                      {"data_offsets", {begin, data.size()}}};
    }
    auto text = json::serialize(header);
    std::uint64_t size = text.size();
    std::string file(reinterpret_cast<const char*>(&size), 8);
    WriteAll(folder / "model.safetensors", file + text + data);
    WriteAll(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n.\n");
    WriteAll(folder / "config.json", config_);
    WriteAll(folder / "sentence_bert_config.json", R"({"max_seq_length": 12})");
  }

  std::string config_ =
      R"({"model_type":"bert","num_hidden_layers":1,"hidden_size":8,"num_attention_heads":2,
          "intermediate_size":16,"max_position_embeddings":16,"type_vocab_size":2,"vocab_size":9,
          "layer_norm_eps":1e-12,"hidden_act":"gelu"})";

  void Drop(const std::string& name) { tensors_.erase(name); }

 private:
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };

  void Add(const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t count = 1;
    for (auto n : shape) count *= static_cast<std::size_t>(n);
    std::vector<float> values(count);
    for (float& value : values) {
      value = static_cast<float>(rng_.Gaussian());
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, 4);
      bits &= 0xFFFF0000U;
      std::memcpy(&value, &bits, 4);
    }
    tensors_[name] = {std::move(shape), std::move(values)};
  }
  void AddPair(const std::string& name, std::vector<std::int64_t> shape) {
    auto first = shape.front();
    Add(name + ".weight", std::move(shape));
    Add(name + ".bias", {first});
  }

  Rng rng_{42};
  std::map<std::string, Tensor> tensors_;
};

class ModelImportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    llama::testing::ShippedModel(llama::kChatFile);  // starts the backends
    folder_ = fs::temp_directory_path() / ("import-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<ImportedModel> Import(const fs::path& source, std::string name = {}) {
    ModelImportSpec spec;
    spec.source = source.string();
    spec.models_folder = (folder_ / "models").string();
    spec.name = std::move(name);
    // Built beside the test.
    auto tool = fs::read_symlink("/proc/self/exe").parent_path() / "strata-model-tool";
    spec.validator = {tool.string(), "validate"};
    RequestContext ctx;
    return llama::testing::RunTask(ImportModel(std::move(spec), ctx));
  }

  fs::path folder_;
};

TEST_F(ModelImportTest, AFolderBecomesAnEmbedderWhateverItsFloats) {
  SmallModel model;
  model.Write(folder_ / "Small Model", false);
  model.Write(folder_ / "half", true);
  auto full = Import(folder_ / "Small Model");
  ASSERT_TRUE(full.has_value()) << full.error().message();
  EXPECT_EQ(full->id, "local/small-model");
  EXPECT_EQ(full->kind, "embed");
  EXPECT_EQ(full->architecture, "bert");
  auto half = Import(folder_ / "half");
  ASSERT_TRUE(half.has_value()) << half.error().message();

  Embeddings vectors[2];
  int i = 0;
  for (const auto& path : {full->path, half->path}) {
    auto engine = llama::EmbeddingEngine::Load({.path = path});
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    EXPECT_EQ((*engine)->dimensions(), 8);
    EXPECT_EQ((*engine)->tokens_max(), 12);
    EXPECT_EQ((*engine)->Tokenize("AB b."), (std::vector<std::int32_t>{2, 5, 7, 6, 8, 3}));
    std::vector<std::string> texts = {"ab b."};
    ASSERT_TRUE((*engine)->Embed(texts, EmbedPurpose::kDocument, vectors[i++]).has_value());
  }
  EXPECT_EQ(vectors[0].values, vectors[1].values);
  EXPECT_EQ(llama::ListImported((folder_ / "models").string()).size(), 2U);
}

TEST_F(ModelImportTest, AnImportedModelIsServedBesideTheShippedOnes) {
  SmallModel().Write(folder_ / "mine", false);
  ASSERT_TRUE(Import(folder_ / "mine").has_value());
  std::vector<OptionTable> tables = {LocalModelOptions()};
  auto options = Options::Build(tables, {});
  auto models = LocalModels::Open(*options, {.data_folder = (folder_ / "models").string()});
  ASSERT_TRUE(models.has_value()) << models.error().message();
  std::vector<std::string> ids;
  for (const auto& info : (*models)->List()) ids.push_back(info.id);
  EXPECT_THAT(ids, ::testing::ElementsAre(kBuiltinChatModel, kBuiltinEmbedder,
                                          kBuiltinStaticEmbedder, "local/mine"));
  auto embedder = (*models)->AnyEmbedder("local/mine");
  ASSERT_TRUE(embedder.has_value()) << embedder.error().message();
  EXPECT_EQ((*embedder)->Info().dimensions, 8);
  EXPECT_EQ((*models)->Chat("local/mine").error().code(), Code::kNotFound);

  auto fast = (*models)->AnyEmbedder(kBuiltinStaticEmbedder);
  ASSERT_TRUE(fast.has_value()) << fast.error().message();
  RequestContext ctx;
  auto task = (*fast)->Embed({"a text", "another text"}, EmbedPurpose::kQuery, ctx);
  auto rows = llama::testing::RunTask(std::move(task));
  EXPECT_EQ(rows->dimensions, 256);
  EXPECT_EQ(rows->count(), 2U);
}

TEST_F(ModelImportTest, NamesTheFileAndTheMemberThatIsWrong) {
  SmallModel model;
  model.Drop("encoder.layer.0.output.dense.bias");
  model.Write(folder_ / "m", false);
  EXPECT_THAT(Import(folder_ / "m").error().message(),
              HasSubstr("encoder.layer.0.output.dense.bias is missing"));

  SmallModel other;
  other.config_.replace(other.config_.find("\"hidden_size\":8"), 15, "\"hidden_size\":6");
  other.Write(folder_ / "m", false);
  EXPECT_THAT(Import(folder_ / "m").error().message(), HasSubstr("config.json says [9, 6]"));

  SmallModel roberta;
  roberta.config_.replace(roberta.config_.find("\"bert\""), 6, "\"roberta\"");
  roberta.Write(folder_ / "m", false);
  EXPECT_THAT(Import(folder_ / "m").error().message(), HasSubstr("model_type"));

  EXPECT_EQ(Import(folder_ / "nothing-here").error().code(), Code::kNotFound);
  EXPECT_EQ(Import(folder_ / "m", "Bad Name!").error().field(), "name");
  EXPECT_TRUE(llama::ListImported((folder_ / "models").string()).empty());
}

TEST_F(ModelImportTest, AFileThatBreaksTheLoaderIsRefusedAndLeavesNothing) {
  auto good = ReadAll(llama::testing::ShippedModel(llama::kEmbedderFile));
  auto broken = good.substr(0, 1 << 20);
  WriteAll(folder_ / "cut.gguf", broken);
  auto cut = Import(folder_ / "cut.gguf");
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(cut.error().message(), HasSubstr("cut.gguf is not a model that runs here: "));
  EXPECT_THAT(cut.error().message(), testing::Not(HasSubstr(".import")));
  EXPECT_THAT(cut.error().message(), testing::Not(HasSubstr("failed to load model")));

  broken[8] = '\x7F';  // two billion tensors
  broken[11] = '\x7F';
  WriteAll(folder_ / "huge.gguf", broken);
  EXPECT_EQ(Import(folder_ / "huge.gguf").error().code(), Code::kInvalidArgument);

  WriteAll(folder_ / "text.gguf", "this is no model");
  EXPECT_THAT(Import(folder_ / "text.gguf").error().message(), HasSubstr("is no GGUF file"));
  EXPECT_TRUE(fs::is_empty(folder_ / "models"));
}

TEST_F(ModelImportTest, ANameIsGivenOnce) {
  SmallModel().Write(folder_ / "m", false);
  ASSERT_TRUE(Import(folder_ / "m", "x").has_value());
  EXPECT_EQ(Import(folder_ / "m", "x").error().code(), Code::kConflict);
}

}  // namespace
}  // namespace strata::provider
