// bench_router: does a router of rules alone decide within 50 us at p99? One of 20 rules over five
// candidates, on prompts of 40 to 4,000 bytes of which most match no rule, so that every rule is
// looked at. Processor time of this thread, so that a busy machine disturbs less.
//
// bench_router ROUTER EMBEDDER ROWS: does a learned router decide within 500 us at p99 on the
// prompts of labelled rows? ROUTER is what `strata route train` wrote, EMBEDDER the static
// embedder's file that it was trained with. Features, prediction and decision together.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dialect/json_value.h"
#include "route/outcome_rows.h"
#include "route/policy_router.h"
#include "route/router_file.h"
#include "store/file.h"

namespace {

using namespace strata;         // NOLINT: a benchmark's main file
using namespace strata::route;  // NOLINT

constexpr double kLimitMicros = 50;
constexpr double kLearnedLimitMicros = 500;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 30;
constexpr int kRounds = 20'000;

class Silent final : public provider::ChatModel {
 public:
  explicit Silent(std::string id) {
    info_.id = std::move(id);
    info_.can = {.chat = true, .tools = true, .images = true};
    info_.price.input = 1;
    info_.price.output = 4;
  }
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&&,
                                                            RequestContext&) override {
    co_return Fail(Code::kUnsupported, "not in this benchmark");
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return Fail(Code::kUnsupported, "not in this benchmark");
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  domain::ModelInfo info_;
};

double ThreadMicros() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
}

std::string Definition() {
  std::string rules;
  for (int i = 0; i < 19; ++i) {
    rules += fmt::format(
        R"({{"when": {{"any": [{{"keyword": ["word{0}", "two words{0}"]}}, {{"label": "l{0}"}},
            {{"all": [{{"task": "code"}}, {{"not": {{"prompt_tokens": {{"min": {0}}}}}}}]}}]}},
            "use": "m{1}"}},)",
        i, i % 5);
  }
  rules += R"({"when": {"language": "tr", "needs": ["tools", "image"]}, "prefer": "m4"})";
  return R"({"candidates": ["m0", "m1", "m2", "m3", "m4"], "rules": [)" + rules + "]}";
}

std::vector<domain::ChatRequest> Requests() {
  constexpr std::string_view kSentence =
      "The ferry leaves the northern quay in the morning and returns before the evening; ";
  std::vector<domain::ChatRequest> out;
  for (std::size_t repeats : {1, 2, 5, 12, 50}) {
    std::string text = fmt::format("Question {}: ", repeats);
    for (std::size_t i = 0; i < repeats; ++i) text += kSentence;
    domain::ChatRequest request;
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(
        domain::TextBlock{.text = text + "when does it return?", .citations = {}});
    out.push_back(std::move(request));
  }
  return out;
}

int Report(std::string_view what, std::vector<double> micros, double limit) {
  std::ranges::sort(micros);
  auto p50 = micros[micros.size() / 2];
  auto p99 = micros[micros.size() * 99 / 100];
  fmt::print("{}: {:.1f} us at the median, {:.1f} us at p99; limit {:.0f} us\n", what, p50, p99,
             limit);
  return p99 <= limit ? 0 : 2;
}

// Of each request's decision; negative: none could be made.
double Decide(const PolicyRouter& router, const provider::RegistrySnapshot& models,
              const domain::ChatRequest& request) {
  static const RequestContext kCtx{};
  double before = ThreadMicros();
  Signals signals(request, kCtx);
  auto plan = router.Choose(models, signals);
  double took = ThreadMicros() - before;
  return plan.has_value() ? took : -1;
}

Result<std::shared_ptr<const PolicyRouter>> RulesRouter() {
  STRATA_TRY(auto tree, dialect::ParseJson(Definition()));
  STRATA_TRY(auto definition, DecodeDefinition(tree));
  return PolicyRouter::Make({.name = "bench",
                             .version = "router/bench:1",
                             .definition = std::move(definition),
                             .learned = nullptr});
}

Result<int> Rules() {
  provider::RegistrySnapshot models;
  for (const char* id : {"m0", "m1", "m2", "m3", "m4"}) {
    STRATA_CHECK_OK(models.AddChat(std::make_shared<Silent>(id), WallTime{}));
  }
  STRATA_TRY(auto router, RulesRouter());
  auto requests = Requests();
  std::vector<double> micros;
  micros.reserve(kRounds);
  for (int i = 0; i < kRounds; ++i) {
    micros.push_back(
        Decide(*router, models, requests[static_cast<std::size_t>(i) % requests.size()]));
  }
  if (std::ranges::min(micros) < 0) return Fail(Code::kInternal, "a request was not served");
  return Report("20 rules, 5 candidates", std::move(micros), kLimitMicros);
}

Result<int> Learned(const std::string& router_file, const std::string& embedder_file,
                    const std::string& rows_file) {
  STRATA_TRY(auto bytes, store::ReadWholeFile(router_file, kFileBytesMax));
  STRATA_TRY(auto state, ReadRouter(bytes));
  STRATA_TRY(auto embedder, vector::StaticEmbedder::Open(embedder_file));
  RouterDefinition definition;
  provider::RegistrySnapshot models;
  for (const auto& candidate : state.candidates) {
    definition.candidates.push_back({.model = candidate.name, .learned_as = {}});
    STRATA_CHECK_OK(models.AddChat(std::make_shared<Silent>(candidate.name), WallTime{}));
  }
  definition.fallback = state.candidates[state.strong].name;
  STRATA_TRY(auto learned, Router::Make(std::move(state), std::move(embedder)));
  STRATA_TRY(auto router, PolicyRouter::Make({.name = "bench",
                                              .version = "router/bench:1",
                                              .definition = std::move(definition),
                                              .learned = std::move(learned)}));
  std::vector<std::string> files = {rows_file};
  STRATA_TRY(auto rows, ReadOutcomeFiles(files, OutcomesAre::kIgnored));
  std::vector<double> micros;
  for (const auto& row : rows) {
    domain::ChatRequest request;
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(
        domain::TextBlock{.text = row.prompt, .citations = {}});
    micros.push_back(Decide(*router, models, request));
  }
  if (micros.empty() || std::ranges::min(micros) < 0) {
    return Fail(Code::kInternal, "a request was not served");
  }
  auto what = fmt::format("learned, {} prompts", micros.size());
  return Report(what, std::move(micros), kLearnedLimitMicros);
}

}  // namespace

int main(int argc, char** argv) {
  auto done = argc == 4 ? Learned(argv[1], argv[2], argv[3]) : Rules();
  if (done.has_value()) return *done;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}
