#include "knowledge/answer/external_passages.h"

#include <algorithm>

#include "base/encoding.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/rank_passages.h"
#include "knowledge/base/indexer.h"
#include "knowledge/chunker.h"
#include "text/offsets.h"

namespace strata::knowledge {
namespace {

// Word pieces of English text are about four bytes; here only the size of passages depends on it.
std::int64_t EstimateTokens(std::string_view text) {
  return static_cast<std::int64_t>(text.size() + 3) / 4;
}

Task<Result<domain::ParsedDocument>> ReadSource(Parser& parser, const ExternalSource& source,
                                                RequestContext& ctx) {
  if (source.media_type == "text/plain") co_return PlainDocument(source.bytes, {});
  ParseInput input{
      .name = source.identifier, .media_type = source.media_type, .bytes = source.bytes};
  co_return co_await parser.Parse(std::move(input), ctx);
}

void Rank(std::string_view question, int limit, std::vector<RetrievedChunk>& chunks) {
  const auto scores = PassageScores(question, PassagesOf(chunks), nullptr);
  for (std::size_t i = 0; i < chunks.size(); ++i) chunks[i].score = scores[i];
  std::ranges::sort(chunks, [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.start < b.start;
  });
  if (chunks.size() > static_cast<std::size_t>(limit)) {
    chunks.resize(static_cast<std::size_t>(limit));
  }
}

}  // namespace

Result<std::vector<RetrievedChunk>> CutDocument(const domain::ParsedDocument& document,
                                                const std::string& id, const std::string& uri) {
  STRATA_TRY(auto chunker, MakeChunker(ChunkRecipe{}, EstimateTokens));
  STRATA_TRY(auto chunks, chunker->Split(document, {.document_id = id, .source_uri = uri}));
  const text::CodePointOffsets offsets(document.text);
  std::vector<RetrievedChunk> out;
  for (auto& chunk : chunks) {
    RetrievedChunk passage;
    passage.document_id = chunk.document_id;
    passage.chunk_id = chunk.id;
    passage.uri = uri;
    passage.title = document.title.empty() ? uri : document.title;
    passage.headings = std::move(chunk.headings);
    passage.table_header = TableHeaderOf(chunk.context);
    passage.text = std::move(chunk.text);
    passage.start = static_cast<std::int64_t>(offsets.FromByte(chunk.start));
    passage.end = static_cast<std::int64_t>(offsets.FromByte(chunk.end));
    passage.pages = std::move(chunk.pages);
    if (document.page_count > 0) passage.lines = LinesIn(document, chunk.start, chunk.end);
    out.push_back(std::move(passage));
  }
  return out;
}

Task<Result<std::vector<RetrievedChunk>>> ExternalPassages(Parser& parser,
                                                           std::vector<ExternalSource> sources,
                                                           std::string question, int limit,
                                                           RequestContext& ctx) {
  std::vector<RetrievedChunk> all;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto& source = sources[i];
    auto document = co_await ReadSource(parser, source, ctx);
    if (!document.has_value()) {
      co_return Fail(std::move(document.error()).AtField("sources[" + std::to_string(i) + "]"));
    }
    STRATA_CO_TRY(auto chunks, CutDocument(*document, Sha256Hex(source.bytes), source.identifier));
    for (auto& chunk : chunks) {
      if (source.in_s3) chunk.location = LocationKind::kS3;
      chunk.metadata = source.metadata;
      chunk.labels = source.labels;
    }
    std::ranges::move(chunks, std::back_inserter(all));
  }
  Rank(question, limit, all);
  co_return all;
}

}  // namespace strata::knowledge
