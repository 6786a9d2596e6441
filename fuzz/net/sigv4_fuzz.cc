// The Authorization header of SigV4, and the verifier behind it. Input: header, newline, target.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/sigv4.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto line = input.substr(0, input.find('\n'));
  (void)strata::net::ParseSigV4Authorization(line);
  strata::net::HttpRequest request;
  request.method = "POST";
  request.target = input.substr(std::min(line.size() + 1, input.size()));
  request.authority = "h";
  request.headers.Add("authorization", std::string(line));
  request.headers.Add("x-amz-date", "20261122T105459Z");
  strata::ManualClock clock(strata::WallTime{std::chrono::seconds(1'795'344'899)});
  auto verified = strata::net::VerifySigV4(
      request, clock, [](std::string_view) { return std::optional<std::string>("secret"); });
  // Nobody guesses an HMAC.
  if (verified.has_value()) std::abort();
  return 0;
}
