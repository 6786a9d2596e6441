// Bodies of ApplyGuardrail, and what is told of words that came from outside.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "server/api/guardrail_json.h"

namespace server = strata::server;
namespace guard = strata::guard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  static_cast<void>(server::DecodeApplyGuardrail(body));
  static_cast<void>(server::CheckGuardrail({.id = std::string(body), .field = "f"}, "a,b"));
  if (!strata::IsValidUtf8(body)) return 0;
  guard::Assessment found;
  found.Note("a", guard::Side::kInput, body, guard::Action::kMask);
  found.Note(body, guard::Side::kOutput, "x", guard::Action::kBlock);
  for (auto form : {server::TraceForm::kConverse, server::TraceForm::kInvoke}) {
    const server::GuardrailTrace trace{.found = found, .named = "a", .blocked = body};
    if (server::EncodeGuardrailTrace(trace, form).empty()) std::abort();
  }
  return 0;
}
