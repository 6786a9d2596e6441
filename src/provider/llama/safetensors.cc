#include "provider/llama/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <boost/json.hpp>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"

namespace strata::provider::llama {
namespace {

namespace json = boost::json;

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kDimensionsMax = 8;

std::unexpected<Error> Broken(std::string_view what) {
  return Fail(Code::kInvalidArgument, fmt::format("model.safetensors: {}", what));
}

struct TypeName {
  std::string_view name;
  TensorType type;
  std::uint64_t bytes;
};

constexpr TypeName kTypes[] = {
    {"F32", TensorType::kF32, 4},       {"F16", TensorType::kF16, 2},
    {"BF16", TensorType::kBf16, 2},     {"F64", TensorType::kOther, 8},
    {"I64", TensorType::kOther, 8},     {"I32", TensorType::kOther, 4},
    {"I16", TensorType::kOther, 2},     {"I8", TensorType::kOther, 1},
    {"U8", TensorType::kOther, 1},      {"BOOL", TensorType::kOther, 1},
    {"U64", TensorType::kOther, 8},     {"U32", TensorType::kOther, 4},
    {"U16", TensorType::kOther, 2},     {"F8_E4M3", TensorType::kOther, 1},
    {"F8_E5M2", TensorType::kOther, 1},
};

std::optional<std::uint64_t> Unsigned(const json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) {
    return static_cast<std::uint64_t>(value.get_int64());
  }
  return std::nullopt;
}

// nullopt: not an array of at most `count_max` whole numbers.
std::optional<std::vector<std::uint64_t>> UnsignedArray(const json::value* value,
                                                        std::size_t count_max) {
  if (value == nullptr || !value->is_array() || value->get_array().size() > count_max) {
    return std::nullopt;
  }
  std::vector<std::uint64_t> numbers;
  for (const auto& member : value->get_array()) {
    auto number = Unsigned(member);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

const TypeName* FindType(const json::value* value) {
  if (value == nullptr || !value->is_string()) return nullptr;
  std::string_view name(value->get_string());
  const auto* found =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](auto& t) { return t.name == name; });
  return found == std::end(kTypes) ? nullptr : found;
}

// nullopt: the product does not fit.
std::optional<std::uint64_t> BytesOf(const std::vector<std::uint64_t>& shape, std::uint64_t size) {
  std::uint64_t bytes = size;
  for (auto dimension : shape) {
    if (dimension != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / dimension) {
      return std::nullopt;
    }
    bytes *= dimension;
  }
  return bytes;
}

Result<SafeTensor> ParseTensor(std::string_view name, const json::value& value,
                               std::uint64_t data_begin, std::uint64_t data_bytes) {
  if (!value.is_object()) return Broken(fmt::format("tensor {}: expected an object", name));
  const auto& object = value.get_object();
  const auto* type = FindType(object.if_contains("dtype"));
  if (type == nullptr) return Broken(fmt::format("tensor {}: dtype is unknown", name));
  auto shape = UnsignedArray(object.if_contains("shape"), kDimensionsMax);
  if (!shape) {
    return Broken(
        fmt::format("tensor {}: shape is not a list of at most {} sizes", name, kDimensionsMax));
  }
  auto offsets = UnsignedArray(object.if_contains("data_offsets"), 2);
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1] ||
      (*offsets)[1] > data_bytes) {
    return Broken(
        fmt::format("tensor {}: data_offsets lie outside the {} data bytes", name, data_bytes));
  }
  auto bytes = BytesOf(*shape, type->bytes);
  if (!bytes || *bytes != (*offsets)[1] - (*offsets)[0]) {
    return Broken(fmt::format("tensor {}: shape and data_offsets do not agree", name));
  }
  return SafeTensor{.type = type->type,
                    .shape = std::move(*shape),
                    .begin = data_begin + (*offsets)[0],
                    .end = data_begin + (*offsets)[1]};
}

Result<> CheckNoOverlap(const std::map<std::string, SafeTensor>& tensors) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.begin < tensor.end) spans.emplace_back(tensor.begin, tensor.end);
  }
  std::sort(spans.begin(), spans.end());
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].first < spans[i - 1].second) return Broken("two tensors overlap");
  }
  return {};
}

float FromHalf(std::uint16_t half) {
  std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  std::uint32_t exponent = (half >> 10) & 0x1FU;
  std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // zero and subnormal: mantissa · 2⁻²⁴
    float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  std::uint32_t bits = exponent == 31 ? 0x7F800000U : (exponent + 112) << 23;
  return std::bit_cast<float>(sign | bits | (mantissa << 13));
}

}  // namespace

std::uint64_t SafeTensor::Elements() const {
  std::uint64_t count = 1;
  for (auto dimension : shape) count *= dimension;
  return count;
}

Result<std::map<std::string, SafeTensor>> ParseSafeTensors(std::string_view file) {
  std::uint64_t header_bytes = 0;
  if (file.size() < sizeof(header_bytes)) return Broken("shorter than its 8-byte length field");
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));
  auto rest = file.size() - sizeof(header_bytes);
  if (header_bytes > rest || header_bytes > kSafeTensorsHeaderBytesMax) {
    return Broken(fmt::format("the header claims {} bytes; the file has {} and the limit is {}",
                              header_bytes, rest, kSafeTensorsHeaderBytesMax));
  }
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  auto header = json::parse(file.substr(sizeof(header_bytes), header_bytes), error, {}, options);
  if (error) return Broken(fmt::format("the header is not JSON: {}", error.message()));
  if (!header.is_object()) return Broken("the header is not a JSON object");
  if (header.get_object().size() > kSafeTensorsMax) {
    return Broken(fmt::format("more than {} tensors", kSafeTensorsMax));
  }
  std::map<std::string, SafeTensor> tensors;
  auto data_begin = sizeof(header_bytes) + header_bytes;
  for (const auto& member : header.get_object()) {
    if (member.key() == "__metadata__") continue;
    std::string name(member.key());
    STRATA_TRY(auto tensor,
               ParseTensor(name, member.value(), data_begin, file.size() - data_begin));
    tensors.emplace(std::move(name), std::move(tensor));
  }
  STRATA_CHECK_OK(CheckNoOverlap(tensors));
  return tensors;
}

std::vector<float> ReadFloats(std::string_view file, const SafeTensor& tensor) {
  STRATA_CHECK(tensor.type != TensorType::kOther && tensor.end <= file.size(),
               "not a float tensor");
  auto bytes = file.substr(tensor.begin, tensor.end - tensor.begin);
  std::vector<float> values(tensor.Elements());
  if (values.empty()) return values;
  if (tensor.type == TensorType::kF32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    values[i] = tensor.type == TensorType::kF16
                    ? FromHalf(half)
                    : std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
  }
  return values;
}

}  // namespace strata::provider::llama
