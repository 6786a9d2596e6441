#pragma once
// What retrieval is asked and what it answers: the typed form of Bedrock's Retrieve.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/labels.h"
#include "base/span.h"
#include "domain/citation.h"
#include "domain/document.h"
#include "knowledge/filter.h"
#include "knowledge/spelling_fix.h"

namespace strata::provider {
class Reranker;
}

namespace strata::knowledge {

// By model id; kNotFound when there is none. Thread-safe.
using RerankerLookup =
    std::function<Result<std::shared_ptr<provider::Reranker>>(std::string_view model)>;

enum class SearchMode : std::uint8_t {
  kDefault,  // what the knowledge base is set to; hybrid unless configured
  kLexical,
  kDense,   // Bedrock's SEMANTIC
  kHybrid,  // both, blended
};
std::string_view SearchModeName(SearchMode mode);  // "default", "lexical", "dense", "hybrid"
// Takes those names and Bedrock's HYBRID and SEMANTIC.
Result<SearchMode> ParseSearchMode(std::string_view name, std::string_view field = "mode");

inline constexpr int kResultsMax = 1000;               // of the engine
inline constexpr int kApiResultsMax = 100;             // of Bedrock's API, and of ours
inline constexpr std::size_t kQueryBytesMax = 80'000;  // of kQueryCharactersMax
inline constexpr std::size_t kQueryCharactersMax = 20'000;

// Stages of a search that are left out, to see what each is worth.
struct StagesOff {
  bool context = false;     // the share of a score that what stands around a passage has
  bool neighbours = false;  // smoothing of scores over similar candidates
  bool names = false;       // the names graph
  bool spelling = false;    // correction of unknown words
  bool diversity = false;   // copies behind what says something of its own
  bool rerank = false;      // the reranker of kb.rerank.model
};

// A reranker orders what was found.
struct RerankChoice {
  std::string model;  // id of a Reranker
  int results = 0;    // at most this many come out; 0: as many as were found
  // Metadata that the reranker sees beside the text; `fields` of the last two.
  enum class Show : std::uint8_t { kNone, kAll, kOnly, kAllBut } show = Show::kNone;
  std::vector<std::string> fields;
};

inline constexpr int kJoinMax = 5;
inline constexpr std::size_t kBasesMax = 16;  // of one search

struct RetrieveRequest {
  std::string knowledge_base_id;
  // Bases that are searched together with it, kBasesMax in all. Each ranks its own passages, which
  // then come into one order (retrieve/merge.h); one reranker sees those of all.
  std::vector<std::string> more_bases;
  std::string query;  // UTF-8; "" finds nothing
  int results = 5;    // 1..kResultsMax
  SearchMode mode = SearchMode::kDefault;
  std::optional<Filter> filter;
  StagesOff without;
  std::optional<RerankChoice> rerank;  // absent: kb.rerank.model, if it is set
  // Passages of the same section that are joined to each result on either side, 0..kJoinMax;
  // absent: kb.search.join.
  std::optional<int> join;
  std::optional<double> dense_weight;  // 0..1; absent: that of the base
};

// What kind of place a document came from; decides the member of Bedrock's location union.
enum class LocationKind : std::uint8_t { kS3, kCustom, kFile };

// One passage, with everything that a citation needs. Readable by the caller who asked: principals
// were checked before it got here.
struct RetrievedChunk {
  std::string knowledge_base_id;
  std::string data_source_id;
  std::string document_id;
  std::string chunk_id;
  LocationKind location = LocationKind::kCustom;
  std::string uri;    // "s3://bucket/key", "file:///…", or the custom document id
  std::string title;  // of the document; its file name or id when it has none
  std::vector<std::string> headings;
  std::string table_header;  // the Markdown header row when the passage begins inside a table
  std::string text;
  std::int64_t start = 0;  // code points of the document's text; end is exclusive
  std::int64_t end = 0;
  std::vector<domain::PageRegion> pages;
  std::vector<domain::DocumentPart::Line> lines;  // of page formats; bytes of `text`
  JsonText metadata;                              // JSON object, "" for none
  LabelSet labels;
  double score = 0;                     // blended, 0..1, or the reranker's; higher is better
  std::optional<double> lexical_score;  // BM25, absent: not found by that leg
  std::optional<double> dense_score;    // cosine
};

// The pages and boxes of those lines that bytes [begin, end) touch.
std::vector<domain::PageRegion> RegionsOf(std::span<const domain::DocumentPart::Line> lines,
                                          std::size_t begin, std::size_t end);

// What one or several queries have found.
struct FoundPassages {
  std::vector<RetrievedChunk> passages;
  std::vector<SpellingFix> corrected;  // of all queries, each word once
};
// Those of `more` whose word is not among `fixes` yet.
void AddFixes(std::vector<SpellingFix>& fixes, std::vector<SpellingFix> more);

struct RetrieveResponse {
  std::vector<RetrievedChunk> results;  // best first
  std::string index_version;            // "kb ID @ generation, …", for DecidedBy::index
  std::vector<SpellingFix> corrected;   // what words of the query were taken for
  bool led_by_names = false;            // by the names graph: passages may share no word with it
  // How far the best cosine lies above those of passages in general, in standard deviations; absent
  // where there are too few passages to say, and where the search is not hybrid.
  std::optional<double> stands_out;
};

}  // namespace strata::knowledge
