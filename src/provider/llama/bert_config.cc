#include "provider/llama/bert_config.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

namespace strata::provider::llama {
namespace {

namespace json = boost::json;

constexpr std::size_t kPiecesMax = 1 << 20;
constexpr std::size_t kPieceBytesMax = 1000;
constexpr std::size_t kPrefixBytesMax = 1000;

std::unexpected<Error> Broken(std::string_view file, std::string_view what) {
  return Fail(Code::kInvalidArgument, fmt::format("{}: {}", file, what));
}

Result<json::object> ParseObject(std::string_view file, std::string_view text) {
  if (text.empty()) return json::object();
  json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code error;
  auto value = json::parse(text, error, {}, options);
  if (error) return Broken(file, fmt::format("not JSON: {}", error.message()));
  if (!value.is_object()) return Broken(file, "not a JSON object");
  return std::move(value.get_object());
}

std::optional<std::int64_t> Integer(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

std::string Text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool IsFalse(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && !value->get_bool();
}

bool IsTrue(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// Limits that no BERT comes near, and that keep every product of two of them inside 64 bits.
struct Size {
  std::string_view key;
  std::int64_t BertConfig::* member;
  std::int64_t max;
};
constexpr Size kSizes[] = {
    {"num_hidden_layers", &BertConfig::layers, 128},
    {"hidden_size", &BertConfig::hidden, 16384},
    {"num_attention_heads", &BertConfig::heads, 256},
    {"intermediate_size", &BertConfig::feed_forward, 65536},
    {"max_position_embeddings", &BertConfig::positions, 32768},
    {"type_vocab_size", &BertConfig::token_types, 16},
    {"vocab_size", &BertConfig::vocabulary, kPiecesMax},
};

Result<> ReadArchitecture(const json::object& config, BertConfig& out) {
  auto type = Text(config, "model_type");
  if (type != "bert") {
    return Broken("config.json",
                  fmt::format("model_type is '{}'; only 'bert' can be converted (other models: "
                              "import their GGUF)",
                              type.substr(0, 64)));
  }
  for (const auto& size : kSizes) {
    auto value = Integer(config, size.key);
    if (!value || *value < 1 || *value > size.max) {
      return Broken("config.json",
                    fmt::format("{} is missing or outside 1..{}", size.key, size.max));
    }
    out.*size.member = *value;
  }
  if (out.hidden % out.heads != 0) {
    return Broken("config.json", "hidden_size is not a multiple of num_attention_heads");
  }
  if (auto act = Text(config, "hidden_act"); !act.empty() && act != "gelu") {
    return Broken("config.json",
                  fmt::format("hidden_act is '{}'; expected gelu", act.substr(0, 64)));
  }
  auto position = Text(config, "position_embedding_type");
  if (!position.empty() && position != "absolute") {
    return Broken("config.json", "position_embedding_type is not absolute");
  }
  const auto* epsilon = config.if_contains("layer_norm_eps");
  out.norm_epsilon = epsilon != nullptr && epsilon->is_double() ? epsilon->get_double() : 1e-12;
  if (!(out.norm_epsilon >= 0 && out.norm_epsilon < 1)) {
    return Broken("config.json", "layer_norm_eps is outside 0..1");
  }
  out.name = Text(config, "_name_or_path").substr(0, 200);
  return {};
}

Result<> ReadPooling(const json::object& pooling, BertConfig& out) {
  out.pooling = IsTrue(pooling, "pooling_mode_cls_token") ? Pooling::kCls : Pooling::kMean;
  if (IsTrue(pooling, "pooling_mode_max_tokens") ||
      IsTrue(pooling, "pooling_mode_mean_sqrt_len_tokens") ||
      (out.pooling == Pooling::kCls && IsTrue(pooling, "pooling_mode_mean_tokens"))) {
    return Broken("1_Pooling/config.json", "only mean or cls pooling, one of them, is known");
  }
  return {};
}

void ReadPrompts(const json::object& transformer, BertConfig& out) {
  const auto* prompts = transformer.if_contains("prompts");
  if (prompts == nullptr || !prompts->is_object()) return;
  out.query_prefix = Text(prompts->get_object(), "query").substr(0, kPrefixBytesMax);
  out.document_prefix = Text(prompts->get_object(), "document").substr(0, kPrefixBytesMax);
}

Result<> CheckPiece(std::string_view file, const std::string& piece, std::size_t id) {
  if (piece.size() > kPieceBytesMax || piece.find('\0') != std::string::npos) {
    return Broken(file, fmt::format("word piece {} is longer than {} bytes or holds a NUL", id,
                                    kPieceBytesMax));
  }
  return {};
}

}  // namespace

Result<BertConfig> ParseBertConfig(const BertFiles& files) {
  if (files.config.empty()) return Broken("config.json", "missing or empty");
  STRATA_TRY(auto config, ParseObject("config.json", files.config));
  STRATA_TRY(auto sentence, ParseObject("sentence_bert_config.json", files.sentence_bert));
  STRATA_TRY(auto pooling, ParseObject("1_Pooling/config.json", files.pooling));
  STRATA_TRY(auto transformer,
             ParseObject("config_sentence_transformers.json", files.sentence_transformer));
  STRATA_TRY(auto tokenizer, ParseObject("tokenizer_config.json", files.tokenizer_config));
  if (IsFalse(tokenizer, "do_lower_case")) {
    return Broken("tokenizer_config.json",
                  "do_lower_case is false; only uncased vocabularies can be converted");
  }
  BertConfig out;
  STRATA_CHECK_OK(ReadArchitecture(config, out));
  STRATA_CHECK_OK(ReadPooling(pooling, out));
  ReadPrompts(transformer, out);
  out.tokens_max = Integer(sentence, "max_seq_length").value_or(out.positions);
  if (out.tokens_max < 3 || out.tokens_max > out.positions) {
    return Broken("sentence_bert_config.json",
                  fmt::format("max_seq_length is outside 3..{}", out.positions));
  }
  return out;
}

Result<std::vector<std::string>> ParseVocabularyText(std::string_view vocab_txt) {
  std::vector<std::string> pieces;
  while (!vocab_txt.empty()) {
    auto end = vocab_txt.find('\n');
    auto line = vocab_txt.substr(0, end);
    vocab_txt = end == vocab_txt.npos ? std::string_view() : vocab_txt.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (pieces.size() == kPiecesMax) {
      return Broken("vocab.txt", fmt::format("more than {} word pieces", kPiecesMax));
    }
    pieces.emplace_back(line);
    STRATA_CHECK_OK(CheckPiece("vocab.txt", pieces.back(), pieces.size() - 1));
  }
  return pieces;
}

Result<std::vector<std::string>> ParseTokenizerJson(std::string_view tokenizer_json) {
  constexpr std::string_view kFile = "tokenizer.json";
  STRATA_TRY(auto tokenizer, ParseObject(kFile, tokenizer_json));
  const auto* model = tokenizer.if_contains("model");
  if (model == nullptr || !model->is_object()) return Broken(kFile, "model is missing");
  auto type = Text(model->get_object(), "type");
  if (!type.empty() && type != "WordPiece") return Broken(kFile, "model.type is not WordPiece");
  const auto* vocab = model->get_object().if_contains("vocab");
  if (vocab == nullptr || !vocab->is_object() || vocab->get_object().size() > kPiecesMax) {
    return Broken(
        kFile, fmt::format("model.vocab is not an object of at most {} word pieces", kPiecesMax));
  }
  std::vector<std::string> pieces(vocab->get_object().size());
  std::vector<bool> seen(pieces.size());
  for (const auto& member : vocab->get_object()) {
    if (!member.value().is_int64()) return Broken(kFile, "model.vocab has an id that is no number");
    auto id = static_cast<std::size_t>(member.value().get_int64());
    if (id >= pieces.size() || seen[id]) {
      return Broken(kFile, "the ids of model.vocab are not 0, 1, 2 … without gaps");
    }
    seen[id] = true;
    pieces[id] = std::string(member.key());
    STRATA_CHECK_OK(CheckPiece(kFile, pieces[id], id));
  }
  return pieces;
}

}  // namespace strata::provider::llama
