#include "guard/guardrails.h"

#include <algorithm>
#include <utility>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "dialect/responses_wire.h"
#include "guard/request_texts.h"
#include "guard/verdicts.h"

namespace strata::guard {
namespace {

Error Blocked(const Policy& policy, Side side) {
  return Error(Code::kBlocked,
               FormatMessage("the guardrail '{}' blocks this {}", Own(policy.name()),
                             Own(side == Side::kInput ? "request" : "answer")));
}

// In order; where two overlap, the first mask covers both.
std::vector<Finding> Joined(std::vector<Finding> findings) {
  std::ranges::sort(findings, {}, [](const Finding& f) { return std::pair(f.start, f.end); });
  std::vector<Finding> out;
  for (auto& finding : findings) {
    if (!out.empty() && finding.start < out.back().end) {
      out.back().end = std::max(out.back().end, finding.end);
    } else {
      out.push_back(std::move(finding));
    }
  }
  return out;
}

// How much of a string is text: all but the encoded bytes of a data URL, which are an image's or a
// document's.
std::size_t TextBytes(std::string_view text) {
  constexpr std::string_view kMark = ";base64,";
  if (!text.starts_with("data:")) return text.size();
  const auto mark = text.find(kMark);
  if (mark == std::string_view::npos) return text.size();
  const auto data = text.substr(mark + kMark.size());
  const bool encoded = std::ranges::all_of(data, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
  });
  return encoded ? mark + kMark.size() : text.size();
}

// Whether data URLs may stand among the strings: nobody takes a message's text for one.
enum class DataUrls : std::uint8_t { kAreText, kAreData };

}  // namespace

std::string Masked(std::string_view text, const std::vector<Finding>& findings) {
  std::string out;
  std::size_t at = 0;
  for (const auto& finding : findings) {
    out.append(text.substr(at, finding.start - at)).append(finding.mask);
    at = finding.end;
  }
  return out.append(text.substr(at));
}

Guardrails::Guardrails(std::vector<std::shared_ptr<const Policy>> policies)
    : policies_(std::move(policies)) {
  for (const auto& policy : policies_) {
    names_ += (names_.empty() ? "" : ",") + policy->name();
    if (policy->Judges(Side::kOutput)) reach_ = std::max(reach_, policy->reach());
  }
}

Guardrails::Guardrails(const Guardrails& of, std::shared_ptr<Assessment> found) : Guardrails(of) {
  found_ = std::move(found);
}

std::shared_ptr<const Guardrails> Guardrails::Only(std::string_view name,
                                                   std::shared_ptr<Assessment> found) const {
  for (const auto& policy : policies_) {
    if (policy->name() != name) continue;
    return std::make_shared<const Guardrails>(Guardrails(std::vector{policy}), std::move(found));
  }
  return nullptr;
}

bool Guardrails::Judges(Side side) const {
  return std::ranges::any_of(policies_, [&](const auto& policy) { return policy->Judges(side); });
}

bool Guardrails::MayMask(Side side) const {
  return std::ranges::any_of(policies_, [&](const auto& policy) { return policy->MayMask(side); });
}

Task<Result<std::vector<Finding>>> Guardrails::Judge(std::string_view text, Side side,
                                                     RequestContext& ctx, std::size_t limit) const {
  std::vector<Finding> masks;
  for (const auto& policy : policies_) {
    if (!policy->Judges(side)) continue;
    STRATA_CO_TRY(auto findings, co_await policy->Judge(text, side, ctx));
    for (auto& finding : findings) {
      if (finding.start >= limit) continue;
      if (found_) {
        const auto match = text.substr(finding.start, finding.end - finding.start);
        found_->Note(policy->name(), side, match, finding.action);
      }
      if (side == Side::kInput) {
        AddVerdict(ctx.decided_by.guardrail, policy->name(), finding.action);
      } else if (finding.action == Action::kNote) {
        ctx.span.Set("guardrail_noted_output", policy->name());
      }
      if (finding.action == Action::kNote) continue;
      if (finding.action == Action::kBlock) co_return Fail(Blocked(*policy, side));
      masks.push_back(std::move(finding));
    }
  }
  co_return Joined(std::move(masks));
}

namespace {

// In the trace, on every way out.
class ShownVerdicts {
 public:
  explicit ShownVerdicts(RequestContext& ctx) : ctx_(ctx) {}
  ShownVerdicts(const ShownVerdicts&) = delete;
  ShownVerdicts& operator=(const ShownVerdicts&) = delete;
  ~ShownVerdicts() {
    const auto& verdicts = ctx_.decided_by.guardrail;
    if (FoundSomething(verdicts, "")) ctx_.span.Set("guardrails", verdicts);
  }

 private:
  RequestContext& ctx_;
};

// Judges texts and masks them in place. Lives in one call of JudgeRequest.
class RequestJudge {
 public:
  RequestJudge(const Guardrails& guardrails, RequestContext& ctx)
      : guardrails_(guardrails), ctx_(ctx) {}

  Task<Result<>> Texts(const std::vector<std::string*>& texts, DataUrls urls) {
    for (auto* text : texts) {
      if (text->empty()) continue;
      const auto size = urls == DataUrls::kAreData ? TextBytes(*text) : text->size();
      const auto judged = std::string_view(*text).substr(0, size);
      STRATA_CO_TRY(auto masks, co_await guardrails_.Judge(judged, Side::kInput, ctx_));
      if (masks.empty()) continue;
      *text = Masked(*text, masks);
      ++masked_;
    }
    co_return Result<>{};
  }

  // What others refer to cannot be masked.
  Task<Result<>> Names(const std::vector<const std::string*>& names) {
    for (const auto* name : names) {
      STRATA_CO_TRY(auto masks, co_await guardrails_.Judge(*name, Side::kInput, ctx_));
      if (!masks.empty())
        co_return Fail(Code::kBlocked, "a guardrail blocks a name in this request");
    }
    co_return Result<>{};
  }

  // What is found only when texts are put together, with nothing between them or a line each, is
  // blocked. They have been judged, and masked, one by one.
  Task<Result<>> Joined(const std::vector<const std::string*>& texts) {
    for (const char* between : {"", " "}) {
      std::string joined;
      std::vector<std::size_t> seams;
      for (const auto* text : texts) {
        seams.push_back(joined.size());
        joined.append(*text).append(between);
      }
      STRATA_CO_TRY(auto masks, co_await guardrails_.Judge(joined, Side::kInput, ctx_));
      for (const auto& found : masks) {
        auto inside = [&](std::size_t seam) { return found.start < seam && seam < found.end; };
        if (std::ranges::none_of(seams, inside)) continue;
        co_return Fail(Code::kBlocked, "a guardrail blocks texts of this request put together");
      }
    }
    co_return Result<>{};
  }

  Task<Result<>> Json(std::string& text, DataUrls urls) {
    auto value = dialect::ParseJson(text);
    if (!value.has_value()) co_return Result<>{};  // empty: the decoders have checked what is not
    const auto before = masked_;
    STRATA_CO_CHECK_OK(co_await Value(*value, urls));
    if (masked_ != before) text = value->Dump();
    co_return Result<>{};
  }

  Task<Result<>> Value(dialect::JsonValue& value, DataUrls urls) {
    STRATA_CO_CHECK_OK(co_await Names(KeysOf(value)));
    co_return co_await Texts(StringsOf(value), urls);
  }

  int masked() const { return masked_; }

 private:
  const Guardrails& guardrails_;
  RequestContext& ctx_;
  int masked_ = 0;
};

}  // namespace

Task<Result<>> Guardrails::JudgeTexts(const std::vector<std::string*>& texts,
                                      RequestContext& ctx) const {
  if (!Judges(Side::kInput)) co_return Result<>{};
  RequestJudge judge(*this, ctx);
  const ShownVerdicts shown(ctx);
  STRATA_CO_CHECK_OK(co_await judge.Texts(texts, DataUrls::kAreText));
  if (judge.masked() > 0) ctx.span.Set("guardrail_masked_input", judge.masked());
  co_return Result<>{};
}

Task<Result<>> Guardrails::JudgeRequest(domain::ChatRequest& request, RequestContext& ctx) const {
  if (!Judges(Side::kInput)) co_return Result<>{};
  RequestJudge judge(*this, ctx);
  const ShownVerdicts shown(ctx);
  auto decoded = domain::DecodeWhole(request);
  if (!decoded.has_value()) {
    STRATA_CO_TRY(auto body, dialect::ParseJson(request.wire->body));
    STRATA_CO_CHECK_OK(co_await judge.Value(body, DataUrls::kAreData));
    if (judge.masked() > 0) co_return Fail(std::move(decoded.error()));
    co_return Result<>{};
  }
  STRATA_CO_CHECK_OK(co_await judge.Names(NamesOf(request)));
  STRATA_CO_CHECK_OK(co_await judge.Texts(TextsOf(request), DataUrls::kAreText));
  for (const auto& texts : JoinedTextsOf(request)) {
    STRATA_CO_CHECK_OK(co_await judge.Joined(texts));
  }
  for (auto* json : JsonTextsOf(request)) {
    STRATA_CO_CHECK_OK(co_await judge.Json(*json, DataUrls::kAreText));
  }
  STRATA_CO_CHECK_OK(co_await judge.Json(request.extra.text, DataUrls::kAreData));
  if (judge.masked() == 0) co_return Result<>{};
  ctx.span.Set("guardrail_masked_input", judge.masked());
  // What perhaps only its own format can say is masked as it came, string by string.
  std::shared_ptr<const domain::WireRequest> masked;
  if (request.wire && dialect::responses::IsWireFormat(request.wire->format)) {
    STRATA_CO_TRY(auto body, dialect::ParseJson(request.wire->body));
    STRATA_CO_CHECK_OK(co_await judge.Value(body, DataUrls::kAreData));
    masked = dialect::responses::WireWithBody(*request.wire, body.Dump());
  }
  request.wire = std::move(masked);
  co_return Result<>{};
}

}  // namespace strata::guard
