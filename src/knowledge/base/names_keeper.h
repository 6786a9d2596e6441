#pragma once
// The names graph of one open knowledge base, and the folder beside kb-ID.db that keeps it over a
// restart, as immutable segments. A file is as good as the passages that the database has: rows are
// never given twice, and a fingerprint says that a passage's text is still what its names were
// found in. So there is no generation to fit and nothing to follow: when a base is loaded each of
// its passages is claimed from the files, and what nobody claims is as if it were not there. A
// crash leaves old files, new ones, or both.

#include <functional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "knowledge/graph/names_graph.h"

namespace strata::knowledge {

struct NamesKeeperOptions {
  std::string database;  // kb-ID.db; when it is gone nothing is saved any more
  std::string folder;    // written by nobody else; lost or damaged it is made again; "": none
  std::size_t sealed_passages = 8192;  // that make a segment; fewer are found anew at a restart
};

// Thread-safe; Load and Tend: one of them at a time.
class NamesKeeper {
 public:
  explicit NamesKeeper(NamesKeeperOptions options) : options_(std::move(options)) {}

  std::size_t sealed_passages() const { return options_.sealed_passages; }

  // Maps the files, unless it has done so. A damaged one is logged and removed.
  void Load();
  // Takes up a passage as a file has it; false: none has it like that, and it must be added.
  bool Claim(std::uint64_t passage, std::uint32_t fingerprint);

  // The passage must not be here.
  void Add(std::uint64_t passage, const graph::PassageNames& names);
  void Remove(std::uint64_t passage);  // fine when it is not here
  bool Has(std::uint64_t passage) const;
  graph::GraphAnswer Walk(std::string_view question, std::span<const graph::PassageShare> seeds,
                          const graph::PassageFilter& filter) const;
  graph::NamesGraph::Stats stats() const;

  // Writes or rewrites one segment; not before every passage was claimed that can be. True: there
  // may be more to do. Ends early, with what was there before, when `closing` says so. What fails
  // is logged, and tried again by the next call.
  bool Tend(const std::function<bool()>& closing);

 private:
  std::string PathOf(std::uint64_t file) const;
  Result<std::shared_ptr<const graph::NamesSegment>> Write(
      std::span<const graph::NamesPart> parts, std::uint64_t file,
      const std::function<bool()>& closing) const;

  const NamesKeeperOptions options_;
  bool loaded_ = false;          // the files are mapped
  std::uint64_t next_file_ = 1;  // above all that there are
  mutable std::shared_mutex mutex_;
  graph::NamesGraph graph_;
};

}  // namespace strata::knowledge
