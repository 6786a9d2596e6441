#pragma once
// Rows of floats in JSON.

#include <cstdint>
#include <span>
#include <vector>

#include "dialect/embedding.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"

namespace strata::dialect {

// 2,048 rows of 4,096 floats, with room.
inline constexpr JsonLimits kVectorLimits{
    .bytes_max = 256u << 20, .depth_max = 32, .values_max = 10'000'000};

void WriteFloats(JsonWriter& out, std::span<const float> row);
Result<std::vector<float>> ReadFloats(const JsonField& list);

// Puts rows in order and checks that they are all there and equally long.
class RowCollector {
 public:
  explicit RowCollector(std::size_t count) : rows_(count) {}
  Result<> Set(std::size_t index, std::vector<float> row);
  Result<EmbeddingRows> Take(std::int64_t input_tokens);

 private:
  std::vector<std::vector<float>> rows_;
};

}  // namespace strata::dialect
