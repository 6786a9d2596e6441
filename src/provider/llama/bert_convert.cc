// ConvertSentenceTransformer: a folder in sentence-transformers' layout to a GGUF of llama.cpp's
// `bert` architecture. Tensor names and the phantom-space vocabulary follow llama.cpp's
// conversion/bert.py.
#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <unordered_map>

#include "provider/llama/bert_config.h"
#include "provider/llama/gguf_keys.h"
#include "provider/llama/safetensors.h"
#include "provider/model_import.h"
#include "vector/mapped_file.h"

namespace strata::provider {
namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kSmallFileBytesMax = 64 << 20;

struct GgufDeleter {
  void operator()(gguf_context* context) const { gguf_free(context); }
};
struct GgmlDeleter {
  void operator()(ggml_context* context) const { ggml_free(context); }
};

// One tensor to write: its name in the GGUF, the one in the source, and its expected shape.
struct Wanted {
  std::string target;
  std::string source;
  std::vector<std::uint64_t> shape;
};

Result<std::string> ReadSmallFile(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::string();
  auto size = fs::file_size(path, error);
  if (error || size > kSmallFileBytesMax) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is not a file of at most {} bytes",
                                                    path.string(), kSmallFileBytesMax));
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return Fail(Code::kUnavailable, fmt::format("cannot read {}", path.string()));
  return std::move(text).str();
}

Result<BertFiles> ReadFiles(const fs::path& folder) {
  BertFiles files;
  STRATA_TRY(files.config, ReadSmallFile(folder / "config.json"));
  STRATA_TRY(files.sentence_bert, ReadSmallFile(folder / "sentence_bert_config.json"));
  STRATA_TRY(files.pooling, ReadSmallFile(folder / "1_Pooling" / "config.json"));
  STRATA_TRY(files.sentence_transformer,
             ReadSmallFile(folder / "config_sentence_transformers.json"));
  STRATA_TRY(files.tokenizer_config, ReadSmallFile(folder / "tokenizer_config.json"));
  return files;
}

Result<std::vector<std::string>> ReadVocabulary(const fs::path& folder) {
  STRATA_TRY(auto text, ReadSmallFile(folder / "vocab.txt"));
  if (!text.empty()) return ParseVocabularyText(text);
  STRATA_TRY(auto tokenizer, ReadSmallFile(folder / "tokenizer.json"));
  if (tokenizer.empty()) {
    return Fail(Code::kNotFound,
                fmt::format("{} has neither vocab.txt nor tokenizer.json", folder.string()));
  }
  return ParseTokenizerJson(tokenizer);
}

std::vector<Wanted> WantedTensors(const BertConfig& config) {
  auto u = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  auto hidden = u(config.hidden);
  auto wide = u(config.feed_forward);
  std::vector<Wanted> wanted = {
      {"token_embd.weight", "embeddings.word_embeddings.weight", {u(config.vocabulary), hidden}},
      {"position_embd.weight",
       "embeddings.position_embeddings.weight",
       {u(config.positions), hidden}},
      {"token_types.weight",
       "embeddings.token_type_embeddings.weight",
       {u(config.token_types), hidden}},
      {"token_embd_norm.weight", "embeddings.LayerNorm.weight", {hidden}},
      {"token_embd_norm.bias", "embeddings.LayerNorm.bias", {hidden}},
  };
  struct Part {
    const char* target;
    const char* source;
    std::uint64_t out, in;  // in == 0: a layer norm, a vector only
  };
  const std::array<Part, 8> parts = {{
      {"attn_q", "attention.self.query", hidden, hidden},
      {"attn_k", "attention.self.key", hidden, hidden},
      {"attn_v", "attention.self.value", hidden, hidden},
      {"attn_output", "attention.output.dense", hidden, hidden},
      {"attn_output_norm", "attention.output.LayerNorm", hidden, 0},
      {"ffn_up", "intermediate.dense", wide, hidden},
      {"ffn_down", "output.dense", hidden, wide},
      {"layer_output_norm", "output.LayerNorm", hidden, 0},
  }};
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    for (const auto& part : parts) {
      auto target = fmt::format("blk.{}.{}", layer, part.target);
      auto source = fmt::format("encoder.layer.{}.{}", layer, part.source);
      auto weight = part.in == 0 ? std::vector{part.out} : std::vector{part.out, part.in};
      wanted.push_back({target + ".weight", source + ".weight", std::move(weight)});
      wanted.push_back({target + ".bias", source + ".bias", {part.out}});
    }
  }
  return wanted;
}

// Some checkpoints prefix names with "bert." and call the layer norm's members gamma and beta.
std::map<std::string, SafeTensor> PlainNames(std::map<std::string, SafeTensor> tensors) {
  std::map<std::string, SafeTensor> plain;
  for (auto& [name, tensor] : tensors) {
    std::string_view rest = name;
    if (rest.starts_with("bert.")) rest.remove_prefix(5);
    std::string key(rest);
    if (key.ends_with(".gamma")) key = key.substr(0, key.size() - 6) + ".weight";
    if (key.ends_with(".beta")) key = key.substr(0, key.size() - 5) + ".bias";
    plain.emplace(std::move(key), std::move(tensor));
  }
  return plain;
}

Result<const SafeTensor*> FindTensor(const std::map<std::string, SafeTensor>& tensors,
                                     const Wanted& wanted) {
  auto found = tensors.find(wanted.source);
  if (found == tensors.end()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("model.safetensors: tensor {} is missing", wanted.source));
  }
  if (found->second.type == TensorType::kOther) {
    return Fail(Code::kInvalidArgument,
                fmt::format("model.safetensors: tensor {} is not F32, F16 or BF16", wanted.source));
  }
  if (found->second.shape != wanted.shape) {
    return Fail(Code::kInvalidArgument,
                fmt::format("model.safetensors: tensor {} has shape [{}]; config.json says [{}]",
                            wanted.source, fmt::join(found->second.shape, ", "),
                            fmt::join(wanted.shape, ", ")));
  }
  return &found->second;
}

// The GGUF under construction, with what its tensors point to.
class Writer {
 public:
  Writer() : gguf_(gguf_init_empty()) {}

  void Number(const std::string& key, std::int64_t value) {
    gguf_set_val_u32(gguf_.get(), key.c_str(), static_cast<std::uint32_t>(value));
  }
  void Real(const std::string& key, double value) {
    gguf_set_val_f32(gguf_.get(), key.c_str(), static_cast<float>(value));
  }
  void Text(const std::string& key, const std::string& value) {
    gguf_set_val_str(gguf_.get(), key.c_str(), value.c_str());
  }
  void Flag(const std::string& key, bool value) {
    gguf_set_val_bool(gguf_.get(), key.c_str(), value);
  }
  void TextList(const std::string& key, const std::vector<std::string>& values) {
    std::vector<const char*> pointers;
    for (const auto& value : values) pointers.push_back(value.c_str());
    gguf_set_arr_str(gguf_.get(), key.c_str(), pointers.data(), pointers.size());
  }
  void NumberList(const std::string& key, const std::vector<std::int32_t>& values) {
    gguf_set_arr_data(gguf_.get(), key.c_str(), GGUF_TYPE_INT32, values.data(), values.size());
  }

  // `bytes` outlives the Writer.
  void Tensors(std::string_view bytes, const std::vector<Wanted>& wanted,
               const std::vector<const SafeTensor*>& sources) {
    ggml_init_params params{};
    params.mem_size = ggml_tensor_overhead() * (wanted.size() + 1);
    params.no_alloc = true;
    ggml_.reset(ggml_init(params));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto& shape = wanted[i].shape;
      auto inner = static_cast<std::int64_t>(shape.back());
      auto* tensor = shape.size() == 1
                         ? ggml_new_tensor_1d(ggml_.get(), GGML_TYPE_F32, inner)
                         : ggml_new_tensor_2d(ggml_.get(), GGML_TYPE_F32, inner,
                                              static_cast<std::int64_t>(shape.front()));
      ggml_set_name(tensor, wanted[i].target.c_str());
      gguf_add_tensor(gguf_.get(), tensor);
      const void* data = bytes.data() + sources[i]->begin;
      if (sources[i]->type != TensorType::kF32) {
        converted_.push_back(ReadFloats(bytes, *sources[i]));
        data = converted_.back().data();
      }
      gguf_set_tensor_data(gguf_.get(), wanted[i].target.c_str(), data);
    }
  }

  // To `path`.new, synced, then renamed: a reader sees the old file or the whole new one.
  Result<> Save(const std::string& path) {
    auto fresh = fmt::format("{}.{}.new", path, ::getpid());
    FILE* file = std::fopen(fresh.c_str(), "wb");
    if (file == nullptr) return Fail(Code::kUnavailable, fmt::format("cannot write {}", fresh));
    bool good = gguf_write_to_file_ptr(gguf_.get(), file, false);
    good = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0 && good;
    good = std::fclose(file) == 0 && good;
    std::error_code error;
    if (good) fs::rename(fresh, path, error);
    if (!good || error) {
      fs::remove(fresh, error);
      return Fail(Code::kUnavailable, fmt::format("cannot write {} (disk full?)", path));
    }
    return {};
  }

 private:
  std::unique_ptr<gguf_context, GgufDeleter> gguf_;
  std::unique_ptr<ggml_context, GgmlDeleter> ggml_;
  std::vector<std::vector<float>> converted_;
};

void WriteArchitecture(const BertConfig& config, Writer& writer) {
  writer.Text("general.architecture", "bert");
  writer.Text("general.name", config.name);
  writer.Number("general.file_type", LLAMA_FTYPE_ALL_F32);
  writer.Number("bert.block_count", config.layers);
  writer.Number("bert.context_length", config.positions);
  writer.Number("bert.embedding_length", config.hidden);
  writer.Number("bert.feed_forward_length", config.feed_forward);
  writer.Number("bert.attention.head_count", config.heads);
  writer.Real("bert.attention.layer_norm_epsilon", config.norm_epsilon);
  writer.Flag("bert.attention.causal", false);
  writer.Number("bert.pooling_type", config.pooling == Pooling::kMean ? LLAMA_POOLING_TYPE_MEAN
                                                                      : LLAMA_POOLING_TYPE_CLS);
  writer.Number(kKeyTokensMax, config.tokens_max);
  writer.Text(kKeyQueryPrefix, config.query_prefix);
  writer.Text(kKeyDocumentPrefix, config.document_prefix);
}

// llama.cpp marks the start of a word (U+2581) where BERT marks its continuation ("##").
Result<> WriteVocabulary(const BertConfig& config, const std::vector<std::string>& pieces,
                         Writer& writer) {
  if (pieces.size() != static_cast<std::size_t>(config.vocabulary)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the vocabulary has {} word pieces; config.json says vocab_size {}",
                            pieces.size(), config.vocabulary));
  }
  struct Special {
    const char* piece;
    const char* key;
    bool needed;
  };
  constexpr Special kSpecials[] = {
      {"[UNK]", "tokenizer.ggml.unknown_token_id", true},
      {"[SEP]", "tokenizer.ggml.seperator_token_id", true},  // spelled so in llama.cpp
      {"[PAD]", "tokenizer.ggml.padding_token_id", true},
      {"[CLS]", "tokenizer.ggml.bos_token_id", true},
      {"[MASK]", "tokenizer.ggml.mask_token_id", false},
  };
  std::vector<std::string> phantom(pieces.size());
  std::vector<std::int32_t> types(pieces.size(), LLAMA_TOKEN_TYPE_NORMAL);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    phantom[i] = pieces[i].starts_with("##") ? pieces[i].substr(2) : "\u2581" + pieces[i];
  }
  for (const auto& special : kSpecials) {
    auto found = std::find(pieces.begin(), pieces.end(), special.piece);
    if (found == pieces.end()) {
      if (!special.needed) continue;
      return Fail(Code::kInvalidArgument,
                  fmt::format("the vocabulary has no {} word piece", special.piece));
    }
    auto id = found - pieces.begin();
    phantom[static_cast<std::size_t>(id)] = special.piece;
    types[static_cast<std::size_t>(id)] = LLAMA_TOKEN_TYPE_CONTROL;
    writer.Number(special.key, id);
  }
  writer.Text("tokenizer.ggml.model", "bert");
  writer.Text("tokenizer.ggml.pre", "jina-v2-en");
  writer.Number("tokenizer.ggml.token_type_count", config.token_types);
  writer.TextList("tokenizer.ggml.tokens", phantom);
  writer.NumberList("tokenizer.ggml.token_type", types);
  return {};
}

Result<> Convert(const fs::path& folder, const std::string& gguf_path) {
  STRATA_TRY(auto files, ReadFiles(folder));
  STRATA_TRY(auto config, ParseBertConfig(files));
  if (config.name.empty()) config.name = folder.filename().string();
  STRATA_TRY(auto pieces, ReadVocabulary(folder));
  STRATA_TRY(auto file, vector::MappedFile::Open((folder / "model.safetensors").string()));
  STRATA_TRY(auto parsed, ParseSafeTensors(file->bytes()));
  auto tensors = PlainNames(std::move(parsed));
  auto wanted = WantedTensors(config);
  std::vector<const SafeTensor*> sources;
  for (const auto& one : wanted) {
    STRATA_TRY(const auto* tensor, FindTensor(tensors, one));
    sources.push_back(tensor);
  }
  Writer writer;
  WriteArchitecture(config, writer);
  STRATA_CHECK_OK(WriteVocabulary(config, pieces, writer));
  writer.Tensors(file->bytes(), wanted, sources);
  return writer.Save(gguf_path);
}

}  // namespace
}  // namespace llama

Result<> ConvertSentenceTransformer(const std::string& folder, const std::string& gguf_path) {
  try {
    return llama::Convert(folder, gguf_path);
  } catch (const std::exception& e) {  // bad_alloc of a large model, file system surprises
    return Fail(Code::kUnavailable, fmt::format("converting {}: {}", folder, e.what()));
  }
}

}  // namespace strata::provider
