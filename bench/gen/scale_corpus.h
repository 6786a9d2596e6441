#pragma once
// Seeded scale data: chunks of running text with topics, queries that ask for some of them, and
// vectors.
//
// Text: each chunk mixes two topics, words follow one another as a Markov chain of order one. With
// a collection (LoadBeir) chain and topics are its own, a topic being one of its documents;
// without, topics are random subsets of pseudo-words and frequencies follow Zipf's law. Queries are
// the collection's own, else spans of chunks with words dropped and swapped and a question around
// them.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/gen/beir.h"
#include "vector/static_embedder.h"

namespace strata::bench {

struct ScaleOptions {
  std::size_t chunks = 100'000;
  std::size_t queries = 1000;
  std::size_t words_min = 60;  // of a chunk
  std::size_t words_max = 220;
  std::uint64_t seed = 1;
};

struct ScaleCorpus {
  struct Chunk {
    std::string title;
    std::string body;
    std::uint32_t topic = 0;  // the first of its two
  };
  struct Query {
    std::string text;
    std::uint32_t topic = 0;
  };
  std::vector<Chunk> chunks;
  std::vector<Query> queries;
};

// `collection`: null for pseudo-words. The same options and collection give the same bytes.
ScaleCorpus MakeScaleCorpus(const ScaleOptions& options, const BeirCollection* collection);

// The same chunks one after the other, for corpora that memory does not hold.
void ForEachScaleChunk(const ScaleOptions& options, const BeirCollection* collection,
                       const std::function<void(ScaleCorpus::Chunk chunk)>& take);

struct ScaleVectors {
  std::size_t dimensions = 0;
  std::vector<float> chunks;   // rows of length 1
  std::vector<float> queries;  // the same
  std::string origin;          // where they come from, for the report
};

// From the static embedder, or, when it is null, 384 dimensions: the topic's random direction plus
// noise.
ScaleVectors MakeScaleVectors(const ScaleCorpus& corpus, const vector::StaticEmbedder* embedder,
                              std::uint64_t seed);

}  // namespace strata::bench
