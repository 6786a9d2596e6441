// bench_gen: writes seeded scale data as corpus.jsonl and queries.jsonl (BEIR's form) into a
// folder.
//   bench_gen OUT_DIR [--chunks N] [--queries N] [--seed N] [--data BEIR_DIR]

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "bench/gen/scale_corpus.h"

namespace {

using namespace strata::bench;
namespace json = boost::json;

void Write(const std::string& folder, const ScaleCorpus& corpus) {
  std::filesystem::create_directories(folder);
  std::ofstream chunks(folder + "/corpus.jsonl");
  for (std::size_t i = 0; i < corpus.chunks.size(); ++i) {
    chunks << json::object{{"_id", std::to_string(i)},
                           {"title", corpus.chunks[i].title},
                           {"text", corpus.chunks[i].body}}
           << '\n';
  }
  std::ofstream queries(folder + "/queries.jsonl");
  for (std::size_t i = 0; i < corpus.queries.size(); ++i) {
    queries << json::object{{"_id", std::to_string(i)}, {"text", corpus.queries[i].text}} << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  ScaleOptions options;
  std::string out;
  std::string data;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      out = name;
    } else if (i + 1 == argc) {
      std::fprintf(stderr, "%s needs a value\n", argv[i]);
      return 2;
    } else if (name == "--chunks") {
      options.chunks = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--queries") {
      options.queries = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--seed") {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--data") {
      data = argv[++i];
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  if (out.empty()) {
    std::fprintf(stderr,
                 "usage: bench_gen OUT_DIR [--chunks N] [--queries N] [--seed N] [--data DIR]\n");
    return 2;
  }
  std::optional<BeirCollection> collection;
  if (!data.empty()) {
    auto loaded = LoadBeir(data);
    if (!loaded) {
      std::fprintf(stderr, "%s\n", loaded.error().message().c_str());
      return 1;
    }
    collection = std::move(*loaded);
  }
  Write(out, MakeScaleCorpus(options, collection ? &*collection : nullptr));
  return 0;
}
