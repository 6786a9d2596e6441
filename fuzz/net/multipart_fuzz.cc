// multipart/form-data: a part's bytes are bytes of the body, and a form that was written is read.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/multipart.h"

namespace {

using strata::net::FormPart;
using strata::net::ParseMultipart;

void CheckInside(const std::vector<FormPart>& parts, std::string_view body) {
  const char* last = body.data();
  for (const auto& part : parts) {
    if (part.body.empty()) continue;
    if (part.body.data() < last) std::abort();
    last = part.body.data() + part.body.size();
    if (last > body.data() + body.size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  // The first line is the content type.
  const auto line = input.find('\n');
  const auto type = input.substr(0, line);
  const auto body = line == input.npos ? std::string_view() : input.substr(line + 1);
  if (auto parts = ParseMultipart(type, body); parts.has_value()) CheckInside(*parts, body);

  // A file with these bytes comes back whole, unless they hold the boundary.
  constexpr std::string_view kBoundary = "strata-fuzz-boundary";
  if (input.find(kBoundary) != input.npos) return 0;
  const auto form = "--" + std::string(kBoundary) +
                    "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n" +
                    std::string(input) + "\r\n--" + std::string(kBoundary) + "--\r\n";
  auto parts = ParseMultipart("multipart/form-data; boundary=" + std::string(kBoundary), form);
  if (!parts.has_value() || parts->size() != 1 || parts->front().body != input) std::abort();
  return 0;
}
