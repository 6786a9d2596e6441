// The chunking strategies.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "knowledge/chunk/atoms.h"
#include "knowledge/chunk/chunk_maker.h"
#include "knowledge/chunk/heading_path.h"
#include "knowledge/chunker.h"
#include "knowledge/parse/document_check.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;
using domain::DocumentPart;
using domain::ParsedDocument;

bool IsBody(const DocumentPart& part) {
  return part.type != BlockType::kPageHeader && part.type != BlockType::kPageFooter;
}

// The header row of a table part, "" when it has none.
std::string_view HeaderRow(std::string_view table) { return table.substr(0, table.find('\n')); }

// Packs atoms of a document in order. One use.
class Packer {
 public:
  Packer(const ParsedDocument& document, const ChunkOwner& owner, const ChunkRecipe& recipe,
         const TokenCounter& count)
      : document_(document),
        recipe_(recipe),
        count_(count),
        by_structure_(recipe.strategy == ChunkStrategy::kStructure),
        path_(document.title),
        maker_(document, owner, recipe, count) {}

  std::vector<domain::Chunk> Run() {
    Open();
    for (std::size_t p = 0; p < document_.parts.size(); ++p) {
      const DocumentPart& part = document_.parts[p];
      if (!IsBody(part)) continue;
      auto atoms = AtomsOf(document_, p, AtomMax(), count_);
      if (atoms.empty()) continue;
      if (part.type == BlockType::kHeading) {
        AddHeading(part, atoms);
      } else {
        AddPart(part, atoms);
      }
    }
    Emit(open_);
    return maker_.Take();
  }

 private:
  // Atoms leave room for a heading path.
  std::int64_t AtomMax() const { return std::max<std::int64_t>(8, recipe_.tokens_target * 3 / 4); }
  std::int64_t ContextMax() const { return by_structure_ ? recipe_.tokens_max / 4 : 0; }
  std::int64_t OverlapMax() const { return recipe_.tokens_target * recipe_.overlap_percent / 100; }

  // Starts an empty chunk at the current place of the document.
  void Open() {
    open_.clear();
    open_tokens_ = 0;
    overlap_atoms_ = 0;
    opened_with_heading_ = false;
    opened_level_ = path_.level();
    SetContext(HeadingPath::OwnHeading::kNo);
    inside_table_ = false;
  }

  void SetContext(HeadingPath::OwnHeading own) {
    headings_ = path_.Names();
    context_ = by_structure_ ? FitPath(path_.Line(own), ContextMax(), count_) : "";
    context_tokens_ = context_.empty() ? 0 : count_(context_);
  }

  std::int64_t Room() const { return recipe_.tokens_target - context_tokens_ - open_tokens_; }

  void Append(const Atom& atom) {
    open_.push_back(atom);
    open_tokens_ += atom.tokens;
  }

  bool HasContent() const {
    return std::any_of(open_.begin(), open_.end(), [&](const Atom& atom) {
      return document_.parts[atom.part].type != BlockType::kHeading;
    });
  }

  void AddHeading(const DocumentPart& part, const std::vector<Atom>& atoms) {
    if (open_.size() == overlap_atoms_) Open();  // a section does not begin with another's end
    // A small section stays with its neighbours of the same rank; what follows a larger one, or is
    // of a higher or the top rank, starts a chunk of its own.
    const bool small = open_tokens_ * 3 < recipe_.tokens_target;
    const bool higher = opened_with_heading_ && (part.level < opened_level_ || part.level <= 1);
    std::int64_t tokens = 0;
    for (const auto& atom : atoms) tokens += atom.tokens;
    const bool stays = !by_structure_ || !HasContent() || (small && !higher);
    if (!open_.empty() && (!stays || tokens > Room())) Close(Overlap::kNo);
    path_.Enter(part.level, part.text);
    if (open_.empty()) {
      opened_with_heading_ = true;
      opened_level_ = part.level;
      SetContext(HeadingPath::OwnHeading::kYes);
    } else if (!HasContent()) {
      headings_ = path_.Names();
    }
    for (const auto& atom : atoms) Append(atom);
  }

  void AddPart(const DocumentPart& part, const std::vector<Atom>& atoms) {
    std::int64_t tokens = 0;
    for (const auto& atom : atoms) tokens += atom.tokens;
    const bool table = part.type == BlockType::kTable;
    const bool worth_closing = table || open_tokens_ * 2 >= recipe_.tokens_target;
    if (by_structure_ && tokens > Room() && HasContent() && worth_closing) {
      Close(table ? Overlap::kNo : Overlap::kYes);
    }
    for (std::size_t i = 0; i < atoms.size(); ++i) {
      if (atoms[i].tokens > Room() && HasContent()) {
        Close(table ? Overlap::kNo : Overlap::kYes);
        if (table && i > 0) EnterTable(part);
      }
      DropOverlapFor(atoms[i].tokens);
      Append(atoms[i]);
    }
    // What follows a table's last piece is not below its header row.
    if (inside_table_) Close(Overlap::kNo);
  }

  // Overlap gives way to what is new.
  void DropOverlapFor(std::int64_t tokens) {
    while (overlap_atoms_ > 0 && tokens > Room()) {
      open_tokens_ -= open_.front().tokens;
      open_.erase(open_.begin());
      --overlap_atoms_;
    }
  }

  // The chunk goes on with later rows: its context repeats the header row.
  void EnterTable(const DocumentPart& part) {
    inside_table_ = true;
    if (!by_structure_) return;
    const std::string_view header = HeaderRow(part.text);
    if (count_(header) > recipe_.tokens_max / 3) return;
    context_ += (context_.empty() ? "" : "\n") + std::string(header);
    context_tokens_ = count_(context_);
  }

  enum class Overlap : unsigned char { kNo, kYes };

  // Emits the open chunk. Headings at its end belong to what follows them.
  void Close(Overlap overlap) {
    std::vector<Atom> done = std::exchange(open_, {});
    std::vector<Atom> carried;
    while (done.size() > 1 && document_.parts[done.back().part].type == BlockType::kHeading) {
      carried.insert(carried.begin(), done.back());
      done.pop_back();
    }
    const bool has_headings = !carried.empty();
    if (!has_headings && overlap == Overlap::kYes) carried = Tail(done);
    Emit(done);
    Open();
    for (const auto& atom : carried) Append(atom);
    if (has_headings) {
      opened_with_heading_ = true;
      SetContext(HeadingPath::OwnHeading::kYes);
    } else {
      overlap_atoms_ = carried.size();
    }
  }

  // The last sentences of a chunk, as many as the overlap allows, never all of it.
  std::vector<Atom> Tail(const std::vector<Atom>& atoms) const {
    std::vector<Atom> tail;
    std::int64_t tokens = 0;
    for (std::size_t i = atoms.size(); i > 1; --i) {
      const Atom& atom = atoms[i - 1];
      const BlockType type = document_.parts[atom.part].type;
      tokens += atom.tokens;
      if (tokens > OverlapMax() || type == BlockType::kTable || type == BlockType::kHeading) break;
      tail.insert(tail.begin(), atom);
    }
    return tail;
  }

  void Emit(const std::vector<Atom>& atoms) {
    if (atoms.size() > overlap_atoms_) maker_.Add(atoms, context_, headings_);
  }

  const ParsedDocument& document_;
  const ChunkRecipe& recipe_;
  const TokenCounter& count_;
  const bool by_structure_;
  HeadingPath path_;
  ChunkMaker maker_;

  std::vector<Atom> open_;
  std::int64_t open_tokens_ = 0;
  std::size_t overlap_atoms_ = 0;  // of `open_`, at its front: emitted before
  bool opened_with_heading_ = false;
  bool inside_table_ = false;
  int opened_level_ = 0;
  std::string context_;
  std::int64_t context_tokens_ = 0;
  std::vector<std::string> headings_;
};

class PackingChunker final : public Chunker {
 public:
  PackingChunker(ChunkRecipe recipe, TokenCounter count)
      : recipe_(recipe), count_(std::move(count)) {}

  Result<std::vector<domain::Chunk>> Split(const ParsedDocument& document,
                                           const ChunkOwner& owner) const override {
    if (auto checked = CheckDocument(document); !checked) {
      return Fail(Code::kInvalidArgument, checked.error().message());
    }
    return Packer(document, owner, recipe_, count_).Run();
  }

  const ChunkRecipe& recipe() const override { return recipe_; }

 private:
  const ChunkRecipe recipe_;
  const TokenCounter count_;
};

class WholeChunker final : public Chunker {
 public:
  WholeChunker(ChunkRecipe recipe, TokenCounter count)
      : recipe_(recipe), count_(std::move(count)) {}

  Result<std::vector<domain::Chunk>> Split(const ParsedDocument& document,
                                           const ChunkOwner& owner) const override {
    if (auto checked = CheckDocument(document); !checked) {
      return Fail(Code::kInvalidArgument, checked.error().message());
    }
    std::vector<Atom> atoms;
    for (std::size_t p = 0; p < document.parts.size(); ++p) {
      const DocumentPart& part = document.parts[p];
      if (IsBody(part)) atoms.push_back({part.start, part.end, 0, p});
    }
    if (atoms.empty()) return std::vector<domain::Chunk>();
    const std::size_t start = atoms.front().start;
    const std::int64_t tokens =
        count_(std::string_view(document.text).substr(start, atoms.back().end - start));
    if (tokens > recipe_.tokens_max) {
      return Fail(Code::kTooLarge,
                  fmt::format("chunking strategy NONE: the document has {} tokens, the embedder "
                              "takes {}; use FIXED_SIZE or the default strategy",
                              tokens, recipe_.tokens_max));
    }
    ChunkMaker maker(document, owner, recipe_, count_);
    maker.Add(atoms, "", HeadingPath(document.title).Names());
    return maker.Take();
  }

  const ChunkRecipe& recipe() const override { return recipe_; }

 private:
  const ChunkRecipe recipe_;
  const TokenCounter count_;
};

}  // namespace

Result<std::unique_ptr<Chunker>> MakeChunker(ChunkRecipe recipe, TokenCounter count) {
  if (recipe.tokens_max < 16 || recipe.tokens_max > 1'000'000) {
    return std::unexpected(InvalidArgument("tokens_max", "must be from 16 to 1000000"));
  }
  if (recipe.tokens_target < 16 || recipe.tokens_target > recipe.tokens_max) {
    return std::unexpected(InvalidArgument(
        "tokens_target", fmt::format("must be from 16 to tokens_max, {}", recipe.tokens_max)));
  }
  if (recipe.overlap_percent < 0 || recipe.overlap_percent > 99) {
    return std::unexpected(InvalidArgument("overlap_percent", "must be from 0 to 99"));
  }
  if (!count) return std::unexpected(InvalidArgument("count", "no token counter"));
  // A word that is too long for the vocabulary is one token however long it is, and its vector says
  // nothing of it: such text counts by its bytes. Prose has 3 to 6 bytes a token.
  count = [count = std::move(count)](std::string_view text) {
    constexpr std::size_t kBytesOfATokenMax = 16;
    return std::max(count(text), static_cast<std::int64_t>(text.size() / kBytesOfATokenMax));
  };
  std::unique_ptr<Chunker> chunker;
  if (recipe.strategy == ChunkStrategy::kNone) {
    chunker = std::make_unique<WholeChunker>(recipe, std::move(count));
  } else {
    chunker = std::make_unique<PackingChunker>(recipe, std::move(count));
  }
  return chunker;
}

}  // namespace strata::knowledge
