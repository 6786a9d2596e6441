#pragma once
// Corpora in files: `kb import` and `kb run`, so that anyone can score retrieval.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/kb_types.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

class KnowledgeBases;
class RetrieveAndGenerate;

// One line of a corpus: {"_id", "title", "text", …metadata}. `_id`, a string or a whole number
// without control characters, and `text` are required; `title` may be missing or null, and is the
// text where that is empty; all other members become metadata. kInvalidArgument with the member.
Result<DocumentInput> ParseCorpusLine(std::string_view line);

struct CorpusQuery {
  std::string id;
  std::string text;
};
// {"_id", "text", …}; other members are ignored.
Result<CorpusQuery> ParseQueryLine(std::string_view line);

inline constexpr std::size_t kCorpusLineBytesMax = 16 * 1024 * 1024;

// lines = indexed + unchanged + duplicates + failed, blank lines not counted.
struct ImportProgress {
  std::int64_t lines = 0;
  std::int64_t indexed = 0;
  std::int64_t unchanged = 0;
  std::int64_t duplicates = 0;  // the same document again in the same file
  std::int64_t failed = 0;
  std::vector<std::string> failures;  // "corpus.jsonl:7: why", the first kImportFailuresMax
};
inline constexpr std::size_t kImportFailuresMax = 100;

// Called from time to time by the importing coroutine, which waits for it; its error (the client
// has gone) ends the import.
using ImportReporter = std::function<Task<Result<>>(const ImportProgress&)>;

// Reads corpus.jsonl or .jsonl.gz into the custom data source "import" of the knowledge base (made
// when missing). A file without documents is kInvalidArgument. A bad line fails alone, as one that
// is longer than kCorpusLineBytesMax does. Of lines with one `_id` the first counts: the same again
// is a duplicate, another text is a failed line. Repeating an import changes nothing. `report` may
// be empty.
Task<Result<ImportProgress>> ImportCorpus(KnowledgeBases& bases, std::string knowledge_base_id,
                                          std::string path, ImportReporter report,
                                          RequestContext& ctx);

struct RunInput {
  std::string knowledge_base_id;
  std::string queries_path;  // jsonl or .jsonl.gz
  std::string out_path;      // written whole, then renamed
  int depth = 100;           // documents a query, 1..1000
  SearchMode mode = SearchMode::kDefault;
  std::optional<Filter> filter;
  // kDocuments: lines `query-id<TAB>document-id<TAB>score`, the score that of the best chunk.
  // kSpans: lines {"_id", "chunks": [[start, end], …]}, code points of the document, best first.
  enum class Form : std::uint8_t { kDocuments, kSpans } form = Form::kDocuments;
};

// Returns the number of queries run.
Task<Result<std::int64_t>> RunQueries(KnowledgeBases& bases, RunInput input,
                                      std::function<void(std::int64_t done)> progress,
                                      RequestContext& ctx);

struct AnswerRunInput {
  std::string knowledge_base_id;
  std::string queries_path;  // jsonl or .jsonl.gz
  std::string out_path;      // written whole, then renamed
  std::string model;         // "" = builtin/extract
  std::optional<Filter> filter;
};

// Answers every query in a session of its own and writes lines {"_id", "answer", "citations":
// [document ids, the first cited first], "sentences": [{"text", "chunks": [{"document", "chunk",
// "start", "end"}, …]}, …]}; start and end are code points of the document, a sentence without
// support has no chunks. A refusal is an answer without citations. Returns the number of queries.
Task<Result<std::int64_t>> AnswerQueries(RetrieveAndGenerate& answers, Pool& pool,
                                         AnswerRunInput input, RequestContext& ctx);

}  // namespace strata::knowledge
