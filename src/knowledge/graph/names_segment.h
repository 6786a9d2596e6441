#pragma once
// One immutable part of a names graph, in a file or in memory: passages with the names in them, and
// names with the passages that hold them. A cache: whatever is wrong with it, it is made again of
// the passages' text.
//
// Layout, little endian, for P passages and N names:
//   P × (passage u64, ascending; fingerprint u32; end of its mentions u32)
//   mentions of passages u64: a name, and in the two low bits how it is held
//   N × (name u64, ascending; end of its mentions u32)
//   mentions of names u32: ordinal of a passage << 2, and how it holds the name
//   footer: P, N, mentions of passages, mentions of names, CRC-32 of all before: u32; version u32,
//     CRC-32 of the footer so far u32, "STRATNAM"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "knowledge/graph/names.h"

namespace strata::knowledge::graph {

// Also of how names are found in a text (names.h): segments of another version are made again.
inline constexpr std::uint32_t kNamesVersion = 1;
inline constexpr std::uint32_t kSegmentPassagesMax = 1U
                                                     << 30;  // so that an ordinal leaves two bits

// How a passage holds a name: its document is called so, it is in the text, or the end of a longer
// name there.
enum class Hold : std::uint8_t { kTitle, kMention, kPart };

// A name and how it is held, in the two bits that a NameId leaves; or a passage << 2 and the same.
inline std::uint64_t PackMention(std::uint64_t bits, Hold hold) {
  return bits | static_cast<std::uint64_t>(hold);
}
inline NameId NameOfMention(std::uint64_t mention) { return mention & ~std::uint64_t{3}; }
inline Hold HoldOfMention(std::uint64_t mention) { return static_cast<Hold>(mention & 3); }

// Immutable; thread-safe. Keeps what backs the bytes alive.
class NamesSegment {
 public:
  // Reads all bytes once. Errors: kCorruption (version, sizes, checksums, order of the passages).
  // What is in right order nowhere else leads to names that are not found, never out of the bytes.
  static Result<std::shared_ptr<const NamesSegment>> Open(std::string_view bytes,
                                                          std::shared_ptr<const void> owner);

  std::uint32_t passages() const { return passages_; }
  std::uint32_t names() const { return names_; }
  std::size_t bytes() const { return bytes_.size(); }

  std::uint64_t Passage(std::uint32_t ordinal) const;
  std::uint32_t Fingerprint(std::uint32_t ordinal) const;
  std::optional<std::uint32_t> FindPassage(std::uint64_t passage) const;
  NameId Name(std::uint32_t place) const;
  std::optional<std::uint32_t> FindName(NameId name) const;

  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  Range MentionsOfPassage(std::uint32_t ordinal) const;
  std::uint64_t PassageMention(std::uint32_t at) const;  // see PackMention
  Range MentionsOfName(std::uint32_t place) const;
  struct NameMention {
    std::uint32_t ordinal = 0;  // may be none of a passage, when the file is wrong
    Hold hold = Hold::kMention;
  };
  NameMention MentionOfName(std::uint32_t at) const;

 private:
  NamesSegment() = default;
  Result<> ReadFooter();

  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
  std::uint32_t passages_ = 0;
  std::uint32_t names_ = 0;
  std::uint32_t passage_mentions_ = 0;
  std::uint32_t name_mentions_ = 0;
  std::size_t passage_mentions_at_ = 0;
  std::size_t names_at_ = 0;
  std::size_t name_mentions_at_ = 0;
};

// Takes the bytes of a segment, piece by piece. What it fails with ends the writing.
using NamesSink = std::function<Result<>(std::string_view)>;

// Writes the numbers of a segment in the order of the layout; the caller sees to that.
class NamesSegmentWriter {
 public:
  explicit NamesSegmentWriter(const NamesSink& sink) : sink_(sink) {}

  void Passage(std::uint64_t passage, std::uint32_t fingerprint, std::uint32_t mentions);
  void PassageMention(std::uint64_t mention) { Add(mention); }
  void Name(NameId name, std::uint32_t mentions);
  void NameMention(std::uint32_t ordinal, Hold hold) {
    Add((ordinal << 2) | static_cast<std::uint32_t>(hold));
  }
  bool failed() const { return !result_.has_value(); }
  // Of the first thing that went wrong.
  Result<> Finish();

 private:
  template <class T>
  void Add(T value);
  void Flush();
  void Count(std::uint64_t& sum, std::uint32_t more);

  const NamesSink& sink_;
  std::string buffer_;
  std::uint32_t crc_ = 0;
  std::uint32_t passages_ = 0;
  std::uint32_t names_ = 0;
  std::uint64_t passage_mentions_ = 0;
  std::uint64_t name_mentions_ = 0;
  Result<> result_;
};

}  // namespace strata::knowledge::graph
