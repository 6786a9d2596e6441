#include "vector/graph_file.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/encoding.h"

namespace strata::vector {
namespace {

constexpr std::uint64_t kMagic = 0x3148505247525453;  // "STRGRPH1"
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kBufferBytes = 1 << 18;  // also what the checksum takes at a time
constexpr std::uint32_t kLevelsMax = 16;
constexpr std::uint32_t kLinksMax = 64;

template <class T>
T Read(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::unexpected<Error> Corrupt(const char* what) {
  return Fail(Code::kCorruption, std::string("a graph file ") + what);
}

std::uint64_t ChecksumOf(std::string_view bytes) {
  std::uint64_t checksum = 0;
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), kBufferBytes);
    checksum = Hash64(bytes.substr(0, piece), checksum);
    bytes.remove_prefix(piece);
  }
  return checksum;
}

}  // namespace

Result<void> GraphFileWriter::Add(const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const std::size_t piece = std::min(size, kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), at, at + piece);
    at += piece;
    size -= piece;
    if (buffer_.size() == kBufferBytes) STRATA_CHECK_OK(Flush());
  }
  return {};
}

Result<void> GraphFileWriter::Flush() {
  const std::string_view piece(buffer_.data(), buffer_.size());
  checksum_ = Hash64(piece, checksum_);
  STRATA_CHECK_OK(write_(piece));
  buffer_.clear();
  return {};
}

Result<void> GraphFileWriter::Header(const GraphHeader& header) {
  STRATA_CHECK_OK(Number64(kMagic));
  STRATA_CHECK_OK(Number32(header.dimensions));
  STRATA_CHECK_OK(Number32(header.links));
  STRATA_CHECK_OK(Number64(header.seed));
  STRATA_CHECK_OK(Number64(static_cast<std::uint64_t>(header.generation)));
  STRATA_CHECK_OK(Number64(header.nodes));
  STRATA_CHECK_OK(Number64(header.numbers));
  STRATA_CHECK_OK(Number64(header.twins));
  return Number64(0);
}

Result<void> GraphFileWriter::Number32(std::uint32_t number) {
  return Add(&number, sizeof(number));
}
Result<void> GraphFileWriter::Number64(std::uint64_t number) {
  return Add(&number, sizeof(number));
}

Result<void> GraphFileWriter::Finish() {
  if (!buffer_.empty()) STRATA_CHECK_OK(Flush());
  return write_({reinterpret_cast<const char*>(&checksum_), sizeof(checksum_)});
}

Result<GraphFile> GraphFile::Parse(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) return Corrupt("is cut short");
  if (Read<std::uint64_t>(bytes, 0) != kMagic) return Corrupt("has another form");
  const std::size_t body = bytes.size() - kChecksumBytes;
  if (ChecksumOf(bytes.substr(0, body)) != Read<std::uint64_t>(bytes, body)) {
    return Corrupt("has another checksum");
  }
  GraphHeader header;
  header.dimensions = Read<std::uint32_t>(bytes, 8);
  header.links = Read<std::uint32_t>(bytes, 12);
  header.seed = Read<std::uint64_t>(bytes, 16);
  header.generation = Read<std::int64_t>(bytes, 24);
  header.nodes = Read<std::uint64_t>(bytes, 32);
  header.numbers = Read<std::uint64_t>(bytes, 40);
  header.twins = Read<std::uint64_t>(bytes, 48);
  const std::uint64_t most = body - kHeaderBytes;  // keeps the sum below from overflowing
  if (header.nodes > most / 12 || header.numbers > most / 4 || header.links > kLinksMax ||
      kHeaderBytes + header.nodes * 12 + header.numbers * 4 != body) {
    return Corrupt("has another length than it says");
  }
  GraphFile file(bytes, header);
  STRATA_CHECK_OK(file.Check());
  return file;
}

Result<void> GraphFile::Check() const {
  std::size_t at = 0;
  std::vector<bool> empty(header_.nodes);
  for (std::size_t node = 0; node < header_.nodes; ++node) {
    if (at == header_.numbers) return Corrupt("ends within a node");
    const std::uint32_t level = Number(at++);
    if (level >= kLevelsMax) return Corrupt("has a node on a level that is too high");
    for (std::uint32_t i = 0; i <= level; ++i) {
      if (at == header_.numbers) return Corrupt("ends within a node");
      const std::uint32_t count = Number(at++);
      if (count > (i == 0 ? 2 : 1) * header_.links || count > header_.numbers - at) {
        return Corrupt("has a node with too many links");
      }
      for (std::uint32_t link = 0; link < count; ++link) {
        if (Number(at++) >= header_.nodes) return Corrupt("has a link to no node");
      }
      if (i == 0) empty[node] = count == 0;
    }
  }
  if (header_.twins > header_.nodes || header_.numbers - at != header_.twins * 2) {
    return Corrupt("has another number of twins than it says");
  }
  std::vector<bool> twins(header_.nodes);
  for (std::size_t i = at; i < header_.numbers; i += 2) {
    if (Number(i) >= header_.nodes || Number(i + 1) >= header_.nodes) {
      return Corrupt("has a twin of no node");
    }
    if (twins[Number(i)] || !empty[Number(i)]) return Corrupt("has a twin that is a node");
    twins[Number(i)] = true;
  }
  for (std::size_t i = at; i < header_.numbers; i += 2) {
    if (twins[Number(i + 1)]) return Corrupt("has a twin of a twin");
  }
  return {};
}

std::uint64_t GraphFile::id(std::size_t node) const {
  return Read<std::uint64_t>(bytes_, kHeaderBytes + node * 8);
}

std::uint32_t GraphFile::fingerprint(std::size_t node) const {
  return Read<std::uint32_t>(bytes_, kHeaderBytes + header_.nodes * 8 + node * 4);
}

std::uint32_t GraphFile::Number(std::size_t at) const {
  return Read<std::uint32_t>(bytes_, kHeaderBytes + header_.nodes * 12 + at * 4);
}

void GraphFile::ForEachNode(
    const std::function<void(std::uint32_t, const std::vector<std::vector<std::uint32_t>>&)>& take)
    const {
  std::size_t at = 0;
  std::vector<std::vector<std::uint32_t>> links;
  for (std::size_t node = 0; node < header_.nodes; ++node) {
    links.resize(Number(at++) + 1);
    for (auto& list : links) {
      list.resize(Number(at++));
      for (auto& link : list) link = Number(at++);
    }
    take(static_cast<std::uint32_t>(node), links);
  }
}

void GraphFile::ForEachTwin(const std::function<void(std::uint32_t, std::uint32_t)>& take) const {
  const std::size_t first = header_.numbers - 2 * header_.twins;
  for (std::size_t i = first; i < header_.numbers; i += 2) take(Number(i), Number(i + 1));
}

}  // namespace strata::vector
