#include "knowledge/chunk/chunk_maker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "knowledge/chunk/parts_in.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kIdDigits = 32;  // 128 bits of SHA-256

std::string ChunkId(const ChunkOwner& owner, const domain::Chunk& chunk,
                    const std::string& version) {
  // Lengths in front, so that no two different tuples give the same bytes. Two data sources of a
  // knowledge base may list the same uri: only the document tells their chunks apart.
  const std::string bytes =
      fmt::format("{}:{}|{}:{}|{}-{}|{}:{}|{}", owner.document_id.size(), owner.document_id,
                  owner.source_uri.size(), owner.source_uri, chunk.start, chunk.end, version.size(),
                  version, chunk.text);
  return Sha256Hex(bytes).substr(0, kIdDigits);
}

}  // namespace

std::string EmbeddedText(const domain::Chunk& chunk) {
  return chunk.context.empty() ? chunk.text : chunk.context + '\n' + chunk.text;
}

std::string TableHeaderOf(std::string_view context) {
  const auto line = context.substr(context.rfind('\n') + 1);
  return line.starts_with('|') ? std::string(line) : std::string();
}

ChunkMaker::ChunkMaker(const domain::ParsedDocument& document, const ChunkOwner& owner,
                       const ChunkRecipe& recipe, const TokenCounter& count)
    : document_(document),
      owner_(owner),
      tokens_max_(recipe.tokens_max),
      version_(recipe.Version()),
      count_(count) {}

void ChunkMaker::Add(std::span<const Atom> atoms, const std::string& context,
                     const std::vector<std::string>& headings) {
  if (atoms.empty()) return;
  AddSpan(atoms.front().start, atoms.back().end, context, headings);
}

void ChunkMaker::AddSpan(std::size_t start, std::size_t end, std::string context,
                         const std::vector<std::string>& headings) {
  domain::Chunk chunk;
  chunk.document_id = owner_.document_id;
  chunk.start = start;
  chunk.end = end;
  chunk.text = document_.text.substr(start, end - start);
  chunk.context = std::move(context);
  chunk.tokens = count_(EmbeddedText(chunk));
  if (chunk.tokens > tokens_max_ && !chunk.context.empty()) {
    const bool text_fits = count_(chunk.text) <= tokens_max_;
    if (text_fits) return AddSpan(start, end, "", headings);
  }
  const std::size_t cut = chunk.tokens > tokens_max_ ? CutPoint(document_.text, start, end) : start;
  if (cut != start) {
    AddSpan(start, cut, chunk.context, headings);
    AddSpan(cut, end, chunk.context, headings);
    return;
  }
  const std::string_view blank = " \n\t";
  if (chunk.text.find_first_not_of(blank) == std::string::npos) return;
  chunk.headings = headings;
  chunk.pages = PagesOf(start, end);
  chunk.id = ChunkId(owner_, chunk, version_);
  chunks_.push_back(std::move(chunk));
}

std::vector<domain::PageRegion> ChunkMaker::PagesOf(std::size_t start, std::size_t end) const {
  std::vector<domain::PageRegion> pages;
  for (const auto& part : PartsIn(document_, start, end)) {
    for (const auto& line : part.lines) {
      if (line.end <= start || line.start >= end) continue;
      auto page = std::find_if(pages.begin(), pages.end(),
                               [&](const auto& region) { return region.page == line.page; });
      if (page == pages.end()) page = pages.insert(pages.end(), {line.page, {}});
      page->boxes.push_back(line.box);
    }
  }
  return pages;
}

}  // namespace strata::knowledge
