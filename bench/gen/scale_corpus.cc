#include "bench/gen/scale_corpus.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "base/rng.h"
#include "vector/kernels.h"

namespace strata::bench {
namespace {

using WordIds = std::vector<std::uint32_t>;

// What text is drawn from.
struct Language {
  std::vector<std::string> words;
  std::vector<WordIds> followers;  // by word, with repetition; empty: any word of the topic
  std::vector<WordIds> topics;     // words with repetition
};

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    std::size_t begin = std::min(text.find_first_not_of(" \t\n\r"), text.size());
    text.remove_prefix(begin);
    std::size_t end = std::min(text.find_first_of(" \t\n\r"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

Language FromCollection(const BeirCollection& collection) {
  Language language;
  std::unordered_map<std::string_view, std::uint32_t> ids;
  for (const BeirDocument& document : collection.documents) {
    WordIds topic;
    for (std::string_view word : SplitWords(document.text)) {
      auto [known, added] = ids.try_emplace(word, static_cast<std::uint32_t>(ids.size()));
      if (added) {
        language.words.emplace_back(word);
        language.followers.emplace_back();
      }
      if (!topic.empty()) language.followers[topic.back()].push_back(known->second);
      topic.push_back(known->second);
    }
    if (topic.size() >= 20) language.topics.push_back(std::move(topic));
  }
  return language;
}

std::string PseudoWord(Rng& rng) {
  constexpr std::string_view kOnsets[] = {"b", "c", "d", "f", "g",  "l",  "m",  "n",  "p",
                                          "r", "s", "t", "v", "st", "tr", "pl", "ch", "gr"};
  constexpr std::string_view kRimes[] = {"a",  "e",  "i",  "o",   "u",  "an",  "er",
                                         "in", "or", "al", "ent", "ic", "ous", "ion"};
  std::string word;
  for (std::uint64_t i = 0; i < 1 + rng.Below(4); ++i) {
    word += kOnsets[rng.Below(std::size(kOnsets))];
    word += kRimes[rng.Below(std::size(kRimes))];
  }
  return word;
}

Language FromPseudoWords(Rng& rng) {
  constexpr std::size_t kWords = 30'000;
  constexpr std::size_t kTopics = 2000;
  constexpr std::string_view kFunctionWords[] = {"the", "of",   "and",  "in", "to", "a",  "is",
                                                 "for", "that", "with", "as", "by", "on", "are"};
  Language language;
  for (std::string_view word : kFunctionWords) language.words.emplace_back(word);
  while (language.words.size() < kWords) language.words.push_back(PseudoWord(rng));
  language.followers.resize(kWords);
  // Rank by inverse transform of a Zipf distribution with exponent 1: rank = n^u.
  auto zipf = [&](std::size_t size) {
    return static_cast<std::uint32_t>(std::pow(static_cast<double>(size), rng.Unit())) - 1;
  };
  for (std::size_t i = 0; i < kTopics; ++i) {
    WordIds topic;
    for (int word = 0; word < 200; ++word) {
      bool frequent = rng.Below(3) == 0;
      topic.push_back(frequent ? zipf(std::size(kFunctionWords))
                               : static_cast<std::uint32_t>((zipf(kWords) + i * 13) % kWords));
    }
    language.topics.push_back(std::move(topic));
  }
  return language;
}

class TextMaker {
 public:
  TextMaker(const Language& language, Rng& rng) : language_(language), rng_(rng) {}

  std::string Make(std::size_t words, std::uint32_t first_topic, std::uint32_t second_topic) {
    std::string text;
    std::uint32_t last = Draw(language_.topics[first_topic]);
    for (std::size_t i = 0; i < words; ++i) {
      if (i > 0) text += ' ';
      text += language_.words[last];
      const WordIds& followers = language_.followers[last];
      bool chain = !followers.empty() && rng_.Below(4) != 0;
      const WordIds& topic = language_.topics[rng_.Below(4) == 0 ? second_topic : first_topic];
      last = Draw(chain ? followers : topic);
    }
    return text;
  }

 private:
  std::uint32_t Draw(const WordIds& words) { return words[rng_.Below(words.size())]; }

  const Language& language_;
  Rng& rng_;
};

// A span of the chunk as somebody would ask for it.
std::string MakeQuery(const std::string& body, Rng& rng) {
  std::vector<std::string_view> words = SplitWords(body);
  std::size_t length = 6 + rng.Below(7);
  std::size_t first = rng.Below(words.size() - std::min(words.size() - 1, length));
  std::vector<std::string_view> kept;
  for (std::size_t i = first; i < std::min(words.size(), first + length); ++i) {
    if (rng.Below(5) != 0) kept.push_back(words[i]);
  }
  for (std::size_t i = 0; i + 1 < kept.size(); ++i) {
    if (rng.Below(4) == 0) std::swap(kept[i], kept[i + 1]);
  }
  constexpr std::string_view kOpenings[] = {"what is", "how does", "why is the", "which", ""};
  std::string query(kOpenings[rng.Below(std::size(kOpenings))]);
  for (std::string_view word : kept) query.append(query.empty() ? "" : " ").append(word);
  return query + "?";
}

// Draws from `rng` what MakeScaleCorpus draws for its chunks.
void MakeChunks(const ScaleOptions& options, const BeirCollection* collection, Rng& rng,
                const std::function<void(ScaleCorpus::Chunk)>& take) {
  Language language = collection != nullptr ? FromCollection(*collection) : FromPseudoWords(rng);
  TextMaker maker(language, rng);
  for (std::size_t i = 0; i < options.chunks; ++i) {
    auto topic = static_cast<std::uint32_t>(rng.Below(language.topics.size()));
    auto other = static_cast<std::uint32_t>(rng.Below(language.topics.size()));
    std::size_t words = options.words_min + rng.Below(options.words_max - options.words_min + 1);
    std::string title = maker.Make(4 + rng.Below(6), topic, topic);
    take({std::move(title), maker.Make(words, topic, other), topic});
  }
}

}  // namespace

void ForEachScaleChunk(const ScaleOptions& options, const BeirCollection* collection,
                       const std::function<void(ScaleCorpus::Chunk)>& take) {
  Rng rng(options.seed);
  MakeChunks(options, collection, rng, take);
}

ScaleCorpus MakeScaleCorpus(const ScaleOptions& options, const BeirCollection* collection) {
  Rng rng(options.seed);
  ScaleCorpus corpus;
  MakeChunks(options, collection, rng,
             [&](ScaleCorpus::Chunk chunk) { corpus.chunks.push_back(std::move(chunk)); });
  bool own = collection != nullptr && !collection->queries.empty();
  for (std::size_t i = 0; i < options.queries && !corpus.chunks.empty(); ++i) {
    const ScaleCorpus::Chunk& chunk = corpus.chunks[rng.Below(corpus.chunks.size())];
    std::string text =
        own ? collection->queries[i % collection->queries.size()].text : MakeQuery(chunk.body, rng);
    corpus.queries.push_back({std::move(text), chunk.topic});
  }
  return corpus;
}

ScaleVectors MakeScaleVectors(const ScaleCorpus& corpus, const vector::StaticEmbedder* embedder,
                              std::uint64_t seed) {
  ScaleVectors vectors;
  vectors.dimensions = embedder != nullptr ? static_cast<std::size_t>(embedder->dimensions()) : 384;
  vectors.origin = embedder != nullptr ? embedder->version() : "random directions of topics";
  vectors.chunks.resize(corpus.chunks.size() * vectors.dimensions);
  vectors.queries.resize(corpus.queries.size() * vectors.dimensions);
  Rng rng(seed);
  auto fill = [&](std::span<float> row, std::string_view text, std::uint32_t topic) {
    if (embedder != nullptr) {
      embedder->Embed(text, row);
      return;
    }
    Rng direction(seed * 1'000'003 + topic);
    for (float& value : row) {
      value = static_cast<float>(direction.Gaussian() + 0.8 * rng.Gaussian());
    }
    vector::Normalize(row);
  };
  for (std::size_t i = 0; i < corpus.chunks.size(); ++i) {
    fill(std::span(vectors.chunks).subspan(i * vectors.dimensions, vectors.dimensions),
         corpus.chunks[i].body, corpus.chunks[i].topic);
  }
  for (std::size_t i = 0; i < corpus.queries.size(); ++i) {
    fill(std::span(vectors.queries).subspan(i * vectors.dimensions, vectors.dimensions),
         corpus.queries[i].text, corpus.queries[i].topic);
  }
  return vectors;
}

}  // namespace strata::bench
