#pragma once
// The pace of the ingestion jobs that run, from what was read of them in the last minutes. In
// memory only: a job that goes on after a restart plans anew.

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "knowledge/ingestion_pace.h"

namespace strata::knowledge {

// Thread-safe. `clock` outlives it. Jobs that were not begun are passed over.
class PaceKeeper {
 public:
  explicit PaceKeeper(const Clock& clock) : clock_(clock) {}

  void Begin(const std::string& job, std::int64_t documents, std::int64_t bytes);
  // A share (0..1) of a document of `bytes` is embedded.
  void Within(const std::string& job, std::int64_t bytes, double share);
  void Done(const std::string& job, std::int64_t bytes);
  void End(const std::string& job);

  std::optional<IngestionPace> Of(const std::string& job) const;

 private:
  struct Sample {
    SteadyTime time;
    double work;
    std::int64_t documents;
  };
  struct Run {
    std::int64_t documents = 0;
    std::int64_t done = 0;
    double work = 0;       // in all, see WorkOf in the .cc
    double work_done = 0;  // whole documents
    std::deque<Sample> samples;
  };
  void Note(Run& run, double work_now);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Run, std::less<>> runs_;
};

}  // namespace strata::knowledge
