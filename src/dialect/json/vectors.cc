#include "dialect/json/vectors.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/format_message.h"

namespace strata::dialect {

void WriteFloats(JsonWriter& out, std::span<const float> row) {
  // The shortest text of the float, not of the double next to it: half the bytes.
  std::string text = "[";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text += ',';
    if (std::isfinite(row[i])) {
      fmt::format_to(std::back_inserter(text), "{}", row[i]);
    } else {
      text += "null";
    }
  }
  text += ']';
  out.Raw(text);
}

Result<std::vector<float>> ReadFloats(const JsonField& list) {
  STRATA_CHECK_OK(list.ExpectArray());
  constexpr double kMax = std::numeric_limits<float>::max();
  std::vector<float> row;
  row.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto value, item.Double(-kMax, kMax));
    row.push_back(static_cast<float>(value));
  }
  return row;
}

Result<> RowCollector::Set(std::size_t index, std::vector<float> row) {
  if (row.empty() || !rows_[index].empty()) {
    return Fail(Code::kInvalidArgument, FormatMessage("row {} is empty or comes twice", index));
  }
  rows_[index] = std::move(row);
  return {};
}

Result<EmbeddingRows> RowCollector::Take(std::int64_t input_tokens) {
  EmbeddingRows out;
  out.input_tokens = input_tokens;
  if (rows_.empty()) return out;
  const auto width = rows_.front().size();
  out.dimensions = static_cast<int>(width);
  out.values.reserve(width * rows_.size());
  for (const auto& row : rows_) {
    if (row.size() != width) {
      return Fail(Code::kInvalidArgument, "the rows have different numbers of dimensions");
    }
    out.values.insert(out.values.end(), row.begin(), row.end());
  }
  return out;
}

}  // namespace strata::dialect
