#include "net/client/addresses.h"

#include <array>
#include <cstdint>

namespace strata::net {
namespace {

namespace ip = boost::asio::ip;

struct Range4 {
  std::uint32_t prefix;
  int bits;
};

constexpr std::uint32_t V4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr Range4 kNotPublic4[] = {
    {V4(0, 0, 0, 0), 8},      {V4(10, 0, 0, 0), 8},     {V4(100, 64, 0, 0), 10},
    {V4(127, 0, 0, 0), 8},    {V4(169, 254, 0, 0), 16}, {V4(172, 16, 0, 0), 12},
    {V4(192, 0, 0, 0), 24},   {V4(192, 0, 2, 0), 24},   {V4(192, 88, 99, 0), 24},
    {V4(192, 168, 0, 0), 16}, {V4(198, 18, 0, 0), 15},  {V4(198, 51, 100, 0), 24},
    {V4(203, 0, 113, 0), 24}, {V4(224, 0, 0, 0), 4},    {V4(240, 0, 0, 0), 4},
};

bool IsPublic4(std::uint32_t address) {
  for (auto range : kNotPublic4) {
    if (((address ^ range.prefix) >> (32 - range.bits)) == 0) return false;
  }
  return true;
}

std::uint32_t Embedded4(const ip::address_v6::bytes_type& bytes, std::size_t at) {
  return V4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool IsPublic6(const ip::address_v6& address) {
  auto bytes = address.to_bytes();
  auto word = [&](std::size_t i) { return bytes[2 * i] << 8 | bytes[2 * i + 1]; };
  bool zeros_to_10 = true;
  for (std::size_t i = 0; i < 10; ++i) zeros_to_10 &= bytes[i] == 0;
  if (zeros_to_10 && word(5) == 0xffff) return IsPublic4(Embedded4(bytes, 12));  // mapped
  if (word(0) == 0x64 && word(1) == 0xff9b) {                                    // NAT64
    bool well_known = word(2) == 0 && word(3) == 0 && word(4) == 0 && word(5) == 0;
    return well_known && IsPublic4(Embedded4(bytes, 12));
  }
  if (word(0) == 0x2002) return IsPublic4(Embedded4(bytes, 2));    // 6to4
  if (word(0) == 0x2001 && (word(1) & 0xfe00) == 0) return false;  // 2001::/23: Teredo, ORCHID …
  if (word(0) == 0x2001 && word(1) == 0x0db8) return false;        // documentation
  if (word(0) == 0x3fff && word(1) < 0x1000) return false;         // documentation
  return (bytes[0] & 0xe0) == 0x20;  // 2000::/3 is all the global unicast there is
}

}  // namespace

bool IsPublicAddress(const ip::address& address) {
  return address.is_v4() ? IsPublic4(address.to_v4().to_uint()) : IsPublic6(address.to_v6());
}

}  // namespace strata::net
