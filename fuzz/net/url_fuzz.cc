// Addresses: what parses must parse to the same parts once it is written out again.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http.h"
#include "net/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)strata::net::QueryParameter(text, "a");
  auto url = strata::net::ParseUrl(text);
  if (!url.has_value()) return 0;
  auto written = (url->tls ? "https://" : "http://") + url->Authority() + url->target;
  auto again = strata::net::ParseUrl(written);
  if (!again.has_value() || again->host != url->host || again->port != url->port ||
      again->target != url->target) {
    std::abort();
  }
  return 0;
}
