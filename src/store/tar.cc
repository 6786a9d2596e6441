#include "store/tar.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::store {
namespace {

// Offsets and sizes of the fields used.
struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kTime{136, 12}, kChecksum{148, 8}, kMagic{257, 8}, kPrefix{345, 155};
constexpr std::size_t kType = 156;
constexpr std::uint64_t kOctalSizeMax = 077777777777ULL;

void Put(std::string& block, Field field, std::string_view text) {
  text.copy(block.data() + field.at, field.size);
}

std::string_view Get(std::string_view block, Field field) {
  auto text = block.substr(field.at, field.size);
  return text.substr(0, text.find('\0'));
}

unsigned Checksum(std::string_view block) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTarBlock; ++i) {
    bool own = i >= kChecksum.at && i < kChecksum.at + kChecksum.size;
    sum += own ? static_cast<unsigned>(' ') : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::optional<std::uint64_t> Octal(std::string_view text) {
  std::uint64_t value = 0;
  bool any = false;
  for (char c : text) {
    if (c == ' ' || c == '\0') continue;
    if (c < '0' || c > '7' || value > (~std::uint64_t{0} >> 3)) return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> SizeOf(std::string_view block) {
  auto field = block.substr(kSize.at, kSize.size);
  if ((static_cast<unsigned char>(field[0]) & 0x80) == 0) return Octal(field);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto byte = static_cast<unsigned char>(field[i]);
    if (i == 0) byte &= 0x7f;
    if (i + 8 < field.size() && byte != 0) return std::nullopt;
    value = (value << 8) | byte;
  }
  return value >> 63 == 0 ? std::optional(value) : std::nullopt;
}

void PutSize(std::string& block, std::uint64_t bytes) {
  if (bytes <= kOctalSizeMax) {
    Put(block, kSize, fmt::format("{:011o}", bytes));
    return;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    block[kSize.at + kSize.size - 1 - i] = static_cast<char>(bytes >> (8 * i));
  }
  block[kSize.at] = static_cast<char>(0x80);
}

}  // namespace

Result<> CheckRelative(std::string_view name) {
  auto refuse = [&] {
    return Fail(Code::kInvalidArgument, "a name in the archive leaves its folder or is empty");
  };
  auto rest = name;
  while (true) {
    auto part = rest.substr(0, rest.find('/'));
    bool control = std::any_of(part.begin(), part.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (part.empty() || part == "." || part == ".." || control) return refuse();
    if (part.size() == rest.size()) return {};
    rest.remove_prefix(part.size() + 1);
  }
}

Result<std::string> TarHeader(const TarEntry& entry) {
  std::string block(kTarBlock, '\0');
  std::string_view name = entry.name;
  std::string_view prefix;
  if (name.size() > kName.size) {
    auto cut = name.find('/', name.size() - kName.size - 1);
    if (cut == name.npos || cut > kPrefix.size) {
      return Fail(Code::kUnsupported,
                  fmt::format("the name {} is too long for a tar archive; back up to a folder",
                              entry.name));
    }
    prefix = name.substr(0, cut);
    name.remove_prefix(cut + 1);
  }
  Put(block, kName, name);
  Put(block, kPrefix, prefix);
  Put(block, kMode, "0000600");
  Put(block, kUid, "0000000");
  Put(block, kGid, "0000000");
  PutSize(block, entry.bytes);
  Put(block, kTime, "00000000000");
  block[kType] = '0';
  Put(block, kMagic, std::string_view("ustar\00000", 8));
  Put(block, kChecksum, fmt::format("{:06o}", Checksum(block)));
  block[kChecksum.at + 7] = ' ';
  return block;
}

Result<std::optional<TarEntry>> ParseTarHeader(std::string_view block) {
  if (block.size() != kTarBlock) return Fail(Code::kCorruption, "a tar header is cut short");
  if (block.find_first_not_of('\0') == block.npos) return std::optional<TarEntry>();
  auto checksum = Octal(block.substr(kChecksum.at, kChecksum.size));
  if (!checksum || *checksum != Checksum(block)) {
    return Fail(Code::kCorruption, "a tar header has a wrong checksum");
  }
  if (block[kType] != '0' && block[kType] != '\0') {
    return Fail(Code::kUnsupported, "the archive holds something that is not a regular file");
  }
  auto bytes = SizeOf(block);
  if (!bytes) return Fail(Code::kCorruption, "a tar header has no size");
  TarEntry entry{std::string(Get(block, kName)), *bytes};
  auto prefix = Get(block, kPrefix);
  if (!prefix.empty()) entry.name = std::string(prefix) + "/" + entry.name;
  STRATA_CHECK_OK(CheckRelative(entry.name));
  return std::optional(std::move(entry));
}

}  // namespace strata::store
