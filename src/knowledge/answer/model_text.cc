#include "knowledge/answer/model_text.h"

#include "domain/stream.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

Task<Result<std::string>> TextOfAnswer(provider::ChatModel& model, domain::ChatRequest request,
                                       RequestContext& ctx) {
  STRATA_CO_TRY(auto stream, co_await model.Start(std::move(request), ctx));
  domain::StreamAccumulator answer;
  while (!answer.ended()) {
    STRATA_CO_TRY(auto event, co_await stream->Next());
    answer.Add(event);
  }
  co_return domain::TextOf(answer.response().content);
}

std::string_view JsonIn(std::string_view answer) {
  const auto begin = answer.find('{');
  const auto end = answer.rfind('}');
  if (begin == answer.npos || end == answer.npos || end < begin) return {};
  return answer.substr(begin, end + 1 - begin);
}

bool IsLanguageModel(std::string_view id) { return !id.empty() && id != kExtractModelId; }

}  // namespace strata::knowledge
