// `kb import` and `kb run`.

#include "knowledge/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/json_text.h"
#include "base/pool.h"
#include "knowledge/corpus/document_search.h"
#include "knowledge/corpus/whole_file.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kSourceName = "import";
constexpr int kDepthMax = 1000;

// The custom source that imports go into.
Task<Result<std::string>> ImportSource(KnowledgeBases& bases, const std::string& kb_id,
                                       RequestContext& ctx) {
  PageRequest page;
  page.max_results = 1000;
  STRATA_CO_TRY(auto sources, co_await bases.ListSources(kb_id, std::move(page), ctx));
  for (const auto& source : sources.items) {
    if (source.name == kSourceName && source.kind == DataSourceKind::kCustom) co_return source.id;
  }
  CreateDataSourceInput input;
  input.name = kSourceName;
  input.description = "Corpora read by kb import";
  STRATA_CO_TRY(auto source, co_await bases.CreateSource(kb_id, std::move(input), ctx));
  co_return source.id;
}

void Failed(std::string why, ImportProgress& progress) {
  ++progress.failed;
  if (progress.failures.size() < kImportFailuresMax) progress.failures.push_back(std::move(why));
}

// The documents that one import has seen.
class Seen {
 public:
  // Takes the documents that are not here yet; of the others, counts what they are.
  std::vector<DocumentInput> TakeNew(std::vector<DocumentInput> batch,
                                     const std::vector<std::int64_t>& numbers,
                                     const std::string& path, ImportProgress& progress) {
    std::vector<DocumentInput> fresh;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& document = batch[i];
      const auto line = numbers[i];
      const auto text = std::hash<std::string>()(
          fmt::format("{}\n{}\n{}", document.title, document.metadata.text, document.content));
      const auto [first, added] = lines_.emplace(document.id, Line{line, text});
      if (added) {
        fresh.push_back(std::move(document));
      } else if (first->second.text == text) {
        ++progress.duplicates;
      } else {
        Failed(fmt::format("{}: _id: '{}' stands in line {} already, with another text",
                           AtLine(path, line), document.id, first->second.number),
               progress);
      }
    }
    return fresh;
  }

  // A document that could not be indexed.
  void NoteFailed(const DocumentDetail& document, const std::string& path,
                  ImportProgress& progress) const {
    const auto line = lines_.find(document.id);
    const auto place = line == lines_.end() ? path : AtLine(path, line->second.number);
    Failed(fmt::format("{}: '{}': {}", place, document.id, document.reason), progress);
  }

 private:
  struct Line {
    std::int64_t number;
    std::size_t text;  // hash
  };

  std::unordered_map<std::string, Line> lines_;
};

std::string DocumentLines(const CorpusQuery& query, const std::vector<RetrievedChunk>& chunks,
                          int depth) {
  std::string out;
  for (const auto& document : RankDocuments(chunks, depth)) {
    out += fmt::format("{}\t{}\t{:.6f}\n", query.id, document.id, document.score);
  }
  return out;
}

std::string SpanLine(const CorpusQuery& query, const std::vector<RetrievedChunk>& chunks,
                     int depth) {
  std::string out = R"({"_id": )" + JsonString(query.id) + R"(, "chunks": [)";
  for (std::size_t i = 0; i < std::min(chunks.size(), static_cast<std::size_t>(depth)); ++i) {
    out += fmt::format("{}[{}, {}]", i > 0 ? ", " : "", chunks[i].start, chunks[i].end);
  }
  return out + "]}\n";
}

Task<Result<std::vector<RetrievedChunk>>> Search(KnowledgeBases& bases, const RunInput& input,
                                                 const std::string& query, RequestContext& ctx) {
  RetrieveRequest request;
  request.knowledge_base_id = input.knowledge_base_id;
  request.query = query;
  request.results = input.depth;
  request.mode = input.mode;
  request.filter = input.filter;
  if (input.form == RunInput::Form::kSpans) {
    STRATA_CO_TRY(auto found, co_await bases.Retrieve(std::move(request), ctx));
    co_return std::move(found.results);
  }
  STRATA_CO_TRY(auto found,
                co_await SearchForDocuments(bases, std::move(request), input.depth, ctx));
  co_return std::move(found.results);
}

}  // namespace

Task<Result<ImportProgress>> ImportCorpus(KnowledgeBases& bases, std::string knowledge_base_id,
                                          std::string path, ImportReporter report,
                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto lines,
                co_await LineBatches<DocumentInput>::Open(bases.pool(), path, &ParseCorpusLine));
  using BadLines = std::vector<LineBatches<DocumentInput>::BadLine>;
  BadLines bad;
  STRATA_CO_TRY(auto batch, co_await lines.Next(&bad));
  if (batch.empty() && bad.empty()) {
    co_return Fail(InvalidArgument(
        "", path + R"(: holds no documents; expected lines {"_id": …, "text": …})"));
  }
  STRATA_CO_TRY(auto source_id, co_await ImportSource(bases, knowledge_base_id, ctx));
  ImportProgress done;
  Seen seen;
  while (!batch.empty() || !bad.empty()) {
    done.lines += static_cast<std::int64_t>(batch.size() + bad.size());
    for (auto& line : bad) Failed(std::move(line.reason), done);
    bad.clear();
    auto fresh = seen.TakeNew(std::move(batch), lines.numbers(), path, done);
    STRATA_CO_TRY(auto result, co_await bases.IndexDocuments(knowledge_base_id, source_id,
                                                             std::move(fresh), ctx));
    done.indexed += result.indexed;
    done.unchanged += result.unchanged;
    for (const auto& failure : result.failures) seen.NoteFailed(failure, path, done);
    if (report) STRATA_CO_CHECK_OK(co_await report(done));
    STRATA_CO_TRY(batch, co_await lines.Next(&bad));
  }
  co_return done;
}

Task<Result<std::int64_t>> RunQueries(KnowledgeBases& bases, RunInput input,
                                      std::function<void(std::int64_t done)> progress,
                                      RequestContext& ctx) {
  if (input.depth < 1 || input.depth > kDepthMax) {
    co_return Fail(InvalidArgument("depth", "expected 1 to " + std::to_string(kDepthMax)));
  }
  auto& pool = bases.pool();
  STRATA_CO_TRY(auto lines, co_await QueryLines::Open(pool, input.queries_path));
  WholeFile out(input.out_path);
  std::int64_t done = 0;
  for (;;) {
    STRATA_CO_TRY(auto batch, co_await lines.Next());
    if (batch.empty()) break;
    std::string text;
    for (const auto& query : batch) {
      STRATA_CO_TRY(auto chunks, co_await Search(bases, input, query.text, ctx));
      text += input.form == RunInput::Form::kSpans ? SpanLine(query, chunks, input.depth)
                                                   : DocumentLines(query, chunks, input.depth);
      ++done;
      if (progress) progress(done);
    }
    auto write = [&] { return out.Write(text); };
    STRATA_CO_CHECK_OK(co_await RunBlocking(pool, std::move(write)));
  }
  auto finish = [&] { return out.Finish(); };
  STRATA_CO_CHECK_OK(co_await RunBlocking(pool, std::move(finish)));
  co_return done;
}

}  // namespace strata::knowledge
