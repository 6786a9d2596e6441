#pragma once
// WordPiece tokenizer of the uncased BERT family: the ids that Hugging Face's `BertTokenizerFast`
// makes from vocab.txt. Source: Devlin et al. 2018; the reference is BasicTokenizer +
// WordpieceTokenizer of google-research/bert.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::text {

// One piece and the bytes [begin, end) of the source text it stands for. Accents that normalising
// drops belong to the piece of their base letter.
struct WordPiece {
  std::int32_t id = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const WordPiece&, const WordPiece&) = default;
};

// Immutable once made; thread-safe; cheap to copy (the vocabulary is shared).
class WordPieces {
 public:
  // vocab.txt: one piece a line, the id is the line number from 0. Must hold [UNK], [CLS], [SEP]
  // and [PAD]. Errors: kNotFound (no such file), kInvalidArgument (a special piece is missing,
  // duplicates, more than 2^20 lines).
  static Result<WordPieces> Load(const std::string& vocab_path);
  static Result<WordPieces> Parse(std::string_view vocab_text);

  // Pieces of `text`, without [CLS] and [SEP], appended to `out`; stops after `pieces_max`. Any
  // bytes are accepted (malformed UTF-8 counts as U+FFFD, which BERT drops); text.size() must be
  // below 4 GiB. "[SEP]" in the text is plain text, so a document cannot forge a boundary. Pieces
  // come in order and do not overlap.
  void Encode(std::string_view text, std::vector<WordPiece>& out,
              std::size_t pieces_max = SIZE_MAX) const;
  // The same, ids only.
  void EncodeIds(std::string_view text, std::vector<std::int32_t>& out,
                 std::size_t pieces_max = SIZE_MAX) const;
  // What a model is fed: [CLS] pieces… [SEP], cut to `length_max` ids in all (at least 2).
  std::vector<std::int32_t> ModelInput(std::string_view text, std::size_t length_max) const;
  // Number of pieces without [CLS] and [SEP]; counting stops at `pieces_max`.
  std::size_t Count(std::string_view text, std::size_t pieces_max = SIZE_MAX) const;

  std::int32_t unknown_id() const;                // [UNK]
  std::int32_t start_id() const;                  // [CLS]
  std::int32_t end_id() const;                    // [SEP]
  std::int32_t padding_id() const;                // [PAD]
  std::size_t size() const;                       // pieces in the vocabulary
  std::string_view Piece(std::int32_t id) const;  // "##ing"; empty when `id` is out of range

 private:
  class Vocabulary;
  explicit WordPieces(std::shared_ptr<const Vocabulary> vocabulary);
  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace strata::text
