#include "domain/wire.h"

#include "base/json_text.h"
#include "domain/conversation.h"

namespace strata::domain {

std::string WireBodyFor(const WireRequest& wire, std::string_view upstream_id) {
  struct Splice {
    WireRange range;
    std::string_view text;
  };
  std::string model;
  if (wire.model.end > 0) AppendJsonString(model, upstream_id);
  Splice splices[] = {{wire.model, model}, {wire.usage, wire.usage_text}};
  if (splices[1].range.start < splices[0].range.start) std::swap(splices[0], splices[1]);
  std::string out;
  out.reserve(wire.body.size() + model.size() + wire.usage_text.size());
  std::size_t at = 0;
  for (const auto& splice : splices) {
    if (splice.text.empty()) continue;
    out.append(wire.body, at, splice.range.start - at).append(splice.text);
    at = splice.range.end;
  }
  return out.append(wire.body, at);
}

Result<> DecodeWhole(ChatRequest& request) {
  if (!request.wire_only) return {};
  STRATA_TRY(auto whole, request.wire->decode(request.wire->body));
  whole.model = std::move(request.model);
  whole.stream = request.stream;
  whole.wire = std::move(request.wire);
  whole.choices = request.choices;
  whole.answer_is_read = request.answer_is_read;
  whole.refusal = std::move(request.refusal);
  request = std::move(whole);
  return {};
}

}  // namespace strata::domain
