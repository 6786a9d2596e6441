// `kb import` and `kb run`.

#include "knowledge/corpus.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/json_text.h"
#include "base/pool.h"
#include "knowledge/corpus/line_reader.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kSourceName = "import";
// Lines that are read at a time.
constexpr std::size_t kBatch = 32;
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

// An error of one line, with the place in the file.
Error AtLine(Error error, const std::string& path, std::int64_t number) {
  return std::move(error).Because(path + " line " + std::to_string(number));
}

// The next lines that are not blank, at most kBatch; none at the end of the file. Reads on the
// pool. `parse` makes of a line what the caller wants of it.
template <class T>
Task<Result<std::vector<T>>> ReadBatch(Pool& pool, LineReader& reader, const std::string& path,
                                       Result<T> (*parse)(std::string_view line)) {
  auto read = [&]() -> Result<std::vector<T>> {
    std::vector<T> batch;
    std::string line;
    while (batch.size() < kBatch) {
      STRATA_TRY(const bool more, reader.Next(line, kCorpusLineBytesMax));
      if (!more) break;
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      auto parsed = parse(line);
      if (!parsed.has_value()) {
        return Fail(AtLine(std::move(parsed.error()), path, reader.number()));
      }
      batch.push_back(std::move(*parsed));
    }
    return batch;
  };
  co_return co_await RunBlocking(pool, std::move(read));
}

Task<Result<LineReader>> OpenLines(Pool& pool, const std::string& path) {
  auto open = [&] { return LineReader::Open(path); };
  co_return co_await RunBlocking(pool, std::move(open));
}

// A file that appears under its name only when it is whole. Blocks.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)), out_(path_ + ".part") {}
  ~WholeFile() {
    std::error_code ignored;
    if (!done_) std::filesystem::remove(path_ + ".part", ignored);
  }
  Result<> Write(std::string_view text) {
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    return out_ ? Result<>() : Failed();
  }
  Result<> Finish() {
    out_.close();
    std::error_code error;
    if (out_) std::filesystem::rename(path_ + ".part", path_, error);
    if (!out_ || error) return Failed();
    done_ = true;
    return {};
  }

 private:
  Result<> Failed() const { return Fail(Code::kUnavailable, "writing " + path_ + " failed"); }

  std::string path_;
  std::ofstream out_;
  bool done_ = false;
};

// Documents by their best chunk, best first.
std::string DocumentLines(const CorpusQuery& query, const std::vector<RetrievedChunk>& chunks,
                          int depth) {
  std::map<std::string_view, bool> seen;
  std::string out;
  for (const auto& chunk : chunks) {
    if (seen.size() == static_cast<std::size_t>(depth)) break;
    if (!seen.emplace(chunk.uri, true).second) continue;
    out += fmt::format("{}\t{}\t{:.6f}\n", query.id, chunk.uri, chunk.score);
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

std::size_t DocumentsIn(const std::vector<RetrievedChunk>& chunks) {
  std::set<std::string_view> uris;
  for (const auto& chunk : chunks) uris.insert(chunk.uri);
  return uris.size();
}

// Asks for more chunks than documents, as a document may have several among the best, and for more
// again while they are of too few documents and there may be others.
Task<Result<std::vector<RetrievedChunk>>> Search(KnowledgeBases& bases, const RunInput& input,
                                                 const std::string& query, RequestContext& ctx) {
  const bool documents = input.form == RunInput::Form::kDocuments;
  for (int results = std::min(kResultsMax, 3 * input.depth);; results = kResultsMax) {
    RetrieveRequest request;
    request.knowledge_base_id = input.knowledge_base_id;
    request.query = query;
    request.results = results;
    request.mode = input.mode;
    request.filter = input.filter;
    STRATA_CO_TRY(auto found, co_await bases.Retrieve(std::move(request), ctx));
    const bool all = found.results.size() < static_cast<std::size_t>(results);
    const bool enough = DocumentsIn(found.results) >= static_cast<std::size_t>(input.depth);
    if (!documents || all || enough || results == kResultsMax) co_return std::move(found.results);
  }
}

}  // namespace

Task<Result<ImportProgress>> ImportCorpus(KnowledgeBases& bases, std::string knowledge_base_id,
                                          std::string path, ImportReporter report,
                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto source_id, co_await ImportSource(bases, knowledge_base_id, ctx));
  STRATA_CO_TRY(auto reader, co_await OpenLines(bases.pool(), path));
  ImportProgress done;
  for (;;) {
    STRATA_CO_TRY(auto batch, co_await ReadBatch(bases.pool(), reader, path, &ParseCorpusLine));
    done.lines += static_cast<std::int64_t>(batch.size());
    if (batch.empty()) break;
    STRATA_CO_TRY(auto result, co_await bases.IndexDocuments(knowledge_base_id, source_id,
                                                             std::move(batch), ctx));
    done.indexed += result.indexed;
    done.unchanged += result.unchanged;
    done.failed += result.failed;
    if (report) STRATA_CO_CHECK_OK(co_await report(done));
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
  STRATA_CO_TRY(auto reader, co_await OpenLines(pool, input.queries_path));
  WholeFile out(input.out_path);
  std::int64_t done = 0;
  for (;;) {
    STRATA_CO_TRY(auto batch,
                  co_await ReadBatch(pool, reader, input.queries_path, &ParseQueryLine));
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
