// What the child that tried a model file printed, and NAME.json beside an imported model.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provider/llama/model_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto model = strata::provider::llama::ParseModelCard(text);
  if (model && model->kind != "chat" && model->kind != "embed") std::abort();
  return 0;
}
