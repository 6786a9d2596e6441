#pragma once
// Documents that wait for a segment: words and postings in memory.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "knowledge/lexical/postings.h"
#include "knowledge/lexical_index.h"
#include "text/search_words.h"

namespace strata::knowledge::lexical {

// Not thread-safe.
class IndexBuffer {
 public:
  explicit IndexBuffer(std::uint32_t title_weight) : title_weight_(title_weight) {}

  // Errors: kTooLarge (a text of more than 128 MiB).
  static Result<void> Check(const LexicalDocument& document);
  // Replaces a document with the same id. The document has passed Check.
  void Put(const LexicalDocument& document);
  // False when it is not here.
  bool Remove(std::uint64_t id);
  void Clear();

  bool empty() const { return by_id_.empty(); }
  std::size_t memory_bytes() const { return memory_bytes_; }
  // The bytes of a segment with all documents; the buffer keeps them.
  std::string MakeSegment() const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Document {
    std::uint64_t id = 0;
    std::uint64_t words = 0;
    bool live = true;
  };

  void AddWord(std::string_view word, std::uint32_t document, std::uint32_t times);

  const std::uint32_t title_weight_;
  text::SearchWordMaker words_;
  std::vector<Document> documents_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_id_;  // live ones
  std::unordered_map<std::string, std::vector<Posting>, Hash, std::equal_to<>> postings_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace strata::knowledge::lexical
