// The small files of a sentence-transformers folder. The first byte chooses which one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "provider/llama/bert_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::provider::llama;
  if (size == 0) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr const char* kGood =
      R"({"model_type":"bert","num_hidden_layers":1,"hidden_size":8,"num_attention_heads":2,
          "intermediate_size":16,"max_position_embeddings":16,"type_vocab_size":2,"vocab_size":9})";
  BertFiles files;
  files.config = kGood;
  switch (data[0] % 7) {
    case 0:
      files.config = text;
      break;
    case 1:
      files.sentence_bert = text;
      break;
    case 2:
      files.pooling = text;
      break;
    case 3:
      files.sentence_transformer = text;
      break;
    case 4:
      files.tokenizer_config = text;
      break;
    case 5:
      (void)ParseVocabularyText(text);
      return 0;
    default:
      (void)ParseTokenizerJson(text);
      return 0;
  }
  auto config = ParseBertConfig(files);
  if (config.has_value() && (config->tokens_max > config->positions || config->layers < 1)) {
    std::abort();
  }
  return 0;
}
