#pragma once
// The vectors of one open knowledge base in memory, and the file beside kb-ID.db that keeps their
// graph over a restart. The graph is built in the background, by one thread for all bases; until it
// is there, and for what came since, a scan answers.

#include <cstdint>
#include <memory>
#include <string>

#include "base/pool.h"
#include "vector/graph_index.h"

namespace strata::knowledge {

struct VectorKeeperOptions {
  std::string database;    // kb-ID.db; when it is gone nothing is saved any more
  std::string graph_file;  // written by nobody else; lost, stale or damaged it is made again
  vector::GraphIndexOptions index;
};

// Thread-safe. The destructor waits for a step of background work, some 100 ms.
class VectorKeeper {
 public:
  // `pool` outlives the keeper; null: nothing is built in the background.
  VectorKeeper(VectorKeeperOptions options, Pool* pool);
  ~VectorKeeper();
  VectorKeeper(const VectorKeeper&) = delete;
  VectorKeeper& operator=(const VectorKeeper&) = delete;

  vector::VectorIndex& index();
  const vector::VectorIndex& index() const;
  vector::GraphIndex::GraphStats graph_stats() const;

  // The index holds what the database held at `generation`. The first call takes up the graph of
  // the file, and every call sees to what is left to do.
  void Followed(std::int64_t generation);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::knowledge
