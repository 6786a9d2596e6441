#include "server/answer_record.h"

#include "gateway/answer_capture.h"

namespace strata::server {

void RecordAnswer(RequestContext& ctx, std::string_view question,
                  const knowledge::RetrieveAndGenerateResponse& response) {
  std::vector<domain::Citation> citations;
  for (const auto& part : response.citations) {
    for (auto citation : part.quotes) {
      citation.answer_start = part.start;
      citation.answer_end = part.end + 1;  // Bedrock's ends are inclusive
      citations.push_back(std::move(citation));
    }
  }
  gateway::RecordAnswer(ctx, question, response.text, citations);
}

}  // namespace strata::server
