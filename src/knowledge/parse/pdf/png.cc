#include "knowledge/parse/pdf/png.h"

#include <zlib.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/encoding.h"

namespace strata::knowledge::pdf {
namespace {

void AppendBigEndian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void AppendPngChunk(std::string& out, std::string_view type, std::string_view data) {
  AppendBigEndian(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = out.size();
  out.append(type).append(data);
  AppendBigEndian(out, Crc32(std::string_view(out).substr(from)));
}

// Rows with filter 2 (Up): the difference to the row above is mostly zero on a page of text.
std::vector<unsigned char> FilteredRows(const unsigned char* pixels, int stride, int width,
                                        int height) {
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  std::vector<unsigned char> out;
  out.reserve((row_bytes + 1) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    const unsigned char* row = pixels + static_cast<std::ptrdiff_t>(y) * stride;
    const unsigned char* above = y > 0 ? row - stride : nullptr;
    out.push_back(2);
    for (std::ptrdiff_t x = 0; x < width; ++x) {
      for (std::ptrdiff_t c = 0; c < 3; ++c) {
        const int up = above != nullptr ? above[4 * x + c] : 0;
        out.push_back(static_cast<unsigned char>(row[4 * x + c] - up));
      }
    }
  }
  return out;
}

}  // namespace

Result<std::string> EncodePng(const unsigned char* pixels, int stride, int width, int height) {
  const auto rows = FilteredRows(pixels, stride, width, height);
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string data(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(data.data()), &size, rows.data(),
                static_cast<uLong>(rows.size()), 6) != Z_OK) {
    return Fail(Code::kInternal, "PNG: zlib failed");
  }
  data.resize(size);
  std::string header;
  AppendBigEndian(header, static_cast<std::uint32_t>(width));
  AppendBigEndian(header, static_cast<std::uint32_t>(height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, deflate, filters, no interlace
  std::string out = "\x89PNG\r\n\x1A\n";
  AppendPngChunk(out, "IHDR", header);
  AppendPngChunk(out, "IDAT", data);
  AppendPngChunk(out, "IEND", "");
  return out;
}

}  // namespace strata::knowledge::pdf
