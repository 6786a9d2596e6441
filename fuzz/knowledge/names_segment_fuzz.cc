// A segment of a names graph with any bytes, as it came and with checksums made right, which a
// fuzzer cannot guess: claimed, walked and merged. What is merged must open, with the same
// passages.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "knowledge/graph/names_graph.h"

namespace {

using namespace strata::knowledge::graph;

constexpr std::size_t kFooterBytes = 36;

void WalkAndMerge(std::string_view bytes) {
  auto segment = NamesSegment::Open(bytes, nullptr);
  if (!segment) return;
  NamesGraph graph;
  graph.AddSegment(*segment, 1);
  for (std::uint32_t i = 0; i < (*segment)->passages(); ++i) {
    if (!graph.Claim((*segment)->Passage(i), (*segment)->Fingerprint(i))) std::abort();
  }
  const PassageShare seeds[] = {{.passage = 1, .share = 0.5}, {.passage = 3, .share = 1}};
  const PassageFilter filter = [](std::uint64_t passage) { return passage % 7 != 2; };
  for (const auto& found :
       graph.Walk("Is Gaby by Luis Mandoki of Mexico City?", seeds, filter).passages) {
    if (!graph.Has(found.passage) || !filter(found.passage)) std::abort();
  }
  graph.Remove(3);
  NamesPart part(*segment, 1);
  part.SetAll();
  std::string merged;
  const auto written =
      MergeNames(std::span(&part, 1), [&](std::string_view piece) -> strata::Result<> {
        merged += piece;
        return {};
      });
  if (!written) return;
  const auto again = NamesSegment::Open(merged, nullptr);
  if (!again || (*again)->passages() != (*segment)->passages()) std::abort();
}

// Numbers as in names_segment.h.
void MakeRight(std::string& bytes) {
  if (bytes.size() < kFooterBytes) return;
  const auto at = bytes.size() - kFooterBytes;
  const auto set = [&](std::size_t place, std::uint32_t value) {
    std::memcpy(bytes.data() + at + place, &value, sizeof(value));
  };
  set(16, strata::Crc32(std::string_view(bytes).substr(0, at)));
  set(20, kNamesVersion);
  set(24, strata::Crc32(std::string_view(bytes).substr(at, 24)));
  std::memcpy(bytes.data() + at + 28, "STRATNAM", 8);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  WalkAndMerge(bytes);
  MakeRight(bytes);
  WalkAndMerge(bytes);
  return 0;
}
