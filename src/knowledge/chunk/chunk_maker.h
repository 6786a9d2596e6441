#pragma once
// Atoms to chunks: text, ids, pages, and the promise that nothing exceeds the embedder's limit.

#include <span>
#include <vector>

#include "knowledge/chunk/atoms.h"
#include "knowledge/chunker.h"

namespace strata::knowledge {

class ChunkMaker {
 public:
  // All outlive the maker.
  ChunkMaker(const domain::ParsedDocument& document, const ChunkOwner& owner,
             const ChunkRecipe& recipe, const TokenCounter& count);

  // One chunk from neighbouring atoms. Where the counter is not additive and the whole is too large
  // after all, it becomes two or more.
  void Add(std::span<const Atom> atoms, const std::string& context,
           const std::vector<std::string>& headings);

  std::vector<domain::Chunk> Take() { return std::move(chunks_); }

 private:
  void AddSpan(std::size_t start, std::size_t end, std::string context,
               const std::vector<std::string>& headings);
  std::vector<domain::PageRegion> PagesOf(std::size_t start, std::size_t end) const;

  const domain::ParsedDocument& document_;
  const ChunkOwner& owner_;
  const std::int64_t tokens_max_;
  const std::string version_;
  const TokenCounter& count_;
  std::vector<domain::Chunk> chunks_;
};

}  // namespace strata::knowledge
