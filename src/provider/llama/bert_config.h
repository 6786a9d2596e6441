#pragma once
// What a sentence-transformers folder says of its model, read and checked: the small JSON files and
// the vocabulary. All of it is hostile input.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::provider::llama {

enum class Pooling : std::uint8_t { kMean, kCls };

struct BertConfig {
  std::string name;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t feed_forward = 0;
  std::int64_t positions = 0;  // rows of the position table
  std::int64_t token_types = 0;
  std::int64_t vocabulary = 0;
  double norm_epsilon = 0;
  std::int64_t tokens_max = 0;  // most word pieces it was trained to see, with the special ones
  Pooling pooling = Pooling::kMean;
  std::string query_prefix;  // "prompts" of the folder; put in front of what is embedded
  std::string document_prefix;
};

// Texts of the files; "" for one that is absent (only config.json is required). Errors:
// kInvalidArgument naming file and member.
struct BertFiles {
  std::string config;                // config.json
  std::string sentence_bert;         // sentence_bert_config.json
  std::string pooling;               // 1_Pooling/config.json
  std::string sentence_transformer;  // config_sentence_transformers.json
  std::string tokenizer_config;      // tokenizer_config.json
};
Result<BertConfig> ParseBertConfig(const BertFiles& files);

// One piece an entry, the index is the id. From vocab.txt (one a line), or from the "model" member
// of tokenizer.json (WordPiece only). At most 2^20 pieces, none longer than 1,000 bytes.
Result<std::vector<std::string>> ParseVocabularyText(std::string_view vocab_txt);
Result<std::vector<std::string>> ParseTokenizerJson(std::string_view tokenizer_json);

}  // namespace strata::provider::llama
