// `kb answer`.

#include <algorithm>

#include "base/json_text.h"
#include "base/utf8.h"
#include "knowledge/corpus/document_search.h"
#include "knowledge/corpus/whole_file.h"
#include "knowledge/retrieve_and_generate.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

std::string SentenceJson(std::string_view text, const std::vector<RetrievedChunk>& support) {
  std::string out = R"({"text": )" + JsonString(text) + R"(, "chunks": [)";
  for (std::size_t i = 0; i < support.size(); ++i) {
    const auto& chunk = support[i];
    if (i > 0) out += ", ";
    out += R"({"document": )" + JsonString(chunk.uri) + R"(, "chunk": )" +
           JsonString(chunk.chunk_id) + R"(, "start": )" + std::to_string(chunk.start) +
           R"(, "end": )" + std::to_string(chunk.end) + "}";
  }
  return out + "]}";
}

// The parts of the answer in order: those that are supported, and the sentences between them.
std::vector<std::string> SentencesOf(const RetrieveAndGenerateResponse& answer) {
  std::vector<std::string> out;
  std::size_t at = 0;
  const auto take_unsupported = [&](std::size_t end) {
    if (end <= at) return;
    const auto part = std::string_view(answer.text).substr(at, end - at);
    for (const auto& span : text::SplitSentences(part)) {
      out.push_back(SentenceJson(part.substr(span.begin, span.end - span.begin), {}));
    }
  };
  for (const auto& citation : answer.citations) {
    const auto begin = ByteOffset(answer.text, static_cast<std::size_t>(citation.start));
    const auto end = ByteOffset(answer.text, static_cast<std::size_t>(citation.end) + 1);
    take_unsupported(begin);
    out.push_back(SentenceJson(citation.text, citation.references));
    at = std::max(at, end);
  }
  take_unsupported(answer.text.size());
  return out;
}

std::vector<std::string> DocumentsCited(const RetrieveAndGenerateResponse& answer) {
  std::vector<std::string> out;
  for (const auto& citation : answer.citations) {
    for (const auto& chunk : citation.references) {
      auto id = JsonString(chunk.uri);
      if (std::ranges::find(out, id) == out.end()) out.push_back(std::move(id));
    }
  }
  return out;
}

std::string Joined(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string AnswerLine(const CorpusQuery& query, const RetrieveAndGenerateResponse& answer) {
  return R"({"_id": )" + JsonString(query.id) + R"(, "answer": )" + JsonString(answer.text) +
         R"(, "citations": [)" + Joined(DocumentsCited(answer)) + R"(], "sentences": [)" +
         Joined(SentencesOf(answer)) + "]}\n";
}

}  // namespace

Task<Result<std::int64_t>> AnswerQueries(RetrieveAndGenerate& answers, Pool& pool,
                                         AnswerRunInput input, RequestContext& ctx) {
  STRATA_CO_TRY(auto lines, co_await QueryLines::Open(pool, input.queries_path));
  WholeFile out(input.out_path);
  std::int64_t done = 0;
  for (;;) {
    STRATA_CO_TRY(auto batch, co_await lines.Next());
    if (batch.empty()) break;
    std::string text;
    for (const auto& query : batch) {
      RetrieveAndGenerateRequest request;
      request.question = query.text;
      request.retrieve.knowledge_base_id = input.knowledge_base_id;
      request.retrieve.filter = input.filter;
      request.generation.model = input.model;
      STRATA_CO_TRY(auto answer, co_await answers.Answer(std::move(request), ctx));
      text += AnswerLine(query, answer);
      ++done;
    }
    auto write = [&] { return out.Write(text); };
    STRATA_CO_CHECK_OK(co_await RunBlocking(pool, std::move(write)));
  }
  auto finish = [&] { return out.Finish(); };
  STRATA_CO_CHECK_OK(co_await RunBlocking(pool, std::move(finish)));
  co_return done;
}

}  // namespace strata::knowledge
