#include "server/answer_record.h"

#include "gateway/answer_capture.h"

namespace strata::server {

void RecordAnswer(RequestContext& ctx, std::string_view question,
                  const knowledge::RetrieveAndGenerateResponse& response) {
  std::vector<domain::Citation> citations;
  for (const auto& part : response.citations) {
    for (const auto& chunk : part.references) {
      domain::Citation citation;
      citation.title = chunk.title;
      citation.source_uri = chunk.uri;
      citation.document_id = chunk.document_id;
      citation.chunk_id = chunk.chunk_id;
      citation.quoted = chunk.text;
      citation.source_start = chunk.start;
      citation.source_end = chunk.end;
      citation.pages = chunk.pages;
      citation.answer_start = part.start;
      citation.answer_end = part.end + 1;  // Bedrock's ends are inclusive
      citation.score = chunk.score;
      citations.push_back(std::move(citation));
    }
  }
  gateway::RecordAnswer(ctx, question, response.text, citations);
}

}  // namespace strata::server
