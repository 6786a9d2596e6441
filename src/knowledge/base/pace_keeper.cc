#include "knowledge/base/pace_keeper.h"

#include <algorithm>
#include <cmath>

namespace strata::knowledge {
namespace {

constexpr std::chrono::seconds kSampleEvery{1};
// What is older says little of the machine's load now.
constexpr std::chrono::minutes kWindow{2};
// Before, the first document's start-up is most of what is measured.
constexpr std::chrono::seconds kShortest{3};

// Time goes by bytes; a document costs as much as this many beside them.
double WorkOf(std::int64_t bytes) {
  constexpr double kOfDocument = 2048;
  return static_cast<double>(bytes) + kOfDocument;
}

double SecondsOf(SteadyTime::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void PaceKeeper::Begin(const std::string& job, std::int64_t documents, std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  auto& run = runs_[job] = Run();
  run.documents = documents;
  run.work = WorkOf(bytes) + WorkOf(0) * static_cast<double>(documents - 1);
  run.samples.push_back({.time = clock_.Steady(), .work = 0, .documents = 0});
}

void PaceKeeper::Within(const std::string& job, std::int64_t bytes, double share) {
  std::lock_guard lock(mutex_);
  auto at = runs_.find(job);
  if (at != runs_.end()) Note(at->second, at->second.work_done + WorkOf(bytes) * share);
}

void PaceKeeper::Done(const std::string& job, std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  auto at = runs_.find(job);
  if (at == runs_.end()) return;
  auto& run = at->second;
  ++run.done;
  run.work_done += WorkOf(bytes);
  Note(run, run.work_done);
}

void PaceKeeper::End(const std::string& job) {
  std::lock_guard lock(mutex_);
  runs_.erase(job);
}

// The newest sample is moved on until it is a second younger than the one before.
void PaceKeeper::Note(Run& run, double work_now) {
  const auto now = clock_.Steady();
  auto& samples = run.samples;
  const Sample sample{.time = now, .work = work_now, .documents = run.done};
  const bool replaces = samples.size() > 1 && now - samples[samples.size() - 2].time < kSampleEvery;
  if (replaces) {
    samples.back() = sample;
  } else {
    samples.push_back(sample);
  }
  while (samples.size() > 2 && now - samples[1].time > kWindow) samples.pop_front();
}

std::optional<IngestionPace> PaceKeeper::Of(const std::string& job) const {
  std::lock_guard lock(mutex_);
  auto at = runs_.find(job);
  if (at == runs_.end()) return std::nullopt;
  const auto& run = at->second;
  IngestionPace pace;
  pace.documents = run.documents;
  pace.done = run.done;
  const auto& first = run.samples.front();
  const auto& last = run.samples.back();
  // Up to now, so that a run that stands still is seen to.
  const auto time = clock_.Steady() - first.time;
  const double work = last.work - first.work;
  if (time < kShortest || work <= 0) return pace;
  const double left = std::max(0.0, run.work - last.work);
  pace.documents_per_minute =
      static_cast<double>(last.documents - first.documents) * 60 / SecondsOf(time);
  pace.left = std::chrono::seconds(std::llround(left * SecondsOf(time) / work));
  return pace;
}

}  // namespace strata::knowledge
