#pragma once
// The header of a safetensors file: which tensor lies where. Own parser, as the file is hostile
// input. Source: the format's description, https://github.com/huggingface/safetensors#format: eight
// bytes little-endian length, that many bytes of JSON, then the data.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::provider::llama {

enum class TensorType : std::uint8_t { kF32, kF16, kBf16, kOther };

struct SafeTensor {
  TensorType type = TensorType::kOther;
  std::vector<std::uint64_t> shape;  // row-major, outermost first; at most 8 dimensions
  std::uint64_t begin = 0;           // byte offsets in the file; end is exclusive
  std::uint64_t end = 0;

  std::uint64_t Elements() const;  // product of the shape
};

inline constexpr std::uint64_t kSafeTensorsHeaderBytesMax = 16 << 20;
inline constexpr std::size_t kSafeTensorsMax = 65536;

// `file`: the whole file's bytes (a mapping). Every offset returned lies inside it, matches shape
// and type, and no two tensors overlap. kInvalidArgument says what is wrong with which tensor.
Result<std::map<std::string, SafeTensor>> ParseSafeTensors(std::string_view file);

// The tensor's elements as floats. `type` is not kOther.
std::vector<float> ReadFloats(std::string_view file, const SafeTensor& tensor);

}  // namespace strata::provider::llama
