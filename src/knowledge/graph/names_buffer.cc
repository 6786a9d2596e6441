#include "knowledge/graph/names_buffer.h"

#include <algorithm>

#include "knowledge/graph/names_segment.h"

namespace strata::knowledge::graph {

void NamesBuffer::Add(std::uint64_t passage, const PassageNames& names) {
  auto& entry = passages_[passage];
  entry.fingerprint = names.fingerprint;
  entry.mentions.reserve(names.titles.size() + names.text.names.size() + names.text.parts.size());
  const auto add = [&](NameId name, Hold hold) {
    entry.mentions.push_back(PackMention(name, hold));
    names_[name].push_back(PackMention(passage << 2, hold));
  };
  const auto is_title = [&](NameId name) { return std::ranges::binary_search(names.titles, name); };
  for (const auto name : names.titles) add(name, Hold::kTitle);
  for (const auto name : names.text.names) {
    if (!is_title(name)) add(name, Hold::kMention);
  }
  for (const auto name : names.text.parts) {
    if (!is_title(name)) add(name, Hold::kPart);
  }
}

bool NamesBuffer::Remove(std::uint64_t passage) {
  const auto found = passages_.find(passage);
  if (found == passages_.end()) return false;
  for (const auto mention : found->second.mentions) {
    const auto name = names_.find(NameOfMention(mention));
    std::erase(name->second, PackMention(passage << 2, HoldOfMention(mention)));
    if (name->second.empty()) names_.erase(name);
  }
  passages_.erase(found);
  return true;
}

std::span<const std::uint64_t> NamesBuffer::NamesOf(std::uint64_t passage) const {
  const auto found = passages_.find(passage);
  if (found == passages_.end()) return {};
  return found->second.mentions;
}

std::span<const std::uint64_t> NamesBuffer::PassagesOf(NameId name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) return {};
  return found->second;
}

Result<std::string> NamesBuffer::MakeSegment() const {
  std::vector<std::uint64_t> rows;
  for (const auto& [row, passage] : passages_) rows.push_back(row);
  std::ranges::sort(rows);
  std::vector<NameId> names;
  for (const auto& [name, mentions] : names_) names.push_back(name);
  std::ranges::sort(names);

  std::string bytes;
  const NamesSink sink = [&](std::string_view piece) -> Result<> {
    bytes += piece;
    return {};
  };
  NamesSegmentWriter writer(sink);
  for (const auto row : rows) {
    const auto& passage = passages_.at(row);
    writer.Passage(row, passage.fingerprint, static_cast<std::uint32_t>(passage.mentions.size()));
  }
  for (const auto row : rows) {
    for (const auto mention : passages_.at(row).mentions) writer.PassageMention(mention);
  }
  for (const auto name : names) {
    writer.Name(name, static_cast<std::uint32_t>(names_.at(name).size()));
  }
  for (const auto name : names) {
    for (const auto mention : names_.at(name)) {
      const auto row = std::ranges::lower_bound(rows, mention >> 2);
      writer.NameMention(static_cast<std::uint32_t>(row - rows.begin()), HoldOfMention(mention));
    }
  }
  STRATA_CHECK_OK(writer.Finish());
  return bytes;
}

std::size_t NamesBuffer::memory_bytes() const {
  constexpr std::size_t kAllocatorHeader = 16;
  std::size_t bytes = passages_.bucket_count() * (1 + 8 + sizeof(Passage)) +
                      names_.bucket_count() * (1 + 8 + sizeof(std::vector<std::uint64_t>));
  for (const auto& [row, passage] : passages_) {
    bytes += passage.mentions.capacity() * sizeof(std::uint64_t) + kAllocatorHeader;
  }
  for (const auto& [name, mentions] : names_) {
    bytes += mentions.capacity() * sizeof(std::uint64_t) + kAllocatorHeader;
  }
  return bytes;
}

}  // namespace strata::knowledge::graph
