#include "bench/retrieval/scale_cache.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bench/gen/scale_corpus.h"

namespace strata::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVectors = "vectors.f32";
constexpr const char* kMade = "made.txt";  // written last: what all of it was made of

}  // namespace

ScaleCache::ScaleCache(const SpeedOptions& options, const vector::StaticEmbedder& embedder)
    : options_(options),
      embedder_(embedder),
      dimensions_(static_cast<std::size_t>(embedder.dimensions())),
      folder_(options.cache) {}

ScaleCache::~ScaleCache() {
  if (options_.cache.empty() && !folder_.empty()) fs::remove_all(folder_);
}

Result<void> ScaleCache::Make(const BeirCollection* collection,
                              std::span<const std::size_t> sizes) {
  if (folder_.empty()) {
    folder_ = (fs::temp_directory_path() / "strata-bench-scale-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr) {
      return Fail(Code::kUnavailable, "no temporary folder");
    }
  }
  fs::create_directories(folder_);
  const auto wanted = std::to_string(options_.chunks) + " chunks, seed " +
                      std::to_string(options_.seed) + ", " + options_.data + ", " +
                      embedder_.version();
  std::string made;
  std::getline(std::ifstream(PathOf(kMade)), made);
  if (made == wanted) return {};
  if (!made.empty()) return Fail(Code::kConflict, folder_ + " was made of " + made);
  STRATA_CHECK_OK(MakeAll(collection, sizes));
  std::ofstream(PathOf(kMade)) << wanted << '\n';
  return {};
}

Result<void> ScaleCache::MakeAll(const BeirCollection* collection,
                                 std::span<const std::size_t> sizes) const {
  const auto growing = PathOf("words");
  fs::remove_all(growing);
  STRATA_TRY(const auto words, knowledge::OpenLexicalIndex(growing));
  STRATA_TRY(const auto vectors, Open(kVectors, "wb"));
  std::vector<float> row(dimensions_);
  std::uint64_t added = 0;
  const auto add = [&](const ScaleCorpus::Chunk& chunk) -> Result<void> {
    const knowledge::LexicalDocument document{
        .id = added, .title = chunk.title, .body = chunk.body};
    STRATA_CHECK_OK(words->Put(std::span(&document, 1)));
    embedder_.Embed(chunk.body, row);
    if (std::fwrite(row.data(), sizeof(float), row.size(), vectors.get()) != row.size()) {
      return Fail(Code::kUnavailable, "the disk is full");
    }
    if (std::ranges::find(sizes, ++added) == sizes.end()) return {};
    STRATA_CHECK_OK(words->Commit(added));
    fs::remove_all(WordsOf(added));
    fs::copy(growing, WordsOf(added), fs::copy_options::recursive);
    return {};
  };
  Result<void> done;
  const ScaleOptions scale{.chunks = options_.chunks, .queries = 0, .seed = options_.seed};
  ForEachScaleChunk(scale, collection, [&](const ScaleCorpus::Chunk& chunk) {
    if (done) done = add(chunk);
  });
  fs::remove_all(growing);
  if (done && std::fflush(vectors.get()) != 0) return Fail(Code::kUnavailable, "the disk is full");
  return done;
}

Result<std::unique_ptr<knowledge::LexicalIndex>> ScaleCache::OpenWords(std::size_t size) const {
  return knowledge::OpenLexicalIndex(WordsOf(size));
}

Result<ScaleCache::File> ScaleCache::Open(const char* name, const char* mode) const {
  File file(std::fopen(PathOf(name).c_str(), mode));
  if (file == nullptr) return Fail(Code::kUnavailable, "cannot open " + PathOf(name));
  return file;
}

Result<void> ScaleCache::OpenVectors() {
  STRATA_TRY(vectors_, Open(kVectors, "rb"));
  return {};
}

Result<std::vector<float>> ScaleCache::NextVectors(std::size_t rows) {
  std::vector<float> values(rows * dimensions_);
  if (std::fread(values.data(), sizeof(float), values.size(), vectors_.get()) != values.size()) {
    return Fail(Code::kUnavailable, PathOf(kVectors) + " is cut");
  }
  return values;
}

}  // namespace strata::bench
