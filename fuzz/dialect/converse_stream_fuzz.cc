// ConverseStream of Bedrock. The input holds one JSON event a line, "TYPE{…}", which is framed
// here, as random bytes would never pass the checksums; framing itself is event_stream_fuzz's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/bedrock.h"
#include "dialect/event_stream.h"
#include "stream_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string frames;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
    const auto brace = line.find('{');
    if (brace == line.npos || brace > 100) continue;
    frames += strata::dialect::EncodeEvent(line.substr(0, brace), line.substr(brace));
  }
  strata::dialect::DecodeStream(*strata::dialect::bedrock::MakeConverseStreamDecoder(), frames);
  return 0;
}
