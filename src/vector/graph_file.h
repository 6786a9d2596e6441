#pragma once
// The form of a graph in a file: ids and fingerprints of its rows and who is linked with whom, not
// the vectors. A cache: whatever is wrong with it, the graph is built again. Links decide what is
// looked at, never what a row's score is, so that no file can bring back a wrong or removed row.
//
// Layout, little endian: header (kHeaderBytes), `nodes` ids of 8 bytes, `nodes` fingerprints of 4,
// then numbers of 4 bytes: for each node its level and, from level 0 up, a count and that many
// nodes; then pairs (twin, node). Last, 8 bytes: Hash64 of everything before.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::vector {

struct GraphHeader {
  std::uint32_t dimensions = 0;
  std::uint32_t links = 0;
  std::uint64_t seed = 0;
  std::int64_t generation = 0;  // of the rows' source, as the caller counts
  std::uint64_t nodes = 0;      // with twins
  std::uint64_t numbers = 0;    // that follow the fingerprints
  std::uint64_t twins = 0;
};

using GraphWriter = std::function<Result<void>(std::string_view)>;

// Collects the pieces of a file, hands them on in larger ones, and writes the checksum.
class GraphFileWriter {
 public:
  explicit GraphFileWriter(const GraphWriter& write) : write_(write) {}
  Result<void> Header(const GraphHeader& header);
  Result<void> Number32(std::uint32_t number);
  Result<void> Number64(std::uint64_t number);
  Result<void> Finish();

 private:
  Result<void> Add(const void* data, std::size_t size);
  Result<void> Flush();

  const GraphWriter& write_;
  std::vector<char> buffer_;
  std::uint64_t checksum_ = 0;
};

// A checked view of a file's bytes, which must outlive it.
class GraphFile {
 public:
  // kCorruption: cut short, changed, or not such a file. Everything that it later gives out is
  // checked here: nodes are below nodes(), counts within the header's links, twins are no nodes of
  // others.
  static Result<GraphFile> Parse(std::string_view bytes);

  const GraphHeader& header() const { return header_; }
  std::size_t nodes() const { return header_.nodes; }
  std::uint64_t id(std::size_t node) const;
  std::uint32_t fingerprint(std::size_t node) const;
  // Nodes in order, each with its links by level.
  void ForEachNode(
      const std::function<void(std::uint32_t node, const std::vector<std::vector<std::uint32_t>>&)>&
          take) const;
  void ForEachTwin(const std::function<void(std::uint32_t twin, std::uint32_t node)>& take) const;

 private:
  GraphFile(std::string_view bytes, const GraphHeader& header) : bytes_(bytes), header_(header) {}
  Result<void> Check() const;
  std::uint32_t Number(std::size_t at) const;  // of those after the fingerprints

  std::string_view bytes_;
  GraphHeader header_;
};

}  // namespace strata::vector
