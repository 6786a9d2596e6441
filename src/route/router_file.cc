#include "route/router_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/encoding.h"
#include "base/utf8.h"

namespace strata::route {
namespace {

constexpr std::string_view kMagic = "STRATARO";
constexpr std::uint32_t kFormat = 2;
constexpr std::uint32_t kFormatWithoutLengths = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 8;
constexpr std::size_t kCandidatesMax = 1000;
constexpr std::size_t kKindsMax = 10'000;

static_assert(std::endian::native == std::endian::little, "the file is little-endian");

// Writer and Reader have the same members, so that one description serves both directions.
class Writer {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  void Value(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void Text(const std::string& text) {
    Value(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void Numbers(const std::vector<T>& values) {
    Value(static_cast<std::uint32_t>(values.size()));
    if (values.empty()) return;
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  // Weights of words: mostly zeros, so only the others with their index.
  void Sparse(const std::vector<float>& values) {
    Value(static_cast<std::uint32_t>(values.size()));
    Value(
        static_cast<std::uint32_t>(std::ranges::count_if(values, [](float v) { return v != 0; })));
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      if (values[i] == 0) continue;
      Value(i);
      Value(values[i]);
    }
  }
  template <class T, class Item>
  void List(const std::vector<T>& items, std::size_t, Item item) {
    Value(static_cast<std::uint32_t>(items.size()));
    for (const auto& i : items) item(*this, i);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void Value(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      Value(byte);
      value = byte != 0;
      if (byte > 1) good_ = false;
    } else {
      if (left_.size() < sizeof(T)) return Fail();
      std::memcpy(&value, left_.data(), sizeof(T));
      left_.remove_prefix(sizeof(T));
      if constexpr (std::is_floating_point_v<T>) {
        if (!std::isfinite(value)) Fail();
      }
    }
  }
  void Text(std::string& text) {
    std::uint32_t size = 0;
    Value(size);
    if (size > 4096 || size > left_.size()) return Fail();
    text = left_.substr(0, size);
    left_.remove_prefix(size);
    if (!IsValidUtf8(text)) Fail();
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void Numbers(std::vector<T>& values) {
    std::uint32_t size = 0;
    Value(size);
    if (size > left_.size() / sizeof(T)) return Fail();
    values.resize(size);
    for (auto& v : values) Value(v);
  }
  void Sparse(std::vector<float>& values) {
    std::uint32_t size = 0;
    std::uint32_t used = 0;
    Value(size);
    Value(used);
    if (size > (std::uint32_t{1} << kWordBits) || used > left_.size() / 8) return Fail();
    values.assign(size, 0.0F);
    for (std::uint32_t k = 0; k < used; ++k) {
      std::uint32_t i = 0;
      float value = 0;
      Value(i);
      Value(value);
      if (i >= size) return Fail();
      values[i] = value;
    }
  }
  template <class T, class Item>
  void List(std::vector<T>& items, std::size_t max, Item item) {
    std::uint32_t size = 0;
    Value(size);
    // Every item takes at least four bytes.
    if (size > max || size > left_.size() / 4) return Fail();
    items.resize(size);
    for (auto& i : items) {
      if (!good_) return;
      item(*this, i);
    }
  }
  bool good() const { return good_; }
  bool finished() const { return good_ && left_.empty(); }

 private:
  void Fail() {
    good_ = false;
    left_ = {};
  }
  std::string_view left_;
  bool good_ = true;
};

template <class Archive, class Model>
void DescribeLinear(Archive& archive, Model& model) {
  archive.Sparse(model.sparse);
  archive.Numbers(model.dense);
  archive.Value(model.intercept);
}

template <class Archive, class C>
void DescribeCandidate(Archive& archive, C& candidate) {
  archive.Text(candidate.name);
  DescribeLinear(archive, candidate.quality);
  archive.Value(candidate.scale.slope);
  archive.Value(candidate.scale.offset);
  archive.Numbers(candidate.bands.upto);
  archive.Numbers(candidate.bands.low);
  archive.Numbers(candidate.bands.high);
  archive.Value(candidate.mean_quality);
  auto& cost = candidate.cost;
  archive.Value(cost.input_tokens_per_byte);
  DescribeLinear(archive, cost.log_output_tokens);
  archive.Value(cost.output_scale);
  archive.Value(cost.output_tokens_max);
  archive.Value(cost.input_price);
  archive.Value(cost.output_price);
}

template <class Archive, class K>
void DescribeKind(Archive& archive, K& kind) {
  archive.Text(kind.name);
  archive.Value(kind.rows);
  archive.Value(kind.strong);
  for (auto& c : kind.certificates) {
    archive.Value(c.tolerance);
    archive.Value(c.certified);
    archive.Value(c.margin);
    archive.Value(c.share_moved);
    archive.Value(c.ratio);
    archive.Value(c.saving);
    archive.Value(c.rows_for_a_fifth);
  }
}

template <class Archive, class C>
void DescribeCascade(Archive& archive, C& cascade) {
  archive.Value(cascade.strong);
  archive.Value(cascade.first);
  archive.Value(cascade.second);
  archive.Numbers(cascade.third);
  DescribeLinear(archive, cascade.settled);
  archive.Value(cascade.scale.slope);
  archive.Value(cascade.scale.offset);
}

template <class Archive, class State>
void Describe(Archive& archive, State& state, std::uint32_t format) {
  archive.Text(state.version);
  archive.Text(state.embedder);
  archive.Value(state.pair);
  archive.Value(state.confidence);
  archive.Numbers(state.measure_mean);
  archive.Numbers(state.measure_scale);
  archive.Sparse(state.word_weights);
  archive.List(state.candidates, kCandidatesMax,
               [](auto& a, auto& item) { DescribeCandidate(a, item); });
  archive.Value(state.length_mean);
  archive.Value(state.length_scale);
  archive.List(state.kinds, kKindsMax, [](auto& a, auto& item) { DescribeKind(a, item); });
  archive.Value(state.strong);
  archive.List(state.references, 1'000'000, [](auto& a, auto& item) {
    a.Text(item.id);
    a.Value(item.kind);
    a.Numbers(item.qualities);
  });
  archive.Numbers(state.reference_vectors);
  archive.Numbers(state.reference_forms);
  archive.Numbers(state.vector_quantiles);
  archive.Numbers(state.form_quantiles);
  if (format != kFormatWithoutLengths) archive.Numbers(state.length_quantiles);
  bool has_cascade = state.cascade.has_value();
  archive.Value(has_cascade);
  if constexpr (!std::is_const_v<State>) {
    if (has_cascade) state.cascade.emplace();
  }
  if (has_cascade) DescribeCascade(archive, *state.cascade);
}

bool SizesFit(const learn::LinearModel& model, std::size_t words, std::size_t dense) {
  return (model.sparse.size() == words || model.sparse.empty()) && model.dense.size() == dense;
}

bool CascadeFits(const RouterState& state, std::size_t words, std::size_t dense) {
  const auto& cascade = *state.cascade;
  const auto n = state.candidates.size();
  auto known = [&](std::int32_t m) { return m >= -1 && m < static_cast<std::int32_t>(n); };
  return cascade.strong < n && cascade.first < n && cascade.second < n &&
         cascade.third.size() == state.kinds.size() && std::ranges::all_of(cascade.third, known) &&
         SizesFit(cascade.settled, words, dense);
}

// Null when everything refers to something that is there.
const char* Inconsistency(const RouterState& state) {
  const auto words = std::size_t{1} << kWordBits;
  const auto kinds = state.kinds.size();
  if (state.candidates.size() < 2 || (state.pair && state.candidates.size() != 2)) {
    return "the number of candidates";
  }
  if (kinds == 0 || state.strong >= state.candidates.size()) return "the kinds";
  if (state.measure_mean.size() != kMeasures || state.measure_scale.size() != kMeasures ||
      state.word_weights.size() != words) {
    return "the features";
  }
  auto positive = [](float v) { return v > 0; };
  if (!std::ranges::all_of(state.measure_scale, positive) || !(state.length_scale > 0)) {
    return "a scale";
  }
  const auto references = state.references.size();
  if (references == 0 || state.reference_vectors.size() % references != 0 ||
      state.reference_vectors.empty() || state.reference_forms.size() != references * kMeasures) {
    return "the references";
  }
  const auto dense = kMeasures + state.reference_vectors.size() / references + kinds;
  for (const auto& c : state.candidates) {
    if (c.name.empty() || !SizesFit(c.quality, words, dense)) return "a candidate";
    if (!SizesFit(c.cost.log_output_tokens, 0, dense) || c.cost.output_tokens_max < 0) {
      return "a cost model";
    }
    if (c.bands.low.size() != c.bands.upto.size() || c.bands.high.size() != c.bands.upto.size()) {
      return "the bands";
    }
  }
  for (const auto& kind : state.kinds) {
    if (kind.strong >= state.candidates.size()) return "a kind";
  }
  for (const auto& r : state.references) {
    if (r.kind >= kinds || r.qualities.size() != state.candidates.size()) return "a reference";
  }
  if (state.cascade && !CascadeFits(state, words, dense)) return "the cascade";
  bool sorted = std::ranges::is_sorted(state.vector_quantiles) &&
                std::ranges::is_sorted(state.form_quantiles) &&
                std::ranges::is_sorted(state.length_quantiles);
  return sorted ? nullptr : "the distances";
}

}  // namespace

std::string WriteRouter(const RouterState& state) {
  Writer content;
  Describe(content, state, kFormat);
  auto bytes = content.Take();
  Writer header;
  header.Value(kFormat);
  header.Value(Hash64(bytes));
  return std::string(kMagic) + header.Take() + bytes;
}

Result<RouterState> ReadRouter(std::string_view bytes) {
  auto broken = [](std::string_view what) {
    return Fail(Code::kCorruption, fmt::format("not a usable router file: {}", what));
  };
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return broken("wrong first bytes");
  Reader header(bytes.substr(kMagic.size(), kHeaderBytes - kMagic.size()));
  std::uint32_t format = 0;
  std::uint64_t checksum = 0;
  header.Value(format);
  header.Value(checksum);
  if (format != kFormat && format != kFormatWithoutLengths) {
    return Fail(
        Code::kUnsupported,
        fmt::format("the router file has format {}, this strata reads {}", format, kFormat));
  }
  auto content = bytes.substr(kHeaderBytes);
  if (Hash64(content) != checksum) return broken("the checksum differs");
  RouterState state;
  Reader reader(content);
  Describe(reader, state, format);
  if (!reader.finished()) return broken("cut off, too long, or a number out of range");
  if (const char* what = Inconsistency(state)) return broken(fmt::format("{} do not fit", what));
  return state;
}

}  // namespace strata::route
