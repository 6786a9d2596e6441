#include "vector/bit_codes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/rng.h"
#include "vector/kernels.h"

namespace strata::vector {
namespace {

constexpr int kRounds = 3;  // of two transforms that overlap; two would mix all dimensions
constexpr std::size_t kGroupBits = 4;
constexpr std::size_t kEntries = 16;  // of a group: sums that its four bits can have
constexpr std::size_t kUnit = kGroupBits * kCodeGroupsUnit;
constexpr float kNoRow = std::numeric_limits<float>::quiet_NaN();

// Walsh–Hadamard, scaled to keep lengths; the size is a power of two.
void Hadamard(std::span<float> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t start = 0; start < values.size(); start += 2 * half) {
      float* low = values.data() + start;
      float* high = low + half;
      for (std::size_t i = 0; i < half; ++i) {
        const float a = low[i];
        const float b = high[i];
        low[i] = a + b;
        high[i] = a - b;
      }
    }
  }
  const float scale = 1 / std::sqrt(static_cast<float>(values.size()));
  for (float& value : values) value *= scale;
}

void Multiply(std::span<float> values, const float* by) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= by[i];
}

// The best of what is offered, kept in twice the place that is asked for and thinned out when it is
// full: cheaper than a heap when a thousand are wanted of a million.
class Best {
 public:
  explicit Best(std::size_t wanted) : wanted_(wanted) { kept_.reserve(2 * wanted); }

  float threshold() const { return threshold_; }
  void Take(ScoredSlot candidate) {
    kept_.push_back(candidate);
    if (kept_.size() == 2 * wanted_) Thin();
  }
  std::vector<ScoredSlot> Done() && {
    if (kept_.size() > wanted_) Thin();
    return std::move(kept_);
  }

 private:
  void Thin() {
    const auto edge = kept_.begin() + static_cast<std::ptrdiff_t>(wanted_) - 1;
    std::ranges::nth_element(kept_, edge, Better);
    threshold_ = edge->score;
    kept_.resize(wanted_);
  }

  const std::size_t wanted_;
  float threshold_ = std::numeric_limits<float>::lowest();
  std::vector<ScoredSlot> kept_;
};

// More room by an eighth: doubling would leave a quarter of the memory unused on average.
template <class T>
void Extend(std::vector<T>& values, std::size_t size, T value) {
  if (size > values.capacity()) values.reserve(size + size / 8);
  values.resize(size, value);
}

}  // namespace

Rotation::Rotation(std::size_t dimensions, std::uint64_t seed)
    : size_((dimensions + kUnit - 1) / kUnit * kUnit),
      half_(std::bit_floor(size_)),
      signs_(2 * kRounds * half_) {
  Rng rng(seed);
  for (float& sign : signs_) sign = rng.Below(2) == 0 ? 1.0F : -1.0F;
}

std::vector<float> Rotation::Turned(std::span<const float> row) const {
  std::vector<float> turned(size_);
  std::ranges::copy(row, turned.begin());
  const std::span<float> values = turned;
  const float* signs = signs_.data();
  for (int round = 0; round < kRounds; ++round) {
    for (auto part : {values.first(half_), values.last(half_)}) {
      Multiply(part, signs);
      Hadamard(part);
      signs += half_;
    }
  }
  return turned;
}

BitCodes::BitCodes(Rotation rotation, std::vector<float> centres)
    : rotation_(std::move(rotation)),
      centres_(std::move(centres)),
      groups_(rotation_.size() / kGroupBits),
      kernels_(BestCodeKernels()),
      lists_(centres_.size() / rotation_.size()) {
  STRATA_CHECK(!lists_.empty(), "codes need a list");
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    half_squares_.push_back(Dot(Centre(list), Centre(list)) / 2);
  }
}

std::size_t BitCodes::memory_bytes() const {
  std::size_t bytes = places_.capacity() * sizeof(Place) + centres_.capacity() * sizeof(float) +
                      lists_.capacity() * sizeof(List);
  for (const List& list : lists_) {
    bytes += list.codes.capacity() + list.factors.capacity() * sizeof(float) +
             list.slots.capacity() * sizeof(Slot);
  }
  return bytes;
}

void BitCodes::Resize(std::size_t slots) {
  for (std::size_t slot = slots; slot < places_.size(); ++slot) Clear(static_cast<Slot>(slot));
  Extend(places_, slots, Place());
}

void BitCodes::Shrink() {
  for (List& list : lists_) {
    list.codes.shrink_to_fit();
    list.factors.shrink_to_fit();
    list.slots.shrink_to_fit();
  }
}

// By Euclid's distance, which is what the length of the difference is about.
std::size_t BitCodes::NearestList(std::span<const float> turned) const {
  std::size_t nearest = 0;
  float best = std::numeric_limits<float>::lowest();
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    const float score = Dot(turned, Centre(list)) - half_squares_[list];
    if (score > best) {
      best = score;
      nearest = list;
    }
  }
  return nearest;
}

std::uint8_t* BitCodes::Bits(List& list, std::size_t row, bool& upper) const {
  const std::size_t block = row / kCodeBlockRows;
  const std::size_t in_block = row % kCodeBlockRows;
  upper = in_block >= kCodeGroupBytes;
  return list.codes.data() + block * groups_ * kCodeGroupBytes + in_block % kCodeGroupBytes;
}

void BitCodes::Append(List& list, Slot slot, std::span<const float> difference) {
  const std::size_t row = list.slots.size();
  Extend(list.slots, row + 1, slot);
  if (row % kCodeBlockRows == 0) {
    Extend(list.codes, list.codes.size() + groups_ * kCodeGroupBytes, std::uint8_t{0});
    Extend(list.factors, list.factors.size() + kCodeBlockRows, kNoRow);
  }
  float magnitudes = 0;
  for (const float value : difference) magnitudes += std::abs(value);
  list.factors[row] = magnitudes > 0 ? Dot(difference, difference) / magnitudes : 0;
  bool upper = false;
  std::uint8_t* at = Bits(list, row, upper);
  for (std::size_t group = 0; group < groups_; ++group, at += kCodeGroupBytes) {
    unsigned bits = 0;
    for (std::size_t bit = 0; bit < kGroupBits; ++bit) {
      bits |= static_cast<unsigned>(difference[group * kGroupBits + bit] > 0) << bit;
    }
    *at = static_cast<std::uint8_t>(upper ? (*at & 0x0F) | bits << 4 : (*at & 0xF0) | bits);
  }
}

void BitCodes::MoveRow(List& list, std::size_t from, std::size_t to) {
  bool from_upper = false;
  bool to_upper = false;
  const std::uint8_t* source = Bits(list, from, from_upper);
  std::uint8_t* target = Bits(list, to, to_upper);
  for (std::size_t at = 0; at < groups_ * kCodeGroupBytes; at += kCodeGroupBytes) {
    const unsigned bits = from_upper ? source[at] >> 4 : source[at] & 0x0F;
    const unsigned kept = target[at] & (to_upper ? 0x0F : 0xF0);
    target[at] = static_cast<std::uint8_t>(kept | (to_upper ? bits << 4 : bits));
  }
  list.factors[to] = list.factors[from];
  list.slots[to] = list.slots[from];
  places_[list.slots[to]].row = static_cast<std::uint32_t>(to);
}

void BitCodes::Clear(Slot slot) {
  Place& place = places_[slot];
  if (place.list == kNowhere) return;
  List& list = lists_[place.list];
  const std::size_t last = list.slots.size() - 1;
  if (place.row != last) MoveRow(list, last, place.row);
  list.factors[last] = kNoRow;
  list.slots.pop_back();
  if (last % kCodeBlockRows == 0) {
    list.codes.resize(list.codes.size() - groups_ * kCodeGroupBytes);
    list.factors.resize(list.factors.size() - kCodeBlockRows);
  }
  place = {};
}

void BitCodes::Set(Slot slot, std::span<const float> row) {
  Clear(slot);
  auto turned = rotation_.Turned(row);
  const std::size_t nearest = NearestList(turned);
  const auto centre = Centre(nearest);
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] -= centre[i];
  List& list = lists_[nearest];
  places_[slot] = {.list = static_cast<std::uint32_t>(nearest),
                   .row = static_cast<std::uint32_t>(list.slots.size())};
  Append(list, slot, turned);
}

BitCodes::Table BitCodes::MakeTable(std::span<const float> turned) const {
  std::vector<float> sums(groups_ * kEntries);
  Table table;
  float largest = 0;
  for (std::size_t group = 0; group < groups_; ++group) {
    const float* values = turned.data() + group * kGroupBits;
    float least = 0;
    for (std::size_t bit = 0; bit < kGroupBits; ++bit) least -= std::abs(values[bit]);
    for (std::size_t bits = 0; bits < kEntries; ++bits) {
      float sum = 0;
      for (std::size_t bit = 0; bit < kGroupBits; ++bit) {
        sum += (bits >> bit & 1U) != 0 ? values[bit] : -values[bit];
      }
      sums[group * kEntries + bits] = sum - least;
    }
    table.bias += least;
    largest = std::max(largest, -2 * least);
  }
  table.entries.assign(sums.size(), 0);
  if (largest <= 0) return table;
  table.step = largest / kCodeEntryMax;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto entry = std::lrint(sums[i] / table.step);
    table.entries[i] = static_cast<std::uint8_t>(std::clamp<long>(entry, 0, kCodeEntryMax));
  }
  return table;
}

std::vector<ScoredSlot> BitCodes::ListsByNearness(std::span<const float> turned) const {
  std::vector<ScoredSlot> order;
  order.reserve(lists_.size());
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    if (lists_[list].slots.empty()) continue;
    order.push_back({.score = Dot(turned, Centre(list)), .slot = static_cast<Slot>(list)});
  }
  std::ranges::sort(order, Better);
  return order;
}

std::vector<ScoredSlot> BitCodes::Scan(std::span<const float> query, std::size_t wanted,
                                       std::size_t rows,
                                       const std::function<bool(Slot)>& passes) const {
  if (wanted == 0) return {};
  const auto turned = rotation_.Turned(query);
  const Table table = MakeTable(turned);
  Best best(wanted);
  std::uint16_t sums[kCodeBlockRows];
  float estimates[kCodeBlockRows];
  std::size_t seen = 0;
  for (const auto& [base, number] : ListsByNearness(turned)) {
    if (seen >= rows) break;
    const List& list = lists_[number];
    seen += list.slots.size();
    for (std::size_t first = 0; first < list.slots.size(); first += kCodeBlockRows) {
      const std::uint8_t* codes =
          list.codes.data() + first / kCodeBlockRows * groups_ * kCodeGroupBytes;
      kernels_.sum_block(codes, table.entries.data(), groups_, sums);
      std::uint32_t passing = kernels_.pass_block(
          sums, list.factors.data() + first, {.bias = table.bias, .step = table.step, .base = base},
          best.threshold(), estimates);
      for (; passing != 0; passing &= passing - 1) {
        const auto row = static_cast<unsigned>(std::countr_zero(passing));
        const Slot slot = list.slots[first + row];
        if (passes && !passes(slot)) continue;
        best.Take({.score = estimates[row], .slot = slot});
      }
    }
  }
  return std::move(best).Done();
}

}  // namespace strata::vector
