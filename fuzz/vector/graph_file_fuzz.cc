// A graph's file, as it came and with fingerprints and checksum made right, which a fuzzer cannot
// guess: whatever is taken must only lead to rows that are there.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/rng.h"
#include "vector/graph_file.h"
#include "vector/graph_index.h"

namespace {

using namespace strata::vector;

constexpr std::size_t kRows = 24;
constexpr std::size_t kDimensions = 4;
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kNodesAt = 32;
constexpr std::size_t kPieceBytes = 1 << 18;  // what the checksum takes at a time

GraphIndexOptions Options() {
  return {.dimensions = kDimensions,
          .tier = {.exact_below = 1, .graph_from = 1, .random_row_cost = 0, .filter_cost = 0},
          .links = 4};
}

void Fill(GraphIndex& index) {
  strata::Rng rng(1);
  std::vector<std::uint64_t> ids(kRows);
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<float> rows(kRows * kDimensions);
  for (float& value : rows) value = static_cast<float>(rng.Gaussian());
  // Some are equal, so that there are twins.
  std::copy_n(rows.begin(), 3 * kDimensions, rows.begin() + 5 * kDimensions);
  if (!index.Upsert(ids, rows)) std::abort();
}

void LoadAndSearch(std::string_view bytes) {
  const auto file = GraphFile::Parse(bytes);
  if (!file) return;
  GraphIndex index(Options());
  Fill(index);
  static_cast<void>(index.Load(*file));
  const std::vector<float> query = {1, 0, 0.5F, -1};
  const auto all = index.Search(query, kRows);
  if (!all || all->size() != kRows) std::abort();
  index.Remove(std::vector<std::uint64_t>{0, 7});
  while (index.Tend(std::chrono::seconds(1))) {
  }
  const auto left = index.Search(query, 5, [](std::uint64_t id) { return id % 2 == 1; });
  if (!left || left->size() != 5) std::abort();
}

// Fingerprints of the rows above by id, from a file of theirs.
std::vector<std::uint32_t> Fingerprints() {
  GraphIndex index(Options());
  Fill(index);
  while (index.Tend(std::chrono::seconds(1))) {
  }
  std::string bytes;
  const auto saved = index.Save(1, [&](std::string_view piece) -> strata::Result<void> {
    bytes += piece;
    return {};
  });
  const auto file = GraphFile::Parse(bytes);
  if (!saved || !file) std::abort();
  std::vector<std::uint32_t> prints(kRows);
  for (std::size_t node = 0; node < file->nodes(); ++node) {
    prints[file->id(node)] = file->fingerprint(node);
  }
  return prints;
}

void MakeRight(std::string& bytes) {
  static const std::vector<std::uint32_t> prints = Fingerprints();
  if (bytes.size() < kHeaderBytes + sizeof(std::uint64_t)) return;
  std::uint64_t nodes = 0;
  std::memcpy(&nodes, bytes.data() + kNodesAt, sizeof(nodes));
  const std::size_t body = bytes.size() - sizeof(std::uint64_t);
  if (nodes <= (body - kHeaderBytes) / 12) {
    for (std::size_t node = 0; node < nodes; ++node) {
      std::uint64_t id = 0;
      std::memcpy(&id, bytes.data() + kHeaderBytes + node * 8, sizeof(id));
      const std::uint32_t print = prints[id % kRows];
      std::memcpy(bytes.data() + kHeaderBytes + nodes * 8 + node * 4, &print, sizeof(print));
    }
  }
  std::uint64_t checksum = 0;
  for (std::size_t at = 0; at < body; at += kPieceBytes) {
    checksum = strata::Hash64(std::string_view(bytes).substr(at, std::min(kPieceBytes, body - at)),
                              checksum);
  }
  std::memcpy(bytes.data() + body, &checksum, sizeof(checksum));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  LoadAndSearch(bytes);
  MakeRight(bytes);
  LoadAndSearch(bytes);
  return 0;
}
