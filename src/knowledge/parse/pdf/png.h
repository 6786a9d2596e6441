#pragma once
// A PNG writer (W3C PNG, 2nd edition): 8-bit RGB, no interlace, over zlib.

#include <string>

#include "base/result.h"

namespace strata::knowledge::pdf {

// `pixels`: `height` rows, `stride` bytes apart, of 4 bytes a pixel: red, green, blue, unused.
// kInternal when zlib fails.
Result<std::string> EncodePng(const unsigned char* pixels, int stride, int width, int height);

}  // namespace strata::knowledge::pdf
