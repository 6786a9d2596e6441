#include "vector/coded_rows.h"

#include <algorithm>
#include <vector>

namespace strata::vector {
namespace {

constexpr std::size_t kListRows = 1000;  // of a list, on average
constexpr std::size_t kListsMax = 4096;  // what a new row is compared with while searches wait
constexpr std::size_t kSampleRows = 32;  // that a list's centre is found from
constexpr std::size_t kStepProducts = 50'000'000;  // multiplications, some milliseconds
constexpr std::size_t kStaleGrowth = 2;

}  // namespace

std::size_t CodedRows::memory_bytes() const {
  return (ready_ ? ready_->memory_bytes() : 0) + (fresh_ ? fresh_->memory_bytes() : 0);
}

void CodedRows::Set(BitCodes& codes, Slot slot) const {
  if (!rows_.alive(slot)) {
    codes.Clear(slot);
    return;
  }
  std::vector<float> row(rows_.rows().dimensions());
  rows_.rows().Get(slot, row);
  codes.Set(slot, row);
}

void CodedRows::Changed(Slot slot) {
  for (BitCodes* codes : {ready_.get(), fresh_.get()}) {
    if (codes == nullptr) continue;
    if (codes->slots() != rows_.slots()) codes->Resize(rows_.slots());
    if (slot < rows_.slots()) Set(*codes, slot);
  }
}

bool CodedRows::IsStale() const {
  return ready_ != nullptr && rows_.live() > kStaleGrowth * ready_rows_;
}

// Rows from all over, turned: as many as wanted or nearly so.
std::vector<float> CodedRows::Sample(std::size_t wanted) const {
  const Rotation rotation(rows_.rows().dimensions(), seed_);
  const std::size_t step = std::max<std::size_t>(1, rows_.live() / wanted);
  std::vector<float> sample;
  std::vector<float> row(rows_.rows().dimensions());
  std::size_t alive = 0;
  for (std::size_t slot = 0; slot < rows_.slots(); ++slot) {
    if (!rows_.alive(static_cast<Slot>(slot)) || alive++ % step != 0) continue;
    rows_.rows().Get(slot, row);
    const auto turned = rotation.Turned(row);
    sample.insert(sample.end(), turned.begin(), turned.end());
  }
  return sample;
}

void CodedRows::Start() {
  const std::size_t lists = std::clamp<std::size_t>(rows_.live() / kListRows, 1, kListsMax);
  const std::size_t size = Rotation(rows_.rows().dimensions(), seed_).size();
  training_ = std::make_unique<KMeans>(Sample(lists * kSampleRows), size, lists, seed_);
  fresh_rows_ = rows_.live();
}

bool CodedRows::Step() {
  if (training_) {
    if (training_->Step()) return true;
    Rotation rotation(rows_.rows().dimensions(), seed_);
    fresh_ = std::make_unique<BitCodes>(std::move(rotation), training_->TakeCentres());
    fresh_->Resize(rows_.slots());
    training_.reset();
    next_ = 0;
  }
  const std::size_t some = kStepProducts / (fresh_->lists() * rows_.rows().dimensions()) + 1;
  const std::size_t end = std::min(next_ + some, rows_.slots());
  for (; next_ < end; ++next_) Set(*fresh_, static_cast<Slot>(next_));
  if (next_ < rows_.slots()) return true;
  fresh_->Shrink();
  return false;
}

void CodedRows::Publish() {
  ready_ = std::move(fresh_);
  ready_rows_ = fresh_rows_;
}

void CodedRows::Drop() {
  training_.reset();
  ready_.reset();
  fresh_.reset();
}

}  // namespace strata::vector
