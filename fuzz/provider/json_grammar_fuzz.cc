// A caller's JSON schema: refused with the field's name, or turned into a grammar of bounded size.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "provider/llama/json_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::provider::llama;
  auto grammar = GrammarOfSchema({reinterpret_cast<const char*>(data), size}, "schema");
  if (grammar.has_value() ? grammar->size() > kGrammarBytesMax
                          : grammar.error().field() != "schema") {
    std::abort();
  }
  return 0;
}
