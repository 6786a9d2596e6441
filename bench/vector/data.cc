#include "bench/vector/data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/rng.h"
#include "bench/gen/beir.h"
#include "bench/gen/scale_corpus.h"
#include "vector/kernels.h"
#include "vector/static_embedder.h"

namespace strata::bench {
namespace {

namespace fs = std::filesystem;

// Texts to rows of kDimensions.
class NoisyEmbedder {
 public:
  NoisyEmbedder(const vector::StaticEmbedder& embedder, std::uint64_t seed)
      : embedder_(embedder), rng_(seed), row_(kDimensions) {}

  std::span<const float> Embed(std::string_view text) {
    const auto own = static_cast<std::size_t>(embedder_.dimensions());
    embedder_.Embed(text, std::span(row_).first(own));
    const double scale = kNoise / std::sqrt(static_cast<double>(kDimensions - own));
    for (float& value : std::span(row_).subspan(own)) {
      value = static_cast<float>(scale * rng_.Gaussian());
    }
    vector::Normalize(row_);
    return row_;
  }

 private:
  const vector::StaticEmbedder& embedder_;
  Rng rng_;
  std::vector<float> row_;
};

Result<BeirCollection> Merged(const std::vector<std::string>& folders) {
  BeirCollection all;
  for (const std::string& folder : folders) {
    STRATA_TRY(auto one, LoadBeir(folder));
    std::ranges::move(one.documents, std::back_inserter(all.documents));
    std::ranges::move(one.queries, std::back_inserter(all.queries));
  }
  return all;
}

void Write(std::ofstream& file, std::span<const float> row) {
  file.write(reinterpret_cast<const char*>(row.data()),
             static_cast<std::streamsize>(row.size_bytes()));
}

std::size_t RowsOf(const std::string& path) {
  return fs::exists(path) ? fs::file_size(path) / (kDimensions * sizeof(float)) : 0;
}

Result<void> MakeRows(const VectorDataOptions& options, const BeirCollection& collection,
                      const vector::StaticEmbedder& embedder, const std::string& path) {
  std::ofstream file(path + ".new", std::ios::binary);
  NoisyEmbedder noisy(embedder, options.seed);
  const ScaleOptions scale{.chunks = options.rows, .queries = 0, .seed = options.seed};
  ForEachScaleChunk(scale, &collection,
                    [&](const ScaleCorpus::Chunk& chunk) { Write(file, noisy.Embed(chunk.body)); });
  file.close();
  if (!file) return Fail(Code::kUnavailable, "cannot write " + path);
  fs::rename(path + ".new", path);
  return {};
}

// Some of the collections' queries, in an order that mixes them.
Result<void> MakeQueries(const VectorDataOptions& options, BeirCollection& collection,
                         const vector::StaticEmbedder& embedder, const std::string& path) {
  Rng rng(options.seed);
  auto& queries = collection.queries;
  for (std::size_t i = queries.size(); i > 1; --i) std::swap(queries[i - 1], queries[rng.Below(i)]);
  std::ofstream file(path, std::ios::binary);
  NoisyEmbedder noisy(embedder, options.seed + 1);
  for (std::size_t i = 0; i < std::min(options.queries, queries.size()); ++i) {
    Write(file, noisy.Embed(queries[i].text));
  }
  file.close();
  return file ? Result<void>() : Fail(Code::kUnavailable, "cannot write " + path);
}

}  // namespace

Result<VectorData> VectorData::Open(const VectorDataOptions& options) {
  fs::create_directories(options.folder);
  const std::string rows = options.folder + "/rows.f32";
  const std::string queries = options.folder + "/queries.f32";
  if (RowsOf(rows) < options.rows || !fs::exists(queries)) {
    STRATA_TRY(auto embedder, vector::StaticEmbedder::Open(options.static_embedder));
    if (embedder->dimensions() >= static_cast<int>(kDimensions)) {
      return Fail(InvalidArgument("static", "expected an embedder of fewer than 384 dimensions"));
    }
    STRATA_TRY(auto collection, Merged(options.sets));
    if (RowsOf(rows) < options.rows) {
      STRATA_CHECK_OK(MakeRows(options, collection, *embedder, rows));
    }
    STRATA_CHECK_OK(MakeQueries(options, collection, *embedder, queries));
  }
  VectorData data;
  STRATA_TRY(data.row_file_, vector::MappedFile::Open(rows));
  STRATA_TRY(data.query_file_, vector::MappedFile::Open(queries));
  data.rows_ = options.rows;
  data.queries_ = std::min(options.queries, RowsOf(queries));
  return data;
}

}  // namespace strata::bench
