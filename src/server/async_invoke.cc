#include "server/async_invoke.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "base/caught.h"
#include "base/format_message.h"
#include "base/log.h"
#include "dialect/bedrock.h"
#include "dialect/error_table.h"
#include "gateway/access.h"
#include "gateway/collect_sink.h"
#include "gateway/constraints.h"

namespace strata::server {
namespace {

namespace json = boost::json;
namespace bedrock = dialect::bedrock;

constexpr std::chrono::milliseconds kIdle{500};
constexpr std::string_view kArnHead = "arn:aws:bedrock:us-east-1:000000000000:async-invoke/";
// Bedrock's ids have twelve characters, those of jobs ten.
constexpr std::string_view kIdHead = "ai";

// Another try can help only where nothing was wrong with the request.
bool MayHelpToRepeat(const Error& error) {
  auto code = error.code();
  return code == Code::kUnavailable || code == Code::kRateLimited ||
         code == Code::kDeadlineExceeded || code == Code::kCancelled;
}

}  // namespace

std::string AsyncInvocationArn(const store::Job& job) {
  auto id = job.id;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  return fmt::format("{}{}{}", kArnHead, kIdHead, id);
}

std::string AsyncInvocationJobId(std::string_view arn) {
  auto slash = arn.rfind('/');
  auto id = std::string(slash == arn.npos ? arn : arn.substr(slash + 1));
  if (!id.starts_with(kIdHead)) return {};
  id.erase(0, kIdHead.size());
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::toupper(c); });
  return id;
}

Result<std::string> AsyncOutputPath(const std::map<std::string, std::string>& s3_map,
                                    std::string_view s3_uri, std::string_view id) {
  const std::string field = "outputDataConfig.s3OutputDataConfig.s3Uri";
  constexpr std::string_view kScheme = "s3://";
  if (!s3_uri.starts_with(kScheme)) return Fail(InvalidArgument(field, "expected s3://bucket/key"));
  auto rest = s3_uri.substr(kScheme.size());
  auto slash = rest.find('/');
  auto bucket = std::string(rest.substr(0, slash));
  auto at = s3_map.find(bucket);
  if (at == s3_map.end()) {
    return Fail(InvalidArgument(
        field, FormatMessage("bucket '{}' is not mapped to a folder (kb.s3_map)", bucket)));
  }
  std::filesystem::path key(slash == rest.npos ? std::string()
                                               : std::string(rest.substr(slash + 1)));
  for (const auto& part : key) {
    if (part == ".." || part.is_absolute()) {
      return Fail(InvalidArgument(field, "the key must not leave the bucket"));
    }
  }
  auto path = std::filesystem::path(at->second) / key / std::string(id) / "output.json";
  return path.lexically_normal().string();
}

void AsyncInvokes::Start(net::Runtime& runtime) {
  runtime.Run([](store::JobQueue& jobs) -> Task<void> {
    std::vector<std::string_view> kinds{kKind};
    auto taken = co_await jobs.TakeBackLeases(std::move(kinds));
    if (!taken.has_value()) {
      Log(Level::kWarning, "async_invoke.take_back_failed", {{"error", taken.error().message()}});
    }
  }(parts_.jobs));
  for (std::size_t i = 0; i < kAtOnce; ++i) runtime.Spawn(Loop(WaitGroup::Ticket(loops_)));
}

void AsyncInvokes::Stop() {
  stop_.request_stop();
  loops_.Wait();
}

Task<void> AsyncInvokes::Loop([[maybe_unused]] WaitGroup::Ticket ticket) {
  auto stop = stop_.get_token();
  while (!stop.stop_requested()) {
    auto ran = co_await Caught("async_invoke.worker", RunNext());
    if (ran.has_value() && *ran) continue;
    if (!ran.has_value()) {
      Log(Level::kWarning, "async_invoke.lease_failed", {{"error", ran.error().message()}});
    }
    [[maybe_unused]] auto slept = co_await net::Sleep(kIdle, stop);
  }
}

Task<Result<bool>> AsyncInvokes::RunNext() {
  std::vector<std::string> kinds{std::string(kKind)};
  // Nobody renews this lease; what a dead process held is taken back at the next start.
  auto lease = parts_.live.Now()->settings.request_timeout + std::chrono::minutes(1);
  STRATA_CO_TRY(auto job, co_await parts_.jobs.Lease(std::move(kinds), lease));
  if (!job) co_return false;
  co_await RunOne(std::move(*job));
  co_return true;
}

Task<void> AsyncInvokes::RunOne(store::Job job) {
  auto output = co_await Caught("async_invoke", Invoke(job));
  Result<> settled;
  if (output.has_value()) {
    JsonText result{json::serialize(json::object{{"path", *output}})};
    settled = co_await parts_.jobs.Complete(job, std::move(result));
  } else if (stop_.stop_requested() && MayHelpToRepeat(output.error())) {
    settled = co_await parts_.jobs.GiveBack(job);  // ended by us: it costs no attempt
  } else {
    auto retry = MayHelpToRepeat(output.error()) ? store::JobQueue::Retry::kYes
                                                 : store::JobQueue::Retry::kPermanent;
    settled = co_await parts_.jobs.Fail(
        job, dialect::PublicMessage(output.error(), dialect::Dialect::kBedrock), retry);
  }
  if (!settled.has_value()) {
    Log(Level::kWarning, "async_invoke.settle_failed",
        {{"job", job.id}, {"error", settled.error().message()}});
  }
}

// The path that the answer was written to.
Task<Result<std::string>> AsyncInvokes::Invoke(const store::Job& job) {
  auto payload = json::parse(job.payload.text).as_object();
  auto text = [&](const char* name) { return std::string(payload.at(name).as_string()); };
  auto settings = parts_.live.Now()->settings;
  gateway::RequestScope scope(parts_.trace_sinks, "server.AsyncInvoke", "bedrock",
                              settings.request_timeout, stop_.get_token(), settings.trace_text);
  auto& ctx = scope.ctx();
  ctx.urgency = Urgency::kBackground;
  ctx.workspace = job.workspace;
  STRATA_CO_CHECK_OK(gateway::ApplyNow(parts_.keys, KeyId{text("key")}, ctx));
  // Jobs of before have none of these two.
  if (const auto* kept = payload.if_contains("constraints")) {
    STRATA_CO_TRY(auto constraints, gateway::ReadConstraints(*kept));
    STRATA_CO_CHECK_OK(gateway::Narrow(constraints, ctx));
  }
  parts_.routers.AddForms(ctx.models_allowed, ctx.workspace);
  if (const auto* subject = payload.if_contains("subject")) ctx.subject = subject->as_string();
  auto id = AsyncInvocationArn(job).substr(kArnHead.size());
  STRATA_CO_TRY(auto path, AsyncOutputPath(parts_.s3_map, text("s3_uri"), id));
  auto model = text("model");
  STRATA_CO_TRY(auto request, bedrock::DecodeInvoke(model, json::serialize(payload.at("input"))));
  dialect::AnswerMeta meta;
  meta.request_id = meta.trace_id = ctx.request_id.value;
  meta.model = model;
  std::string body;
  if (auto* chat = std::get_if<domain::ChatRequest>(&request.call)) {
    gateway::CollectSink sink;
    chat->model = model;
    auto asked = std::move(*chat);
    co_await parts_.chat.Run(std::move(asked), ctx, sink);
    if (sink.failure) co_return Fail(std::move(*sink.failure));
    body = bedrock::EncodeInvokeChatResponse(request.format, sink.answer.response(), meta);
  } else {
    auto call = std::get<dialect::EmbedRequest>(request.call);  // the answer shows its texts
    call.model = model;
    STRATA_CO_TRY(auto answer, co_await parts_.embed.Run(std::move(call), ctx));
    dialect::EmbeddingView view{.dimensions = answer.vectors.dimensions,
                                .values = answer.vectors.values,
                                .input_tokens = answer.vectors.input_tokens};
    body = bedrock::EncodeInvokeEmbedResponse(request, view, meta);
  }
  STRATA_CO_CHECK_OK(co_await Write(path, std::move(body)));
  co_return path;
}

Task<Result<>> AsyncInvokes::Write(std::string path, std::string text) {
  auto work = [&path, &text]() -> Result<> {
    std::error_code error;
    auto file = std::filesystem::path(path);
    std::filesystem::create_directories(file.parent_path(), error);
    auto temporary = path + ".new";
    {
      std::ofstream out(temporary, std::ios::binary);
      out << text;
      out.flush();
      if (!out) return Fail(Code::kUnavailable, FormatMessage("{} could not be written", path));
    }
    std::filesystem::rename(temporary, file, error);
    if (error) return Fail(Code::kUnavailable, FormatMessage("{}: {}", path, error.message()));
    return {};
  };
  co_return co_await RunBlocking(parts_.pool, std::move(work));
}

Task<Result<store::Job>> AsyncInvokes::Submit(AsyncInvocation invocation, RequestContext& ctx) {
  STRATA_CO_TRY(auto path, AsyncOutputPath(parts_.s3_map, invocation.s3_uri, "id"));
  STRATA_CO_TRY(auto checked, bedrock::DecodeInvoke(invocation.model, invocation.input.text));
  const auto* chat = std::get_if<domain::ChatRequest>(&checked.call);
  if (chat != nullptr && !chat->user.empty()) ctx.subject = chat->user;
  json::object payload{{"model", invocation.model},   {"input", json::parse(invocation.input.text)},
                       {"s3_uri", invocation.s3_uri}, {"token", invocation.token},
                       {"key", ctx.key.value},        {"subject", ctx.subject}};
  payload["constraints"] = gateway::ConstraintsJson(gateway::Constraints::Of(ctx));
  store::JobSpec spec;
  spec.kind = kKind;
  spec.key = ctx.request_id.value;
  spec.workspace = ctx.workspace;
  spec.payload.text = json::serialize(payload);
  spec.attempts_max = 3;
  co_return co_await parts_.jobs.Enqueue(std::move(spec));
}

}  // namespace strata::server
