#pragma once
// multipart/form-data, RFC 7578: the body of an upload, taken apart without a copy.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::net {

struct FormPart {
  std::string name;
  // "" is a name too: a part without the parameter is a plain field.
  std::optional<std::string> filename;
  std::string content_type;  // "" when the part does not say
  std::string_view body;     // of the whole body that was given, which must outlive it
};

// Limits of one form; beyond them it is refused.
inline constexpr std::size_t kFormPartsMax = 32;
inline constexpr std::size_t kFormHeadBytesMax = 8 * 1024;  // header fields of one part
inline constexpr std::size_t kFormBoundaryMax = 70;         // RFC 2046

// `content_type`: the request's header, with the boundary. The parts in their order. Errors:
// kInvalidArgument (another content type, no boundary, a part that does not end, header fields that
// are none, a part without a name), kTooLarge (a limit).
Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, std::string_view body);

}  // namespace strata::net
