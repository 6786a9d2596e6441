#include "gateway/check_hooks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/format_message.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "dialect/json_value.h"
#include "guard/outbound.h"
#include "net/url.h"

namespace strata::gateway {
namespace {

constexpr std::size_t kNameBytesMax = 63;
constexpr std::size_t kQuestionBytesMax = 16 * 1024;
constexpr std::size_t kBodyBytesMax = 1 << 20;
constexpr std::size_t kReplyBytesMax = 64 * 1024;
constexpr std::size_t kReasonBytesMax = 500;
constexpr std::chrono::milliseconds kTimeoutMax{60'000};

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Arguments that are no JSON go as the text that they are.
std::string ArgumentsJson(const std::string& text) {
  return dialect::ParseJson(text).has_value() ? text : JsonString(text);
}

std::string BodyOf(const CheckHook::Question& q, const RequestContext& ctx) {
  std::string calls;
  for (const auto& block : q.answer.content) {
    const auto* call = std::get_if<domain::ToolUseBlock>(&block);
    if (call == nullptr) continue;
    calls += fmt::format(R"({}{{"name":{},"arguments":{}}})", calls.empty() ? "" : ",",
                         JsonString(call->name), ArgumentsJson(call->input.text));
  }
  return fmt::format(
      R"({{"router":{},"request_id":{},"model":{},"question":{},"answer":{{"text":{},"tool_calls":[{}]}}}})",
      JsonString(q.router), JsonString(ctx.request_id.value), JsonString(q.model),
      JsonString(Utf8Prefix(q.question, kQuestionBytesMax)),
      JsonString(domain::TextOf(q.answer.content)), calls);
}

// As the outbound check knows places: one that serves nothing else.
domain::ModelInfo PlaceOf(const HookSpec& spec) {
  domain::ModelInfo place;
  place.id = "hook/" + spec.name;
  place.provider = place.id;
  place.upstream_id = spec.url;
  place.can.chat = true;  // what only some providers may see, it may not
  place.region = spec.region;
  place.cleared_for_all_labels = spec.cleared_for_all_labels;
  place.clearance = spec.clearance;
  place.retention = spec.retention;
  return place;
}

}  // namespace

std::vector<Error> HookProblems(const HookSpec& spec) {
  std::vector<Error> out;
  if (!IsName(spec.name)) {
    out.push_back(InvalidArgument("name", "expected 1 to 63 of a-z, 0-9 and '-'"));
  }
  if (auto url = net::ParseUrl(spec.url); !url.has_value()) {
    out.push_back(InvalidArgument("url", url.error().message()));
  }
  if (spec.timeout <= std::chrono::milliseconds(0) || spec.timeout > kTimeoutMax) {
    out.push_back(InvalidArgument("timeout_ms", "expected 1 to 60000"));
  }
  return out;
}

Result<std::shared_ptr<const CheckHook>> CheckHook::Make(HookSpec spec,
                                                         const provider::SecretReader& secrets) {
  if (auto problems = HookProblems(spec); !problems.empty()) {
    return Fail(std::move(problems.front()).Because(Message::Ours("hook " + spec.name)));
  }
  std::string bearer;
  if (!spec.secret.empty()) {
    auto secret = secrets(spec.secret);
    if (!secret.has_value())
      return Fail(std::move(secret.error()).Because(Message::Ours("hook " + spec.name)));
    bearer = "Bearer " + *secret;
  }
  return std::shared_ptr<const CheckHook>(new CheckHook(std::move(spec), std::move(bearer)));
}

Result<> CheckHook::MayAsk(const RequestContext& ctx) const {
  return guard::CheckOutbound(PlaceOf(spec_), ctx);
}

Task<CheckHook::Verdict> CheckHook::Ask(net::Client& client, const Question& question,
                                        RequestContext& ctx) const {
  auto span = ctx.span.Child("gateway.hook");
  span.Set("hook", spec_.name);
  auto failed = [&](const Message& why) {
    span.Set("passes", false);
    span.Set("why", why);
    return Verdict{
        .passes = false, .why = FormatMessage("hook {}: {}", Own(spec_.name), why), .reason = {}};
  };
  if (auto may = MayAsk(ctx); !may.has_value()) co_return failed(may.error().words());
  net::ClientRequest request;
  request.method = "POST";
  request.url = spec_.url;
  request.headers.Add("content-type", "application/json");
  if (!bearer_.empty()) request.headers.Add("authorization", bearer_);
  request.body = BodyOf(question, ctx);
  if (request.body.size() > kBodyBytesMax) {
    co_return failed(FormatMessage("the answer is larger than {} bytes", kBodyBytesMax));
  }
  request.deadline = std::min(ctx.deadline, ctx.clock->Steady() + spec_.timeout);
  request.cancel = ctx.cancel;
  request.allow_private_addresses = true;  // the operator configured the address
  auto response = co_await client.Send(std::move(request));
  if (!response.has_value()) co_return failed(response.error().words());
  span.Set("status", (*response)->status());
  auto body = co_await (*response)->ReadAll(kReplyBytesMax);
  if ((*response)->status() != 200) {
    co_return failed(FormatMessage("it answered with status {}", (*response)->status()));
  }
  if (!body.has_value()) co_return failed(body.error().words());
  auto verdict = DecodeHookVerdict(*body);
  if (!verdict.has_value())
    co_return failed(FormatMessage("it gave no verdict: {}", verdict.error().words()));
  span.Set("passes", verdict->passes);
  if (!verdict->reason.empty()) span.SetText("hook_reason", verdict->reason);
  verdict->why = FormatMessage("hook {}: it {}", Own(spec_.name),
                               Own(verdict->passes ? "passes" : "does not pass"));
  co_return std::move(*verdict);
}

Result<std::shared_ptr<const CheckHooks>> MakeCheckHooks(const std::vector<HookSpec>& specs,
                                                         const provider::SecretReader& secrets) {
  auto out = std::make_shared<CheckHooks>();
  for (const auto& spec : specs) {
    STRATA_TRY(auto hook, CheckHook::Make(spec, secrets));
    out->push_back(std::move(hook));
  }
  return std::shared_ptr<const CheckHooks>(std::move(out));
}

std::shared_ptr<const CheckHook> FindHook(const CheckHooks* hooks, std::string_view name) {
  if (hooks == nullptr) return nullptr;
  auto at = std::ranges::find(*hooks, name, [](const auto& hook) { return hook->spec().name; });
  return at == hooks->end() ? nullptr : *at;
}

Result<CheckHook::Verdict> DecodeHookVerdict(std::string_view body) {
  STRATA_TRY(auto tree, dialect::ParseJson(body));
  dialect::JsonField top(tree);
  STRATA_CHECK_OK(top.ExpectObject());
  CheckHook::Verdict out;
  STRATA_TRY(out.passes, top.Get("pass").Bool());
  if (auto reason = top.Get("reason"); reason.present()) {
    STRATA_TRY(auto text, reason.String());
    out.reason = Utf8Prefix(text, kReasonBytesMax);
  }
  return out;
}

}  // namespace strata::gateway
