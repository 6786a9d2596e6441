#pragma once
// Queries of a file, and the documents that a search finds for them.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "knowledge/corpus.h"
#include "knowledge/corpus/line_reader.h"
#include "knowledge/evaluation.h"

namespace strata::knowledge {

// Lines of one file as values of T, `kLineBatch` at a time, read on a pool.
inline constexpr std::size_t kLineBatch = 32;

// "corpus.jsonl:7", a place in messages.
inline std::string AtLine(const std::string& path, std::int64_t number) {
  return path + ":" + std::to_string(number);
}

template <class T>
class LineBatches {
 public:
  // `parse` makes of a line what the caller wants of it.
  using Parse = Result<T> (*)(std::string_view line);

  static Task<Result<LineBatches>> Open(Pool& pool, std::string path, Parse parse) {
    auto open = [&] { return LineReader::Open(path); };
    STRATA_CO_TRY(auto reader, co_await RunBlocking(pool, std::move(open)));
    co_return LineBatches(pool, std::move(path), std::move(reader), parse);
  }

  // A line that is not what was expected; the reason begins with "PATH:LINE".
  struct BadLine {
    std::string reason;
  };

  // The next lines that are not blank; none at the end of the file. Errors begin with "PATH:LINE".
  // With `bad`, lines that are not what was expected go there and the others come; both are empty
  // at the end of the file.
  Task<Result<std::vector<T>>> Next(std::vector<BadLine>* bad = nullptr) {
    auto read = [this, bad]() -> Result<std::vector<T>> {
      std::vector<T> batch;
      numbers_.clear();
      std::string line;
      while (batch.size() + (bad ? bad->size() : 0) < kLineBatch) {
        auto more = reader_.Next(line, kCorpusLineBytesMax);
        if (!more.has_value() && more.error().code() == Code::kTooLarge && bad) {
          bad->push_back({.reason = more.error().message()});
          continue;
        }
        if (!more.has_value()) return std::unexpected(std::move(more.error()));
        if (!*more) break;
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        auto parsed = parse_(line);
        if (parsed.has_value()) {
          batch.push_back(std::move(*parsed));
          numbers_.push_back(reader_.number());
          continue;
        }
        auto error = std::move(parsed.error()).Because(AtLine(path_, reader_.number()));
        if (!bad) return Fail(std::move(error));
        bad->push_back({.reason = error.message()});
      }
      return batch;
    };
    co_return co_await RunBlocking(*pool_, std::move(read));
  }

  // The lines' numbers of what Next gave.
  const std::vector<std::int64_t>& numbers() const { return numbers_; }

 private:
  LineBatches(Pool& pool, std::string path, LineReader reader, Parse parse)
      : pool_(&pool), path_(std::move(path)), reader_(std::move(reader)), parse_(parse) {}

  Pool* pool_;
  std::string path_;
  LineReader reader_;
  Parse parse_;
  std::vector<std::int64_t> numbers_;
};

// The queries of one file. An `_id` that stands twice is an error: a run cannot tell the two apart.
class QueryLines {
 public:
  static Task<Result<QueryLines>> Open(Pool& pool, std::string path) {
    auto at = path;
    STRATA_CO_TRY(auto lines,
                  co_await LineBatches<CorpusQuery>::Open(pool, std::move(at), &ParseQueryLine));
    co_return QueryLines(std::move(path), std::move(lines));
  }

  // As LineBatches::Next.
  Task<Result<std::vector<CorpusQuery>>> Next();

 private:
  QueryLines(std::string path, LineBatches<CorpusQuery> lines)
      : path_(std::move(path)), lines_(std::move(lines)) {}

  std::string path_;
  LineBatches<CorpusQuery> lines_;
  std::unordered_map<std::string, std::int64_t> seen_;  // id → line
};

// Chunks of at least `depth` documents where there are as many. `request.results` is chosen here.
Task<Result<RetrieveResponse>> SearchForDocuments(KnowledgeBases& bases, RetrieveRequest request,
                                                  int depth, RequestContext& ctx);

struct RankedDocumentId {
  std::string id;
  double score = 0;  // of the best chunk
};
// Documents by their best chunk, best first, at most `depth`.
std::vector<RankedDocumentId> RankDocuments(const std::vector<RetrievedChunk>& chunks, int depth);

struct JudgedSearch {
  RankFigures figures;
  std::string index_version;
};
// How well one search ranks. `request.results` is chosen here.
Task<Result<JudgedSearch>> JudgeSearch(KnowledgeBases& bases, RetrieveRequest request, int depth,
                                       const Grades& grades, RequestContext& ctx);

}  // namespace strata::knowledge
