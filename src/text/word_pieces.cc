#include "text/word_pieces.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "text/bert_characters.h"

namespace strata::text {
namespace {

constexpr std::size_t kVocabularyMax = std::size_t{1} << 20;
constexpr std::size_t kWordCodePointsMax = 100;  // BERT: a longer word is unknown as a whole
constexpr std::size_t kWordBytesMax = 4 * kWordCodePointsMax;

// A trie over bytes, as one open-addressing table from (node, byte) to node. Node 0 is the root.
class PieceTrie {
 public:
  void Add(std::string_view piece, std::int32_t id) {
    std::uint32_t node = 0;
    for (char c : piece) node = FindOrAdd(node, static_cast<std::uint8_t>(c));
    ids_[node] = id;
  }

  // 0 when there is no such child: the root is nobody's child.
  std::uint32_t Child(std::uint32_t node, std::uint8_t byte) const {
    std::uint32_t key = Key(node, byte);
    for (std::uint32_t at = Slot(key);; at = (at + 1) & mask_) {
      const Entry& entry = entries_[at];
      if (entry.key == key) return entry.child;
      if (entry.child == 0) return 0;
    }
  }

  std::int32_t id(std::uint32_t node) const { return ids_[node]; }  // -1: no piece ends here

 private:
  struct Entry {
    std::uint32_t key = 0;
    std::uint32_t child = 0;  // 0: the slot is free
  };

  static std::uint32_t Key(std::uint32_t node, std::uint8_t byte) { return (node << 8) | byte; }
  std::uint32_t Slot(std::uint32_t key) const { return (key * 2654435761U) >> shift_ & mask_; }

  std::uint32_t FindOrAdd(std::uint32_t node, std::uint8_t byte) {
    if (std::uint32_t child = Child(node, byte); child != 0) return child;
    if (2 * ids_.size() >= entries_.size()) Grow();
    auto child = static_cast<std::uint32_t>(ids_.size());
    ids_.push_back(-1);
    Insert({.key = Key(node, byte), .child = child});
    return child;
  }

  void Insert(Entry entry) {
    std::uint32_t at = Slot(entry.key);
    while (entries_[at].child != 0) at = (at + 1) & mask_;
    entries_[at] = entry;
  }

  void Grow() {
    std::vector<Entry> old = std::exchange(entries_, {});
    entries_.resize(2 * old.size());
    mask_ = static_cast<std::uint32_t>(entries_.size() - 1);
    shift_ -= 1;
    for (const Entry& entry : old) {
      if (entry.child != 0) Insert(entry);
    }
  }

  std::vector<Entry> entries_ = std::vector<Entry>(1 << 10);  // a power of two, at most half full
  std::uint32_t mask_ = (1 << 10) - 1;
  std::uint32_t shift_ = 22;
  std::vector<std::int32_t> ids_ = {-1};
};

// One word after BERT's normalizing, with the source bytes of each of its bytes.
class Word {
 public:
  void Begin(std::size_t at) {
    size_ = code_points_ = 0;
    begin_ = end_ = at;
    direct_ = true;
  }

  // `character` stands at source bytes [at, at + size).
  void Add(const BertCharacter& character, std::size_t at, std::size_t size) {
    if (size_ == 0) begin_ = at;
    end_ = at + size;
    code_points_ += character.code_points;
    if (too_long()) return;
    bool one_to_one = character.size == 1 && size == 1 && at == begin_ + size_;
    if (!one_to_one && direct_) SpellOut();
    if (!direct_) {
      for (std::size_t i = 0; i < character.size; ++i) source_[size_ + i] = {at, at + size};
    }
    // All bytes of the character are copied, in one move; those past its size are overwritten by
    // the next.
    std::memcpy(bytes_.data() + size_, character.utf8.data(), character.utf8.size());
    size_ += character.size;
  }

  // A dropped mark belongs to the character before it.
  void Extend(std::size_t end) {
    if (size_ == 0 || too_long()) return;
    if (direct_) SpellOut();
    source_[size_ - 1].second = end;
    end_ = end;
  }

  bool empty() const { return size_ == 0; }
  bool too_long() const { return code_points_ > kWordCodePointsMax; }
  std::string_view bytes() const { return {bytes_.data(), size_}; }
  WordPiece Whole(std::int32_t id) const { return Make(id, begin_, end_); }
  // For bytes [from, to) of the normalized word.
  WordPiece Part(std::int32_t id, std::size_t from, std::size_t to) const {
    if (direct_) return Make(id, begin_ + from, begin_ + to);
    return Make(id, source_[from].first, source_[to - 1].second);
  }

 private:
  static WordPiece Make(std::int32_t id, std::size_t begin, std::size_t end) {
    return {.id = id,
            .begin = static_cast<std::uint32_t>(begin),
            .end = static_cast<std::uint32_t>(end)};
  }

  // From "byte i of the word is source byte begin + i" to one entry a byte.
  void SpellOut() {
    for (std::size_t i = 0; i < size_; ++i) source_[i] = {begin_ + i, begin_ + i + 1};
    direct_ = false;
  }

  std::array<char, kWordBytesMax + 16> bytes_;
  std::array<std::pair<std::size_t, std::size_t>, kWordBytesMax + 16> source_;
  std::size_t size_ = 0;
  std::size_t code_points_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool direct_ = true;
};

// The code point at `at`, whose sequence is well-formed and `size` bytes long.
char32_t Decode(std::string_view text, std::size_t at, std::size_t size) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (size == 1) return byte(0);
  auto code_point = static_cast<char32_t>(byte(0) & (0xFF >> (size + 1)));
  for (std::size_t i = 1; i < size; ++i) code_point = (code_point << 6) | (byte(i) & 0x3F);
  return code_point;
}

}  // namespace

class WordPieces::Vocabulary {
 public:
  Result<void> Fill(std::string_view text);

  // Calls take(WordPiece) → bool for each piece until it says false.
  template <class Take>
  void Scan(std::string_view text, const Take& take) const;

  std::string_view Piece(std::int32_t id) const {
    bool known = id >= 0 && static_cast<std::size_t>(id) < pieces_.size();
    return known ? pieces_[static_cast<std::size_t>(id)] : std::string_view();
  }
  std::size_t size() const { return pieces_.size(); }

  std::int32_t unknown = -1;
  std::int32_t start = -1;
  std::int32_t end = -1;
  std::int32_t padding = -1;

 private:
  template <class Take>
  bool Cut(const Word& word, const Take& take) const;

  std::string text_;  // what `pieces_` points into
  std::vector<std::string_view> pieces_;
  PieceTrie trie_;
  std::uint32_t suffix_root_ = 0;  // the node of "##"; 0: there are no suffixes
};

Result<void> WordPieces::Vocabulary::Fill(std::string_view text) {
  text_ = text;
  std::unordered_map<std::string_view, std::int32_t> ids;
  std::string_view rest = text_;
  while (!rest.empty()) {
    std::size_t line_end = std::min(rest.find('\n'), rest.size());
    std::string_view piece = rest.substr(0, line_end);
    rest.remove_prefix(std::min(line_end + 1, rest.size()));
    if (piece.ends_with('\r')) piece.remove_suffix(1);
    auto line = "vocabulary line " + std::to_string(pieces_.size() + 1);
    if (pieces_.size() == kVocabularyMax) {
      return Fail(Code::kInvalidArgument, "the vocabulary has more than 2^20 lines");
    }
    if (piece.empty()) return Fail(Code::kInvalidArgument, line + " is empty");
    auto id = static_cast<std::int32_t>(pieces_.size());
    if (!ids.emplace(piece, id).second) {
      return Fail(Code::kInvalidArgument, line + " repeats an earlier piece");
    }
    pieces_.push_back(piece);
    trie_.Add(piece, id);
  }
  using Special = std::pair<std::string_view, std::int32_t*>;
  for (auto [name, id] : {Special{"[UNK]", &unknown}, Special{"[CLS]", &start},
                          Special{"[SEP]", &end}, Special{"[PAD]", &padding}}) {
    auto found = ids.find(name);
    if (found == ids.end()) {
      return Fail(Code::kInvalidArgument, "the vocabulary lacks " + std::string(name));
    }
    *id = found->second;
  }
  if (std::uint32_t mark = trie_.Child(0, '#'); mark != 0) suffix_root_ = trie_.Child(mark, '#');
  return {};
}

// Longest piece first, from the left; a word with a rest that is no piece is unknown as a whole.
template <class Take>
bool WordPieces::Vocabulary::Cut(const Word& word, const Take& take) const {
  std::string_view bytes = word.bytes();
  if (word.too_long()) return take(word.Whole(unknown));
  struct Part {
    std::int32_t id;
    std::size_t from;
    std::size_t to;
  };
  std::array<Part, kWordBytesMax + 16> parts;
  std::size_t count = 0;
  for (std::size_t from = 0; from < bytes.size(); ++count) {
    std::uint32_t node = from == 0 ? 0 : suffix_root_;
    Part longest{.id = -1, .from = from, .to = from};
    if (from > 0 && node == 0) return take(word.Whole(unknown));
    for (std::size_t i = from; i < bytes.size(); ++i) {
      node = trie_.Child(node, static_cast<std::uint8_t>(bytes[i]));
      if (node == 0) break;
      if (trie_.id(node) >= 0) longest = {.id = trie_.id(node), .from = from, .to = i + 1};
    }
    if (longest.id < 0) return take(word.Whole(unknown));
    parts[count] = longest;
    from = longest.to;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!take(word.Part(parts[i].id, parts[i].from, parts[i].to))) return false;
  }
  return true;
}

template <class Take>
void WordPieces::Vocabulary::Scan(std::string_view text, const Take& take) const {
  const BertCharacter* table = BertTable();
  BertCharacter computed;
  Word word;
  word.Begin(0);
  for (std::size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    std::size_t size = 1;
    const BertCharacter* character = table + byte;
    if (byte >= 0x80) {
      size = Utf8SequenceSize(text, at);
      char32_t code_point = size == 0 ? 0xFFFD : Decode(text, at, size);
      size = std::max<std::size_t>(size, 1);
      character = table + code_point;
      if (code_point >= kBertTableSize) character = &(computed = MakeBertCharacter(code_point));
    }
    if (character->kind == BertKind::kWord) {
      word.Add(*character, at, size);
    } else if (character->kind == BertKind::kMark) {
      word.Extend(at + size);
    } else if (character->kind != BertKind::kDrop) {
      if (!word.empty() && !Cut(word, take)) return;
      word.Begin(at);
      if (character->kind == BertKind::kAlone) {
        word.Add(*character, at, size);
        if (!Cut(word, take)) return;
        word.Begin(at + size);
      }
    }
    at += size;
  }
  if (!word.empty()) Cut(word, take);
}

WordPieces::WordPieces(std::shared_ptr<const Vocabulary> vocabulary)
    : vocabulary_(std::move(vocabulary)) {}

Result<WordPieces> WordPieces::Load(const std::string& vocab_path) {
  std::ifstream file(vocab_path, std::ios::binary);
  if (!file) return Fail(NotFound("vocabulary file", vocab_path));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  auto made = Parse(text);
  if (!made) return Fail(std::move(made.error()).Because("reading " + vocab_path));
  return made;
}

Result<WordPieces> WordPieces::Parse(std::string_view vocab_text) {
  auto vocabulary = std::make_shared<Vocabulary>();
  STRATA_CHECK_OK(vocabulary->Fill(vocab_text));
  return WordPieces(std::move(vocabulary));
}

void WordPieces::Encode(std::string_view text, std::vector<WordPiece>& out,
                        std::size_t pieces_max) const {
  if (pieces_max == 0) return;
  vocabulary_->Scan(text, [&](const WordPiece& piece) {
    out.push_back(piece);
    return --pieces_max > 0;
  });
}

void WordPieces::EncodeIds(std::string_view text, std::vector<std::int32_t>& out,
                           std::size_t pieces_max) const {
  if (pieces_max == 0) return;
  vocabulary_->Scan(text, [&](const WordPiece& piece) {
    out.push_back(piece.id);
    return --pieces_max > 0;
  });
}

std::vector<std::int32_t> WordPieces::ModelInput(std::string_view text,
                                                 std::size_t length_max) const {
  std::vector<std::int32_t> ids = {start_id()};
  EncodeIds(text, ids, std::max<std::size_t>(length_max, 2) - 2);
  ids.push_back(end_id());
  return ids;
}

std::size_t WordPieces::Count(std::string_view text, std::size_t pieces_max) const {
  std::size_t count = 0;
  if (pieces_max == 0) return 0;
  vocabulary_->Scan(text, [&](const WordPiece&) { return ++count < pieces_max; });
  return count;
}

std::int32_t WordPieces::unknown_id() const { return vocabulary_->unknown; }
std::int32_t WordPieces::start_id() const { return vocabulary_->start; }
std::int32_t WordPieces::end_id() const { return vocabulary_->end; }
std::int32_t WordPieces::padding_id() const { return vocabulary_->padding; }
std::size_t WordPieces::size() const { return vocabulary_->size(); }
std::string_view WordPieces::Piece(std::int32_t id) const { return vocabulary_->Piece(id); }

}  // namespace strata::text
