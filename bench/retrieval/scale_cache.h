#pragma once
// What bench_retrieval --scale measures on, made once: keyword indexes of several sizes and the
// vectors of all chunks, in files.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/gen/beir.h"
#include "bench/retrieval/bench.h"
#include "knowledge/lexical_index.h"
#include "vector/static_embedder.h"

namespace strata::bench {

// Chunks have the ids 0, 1, … Without a folder of the options it lives in a temporary one that goes
// with it. Not thread-safe.
class ScaleCache {
 public:
  ScaleCache(const SpeedOptions& options, const vector::StaticEmbedder& embedder);
  ~ScaleCache();
  ScaleCache(const ScaleCache&) = delete;
  ScaleCache& operator=(const ScaleCache&) = delete;

  // Makes what is not there yet; `sizes` ascend. Errors: kConflict (the folder was made of other
  // options), kUnavailable (disk).
  Result<void> Make(const BeirCollection* collection, std::span<const std::size_t> sizes);

  // The index of the first `size` chunks, one of those made.
  Result<std::unique_ptr<knowledge::LexicalIndex>> OpenWords(std::size_t size) const;
  // Vectors are read from the first chunk on, row-major.
  Result<void> OpenVectors();
  Result<std::vector<float>> NextVectors(std::size_t rows);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }
  std::string WordsOf(std::size_t size) const { return PathOf("words-" + std::to_string(size)); }
  Result<File> Open(const char* name, const char* mode) const;
  Result<void> MakeAll(const BeirCollection* collection, std::span<const std::size_t> sizes) const;

  const SpeedOptions& options_;
  const vector::StaticEmbedder& embedder_;
  const std::size_t dimensions_;
  std::string folder_;
  File vectors_;
};

}  // namespace strata::bench
