#pragma once
// Ends of ingestion jobs that could not be written, as the disk was full: who asks for a job hears
// of its end from here until it stands in the file. What a process takes with it is run again by
// the next.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/kb_types.h"

namespace strata::knowledge {

// Thread-safe.
class JobEnds {
 public:
  struct End {
    JobStatus status = JobStatus::kFailed;
    std::vector<std::string> reasons;  // at least one
  };

  void Keep(const std::string& job_id, End end) {
    std::lock_guard lock(mutex_);
    ends_[job_id] = std::move(end);
  }
  void Forget(const std::string& job_id) {
    std::lock_guard lock(mutex_);
    ends_.erase(job_id);
  }
  std::optional<End> Of(const std::string& job_id) const {
    std::lock_guard lock(mutex_);
    auto at = ends_.find(job_id);
    return at == ends_.end() ? std::nullopt : std::optional(at->second);
  }
  // What the file says of a job, with the end that it does not know.
  void Overlay(IngestionJob& job) const {
    auto end = Of(job.id);
    if (!end || IsFinal(job.status)) return;
    job.status = end->status;
    job.failure_reasons.insert(job.failure_reasons.begin(), end->reasons.begin(),
                               end->reasons.end());
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, End> ends_;
};

}  // namespace strata::knowledge
