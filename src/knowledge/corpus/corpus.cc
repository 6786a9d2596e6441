// `kb import` and `kb run`.

#include "knowledge/corpus.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/json_text.h"
#include "knowledge/corpus/line_reader.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kSourceName = "import";
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

// A file that appears under its name only when it is whole.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)), out_(path_ + ".part") {}
  ~WholeFile() {
    std::error_code ignored;
    if (!done_) std::filesystem::remove(path_ + ".part", ignored);
  }
  void Write(std::string_view text) {
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  Result<> Finish() {
    out_.close();
    std::error_code error;
    if (out_) std::filesystem::rename(path_ + ".part", path_, error);
    if (!out_ || error) return Fail(Code::kUnavailable, "writing " + path_ + " failed");
    done_ = true;
    return {};
  }

 private:
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

// More chunks than documents, as a document may have several among the best.
Task<Result<std::vector<RetrievedChunk>>> Search(KnowledgeBases& bases, const RunInput& input,
                                                 const std::string& query, RequestContext& ctx) {
  RetrieveRequest request;
  request.knowledge_base_id = input.knowledge_base_id;
  request.query = query;
  request.results = std::min(kResultsMax, 3 * input.depth);
  request.mode = input.mode;
  request.filter = input.filter;
  STRATA_CO_TRY(auto found, co_await bases.Retrieve(std::move(request), ctx));
  co_return std::move(found.results);
}

}  // namespace

Task<Result<ImportProgress>> ImportCorpus(KnowledgeBases& bases, std::string knowledge_base_id,
                                          std::string path, ImportReporter report,
                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto source_id, co_await ImportSource(bases, knowledge_base_id, ctx));
  STRATA_CO_TRY(auto reader, LineReader::Open(path));
  ImportProgress done;
  std::string line;
  for (bool more = true; more;) {
    std::vector<DocumentInput> batch;
    while (batch.size() < kBatch) {
      STRATA_CO_TRY(more, reader.Next(line, kCorpusLineBytesMax));
      if (!more) break;
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      auto document = ParseCorpusLine(line);
      if (!document.has_value()) {
        co_return Fail(AtLine(std::move(document.error()), path, reader.number()));
      }
      batch.push_back(std::move(*document));
    }
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
  STRATA_CO_TRY(auto reader, LineReader::Open(input.queries_path));
  WholeFile out(input.out_path);
  std::int64_t done = 0;
  std::string line;
  for (;;) {
    STRATA_CO_TRY(bool more, reader.Next(line, kCorpusLineBytesMax));
    if (!more) break;
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    auto query = ParseQueryLine(line);
    if (!query.has_value()) {
      co_return Fail(AtLine(std::move(query.error()), input.queries_path, reader.number()));
    }
    STRATA_CO_TRY(auto chunks, co_await Search(bases, input, query->text, ctx));
    out.Write(input.form == RunInput::Form::kSpans ? SpanLine(*query, chunks, input.depth)
                                                   : DocumentLines(*query, chunks, input.depth));
    ++done;
    if (progress) progress(done);
  }
  STRATA_CO_CHECK_OK(out.Finish());
  co_return done;
}

}  // namespace strata::knowledge
