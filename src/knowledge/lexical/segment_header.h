#pragma once
// The header of a segment file: magic, version u32, CRC-32 of the rest u32; documents, terms, title
// weight u32; for each section its place u64, size u64 and CRC-32 u32.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::knowledge::lexical {

constexpr std::string_view kSegmentMagic = "STRATLEX";
constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::size_t kSections = 5;
constexpr std::size_t kHeaderBytes = 8 + 2 * 4 + 3 * 4 + kSections * 20;
constexpr std::uint32_t kTermsPerBlock = 16;

}  // namespace strata::knowledge::lexical
