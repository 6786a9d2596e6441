#include "knowledge/lexical/manifest.h"

#include <bit>

#include "base/encoding.h"
#include "knowledge/lexical/bytes.h"

namespace strata::knowledge::lexical {
namespace {

constexpr std::string_view kMagic = "STRATLXM";

std::unexpected<Error> Corrupt(std::string_view what) {
  return Fail(Code::kCorruption, "lexical manifest: " + std::string(what));
}

Result<std::shared_ptr<const Tombstones>> ReadTombstones(ByteReader& reader,
                                                         std::uint32_t documents,
                                                         std::uint64_t expected) {
  std::size_t words = (std::size_t{documents} + 63) / 64;
  if (reader.left() < words * sizeof(std::uint64_t)) return Corrupt("it is cut");
  auto deleted = std::make_shared<Tombstones>(documents);
  for (std::size_t i = 0; i < words; ++i) {
    for (auto word = reader.Integer<std::uint64_t>(); word != 0; word &= word - 1) {
      std::uint64_t ordinal = i * 64 + static_cast<std::uint64_t>(std::countr_zero(word));
      if (ordinal >= documents) return Corrupt("a deleted document does not exist");
      deleted->Add(static_cast<std::uint32_t>(ordinal));
    }
  }
  if (deleted->count() != expected) return Corrupt("the number of deleted documents is wrong");
  return deleted;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string body;
  AppendVarint(body, manifest.generation);
  AppendVarint(body, manifest.next_number);
  AppendVarint(body, manifest.title_weight);
  AppendVarint(body, manifest.segments.size());
  for (const Manifest::Entry& entry : manifest.segments) {
    AppendVarint(body, entry.number);
    AppendVarint(body, entry.documents);
    AppendVarint(body, entry.deleted ? entry.deleted->count() : 0);
    if (!entry.deleted || entry.deleted->count() == 0) continue;
    for (std::uint64_t word : entry.deleted->words()) AppendInteger(body, word);
  }
  std::string out(kMagic);
  AppendInteger(out, manifest.version);
  AppendInteger(out, Crc32(body));
  return out + body;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Bytes(kMagic.size()) != kMagic) return Corrupt("not a manifest");
  auto version = reader.Integer<std::uint32_t>();
  auto crc = reader.Integer<std::uint32_t>();
  if (!reader.ok() || version < kManifestVersionOldest || version > kManifestVersion) {
    return Corrupt("version " + std::to_string(version));
  }
  if (Crc32(bytes.substr(reader.at())) != crc) return Corrupt("the checksum is wrong");
  Manifest manifest;
  manifest.version = version;
  manifest.generation = reader.Varint();
  manifest.next_number = reader.Varint();
  manifest.title_weight = static_cast<std::uint32_t>(reader.Varint());
  std::uint64_t count = reader.Varint();
  if (count > reader.left()) return Corrupt("it is cut");
  for (std::uint64_t i = 0; i < count; ++i) {
    Manifest::Entry entry;
    entry.number = reader.Varint();
    std::uint64_t documents = reader.Varint();
    std::uint64_t deleted = reader.Varint();
    if (!reader.ok() || documents > kSegmentDocumentsMax || deleted > documents ||
        entry.number >= manifest.next_number) {
      return Corrupt("a segment's numbers are wrong");
    }
    entry.documents = static_cast<std::uint32_t>(documents);
    if (deleted > 0) {
      STRATA_TRY(entry.deleted, ReadTombstones(reader, entry.documents, deleted));
    }
    manifest.segments.push_back(std::move(entry));
  }
  if (!reader.ok() || reader.left() != 0) return Corrupt("its size does not fit");
  return manifest;
}

}  // namespace strata::knowledge::lexical
