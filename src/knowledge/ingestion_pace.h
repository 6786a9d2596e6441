#pragma once
// How far an ingestion job is and when it will have ended.

#include <chrono>
#include <cstdint>
#include <optional>

namespace strata::knowledge {

struct IngestionPace {
  std::int64_t documents = 0;  // that this run has to read
  std::int64_t done = 0;       // of them, indexed or failed
  // Absent until there is something to go by.
  std::optional<double> documents_per_minute;
  std::optional<std::chrono::seconds> left;
  friend bool operator==(const IngestionPace&, const IngestionPace&) = default;
};

}  // namespace strata::knowledge
