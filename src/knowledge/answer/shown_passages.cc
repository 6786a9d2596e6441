#include "knowledge/shown_passages.h"

#include "dialect/json_value.h"
#include "guard/request_texts.h"

namespace strata::knowledge {
namespace {

Task<Result<bool>> MaskIn(const guard::Guardrails& guardrails,
                          const std::vector<std::string*>& texts, RequestContext& ctx) {
  bool masked = false;
  for (auto* text : texts) {
    STRATA_CO_TRY(auto findings, co_await guardrails.Judge(*text, guard::Side::kOutput, ctx));
    if (findings.empty()) continue;
    *text = guard::Masked(*text, findings);
    masked = true;
  }
  co_return masked;
}

Task<Result<bool>> MaskMetadata(const guard::Guardrails& guardrails, JsonText& metadata,
                                RequestContext& ctx) {
  auto value = dialect::ParseJson(metadata.text);
  if (!value.has_value()) co_return false;  // empty; what is stored was read before
  for (const auto* key : guard::KeysOf(*value)) {
    STRATA_CO_TRY(auto findings, co_await guardrails.Judge(*key, guard::Side::kOutput, ctx));
    // What others look members up by cannot be masked.
    if (!findings.empty()) co_return Fail(Code::kBlocked, "a guardrail blocks a metadata key");
  }
  STRATA_CO_TRY(bool masked, co_await MaskIn(guardrails, guard::StringsOf(*value), ctx));
  if (masked) metadata.text = value->Dump();
  co_return masked;
}

}  // namespace

Task<Result<bool>> JudgeShown(const guard::Guardrails& guardrails, RetrievedChunk& passage,
                              RequestContext& ctx) {
  if (!guardrails.Judges(guard::Side::kOutput)) co_return false;
  const auto text_bytes = passage.text.size();
  const std::vector<std::string*> texts = {&passage.text, &passage.title, &passage.uri};
  STRATA_CO_TRY(bool masked, co_await MaskIn(guardrails, texts, ctx));
  STRATA_CO_TRY(bool metadata, co_await MaskMetadata(guardrails, passage.metadata, ctx));
  // Lines are counted in bytes of the text as it was.
  if (masked && passage.text.size() != text_bytes) passage.lines.clear();
  if (masked || metadata) ctx.span.Set("guardrail_masked_output", true);
  co_return masked || metadata;
}

Task<Result<bool>> JudgeShown(const guard::Guardrails& guardrails,
                              std::vector<RetrievedChunk>& passages, RequestContext& ctx) {
  bool touched = false;
  std::vector<RetrievedChunk> shown;
  shown.reserve(passages.size());
  for (auto& passage : passages) {
    auto judged = co_await JudgeShown(guardrails, passage, ctx);
    if (!judged.has_value() && judged.error().code() != Code::kBlocked) {
      co_return Fail(std::move(judged.error()));
    }
    touched = touched || !judged.has_value() || *judged;
    if (judged.has_value()) shown.push_back(std::move(passage));
  }
  if (shown.size() < passages.size()) {
    ctx.span.Set("guardrail_blocked_passages", passages.size() - shown.size());
  }
  passages = std::move(shown);
  co_return touched;
}

}  // namespace strata::knowledge
