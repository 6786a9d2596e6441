// The header of a safetensors file: every offset returned lies inside the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "provider/llama/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::provider::llama;
  std::string_view file(reinterpret_cast<const char*>(data), size);
  auto tensors = ParseSafeTensors(file);
  if (!tensors.has_value()) return 0;
  for (const auto& [name, tensor] : *tensors) {
    if (tensor.begin > tensor.end || tensor.end > size) std::abort();
    if (tensor.type != TensorType::kOther && ReadFloats(file, tensor).size() != tensor.Elements()) {
      std::abort();
    }
  }
  return 0;
}
