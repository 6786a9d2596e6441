// bench_router: does a router of rules alone decide within 50 us at p99? One of 20 rules over five
// candidates, on prompts of 40 to 4,000 bytes of which most match no rule, so that every rule is
// looked at. Processor time of this thread, so that a busy machine disturbs less.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dialect/json_value.h"
#include "route/policy_router.h"

namespace {

using namespace strata;         // NOLINT: a benchmark's main file
using namespace strata::route;  // NOLINT

constexpr double kLimitMicros = 50;
constexpr int kRounds = 20'000;

class Silent final : public provider::ChatModel {
 public:
  explicit Silent(std::string id) {
    info_.id = std::move(id);
    info_.can = {.chat = true, .tools = true, .images = true};
    info_.price = {.input = 1, .output = 4};
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

}  // namespace

int main() {
  provider::RegistrySnapshot models;
  for (const char* id : {"m0", "m1", "m2", "m3", "m4"}) {
    if (!models.AddChat(std::make_shared<Silent>(id), WallTime{}).has_value()) return 1;
  }
  auto tree = dialect::ParseJson(Definition());
  auto definition = DecodeDefinition(*tree);
  if (!definition.has_value()) {
    fmt::print(stderr, "{}\n", definition.error().message());
    return 1;
  }
  auto router = *PolicyRouter::Make({.name = "bench",
                                     .version = "router/bench:1",
                                     .definition = std::move(*definition),
                                     .learned = nullptr});
  auto requests = Requests();
  RequestContext ctx;
  std::vector<double> micros;
  for (int i = 0; i < kRounds; ++i) {
    const auto& request = requests[static_cast<std::size_t>(i) % requests.size()];
    double before = ThreadMicros();
    Signals signals(request, ctx);
    auto plan = router->Choose(models, signals);
    micros.push_back(ThreadMicros() - before);
    if (!plan.has_value()) return 1;
  }
  std::ranges::sort(micros);
  auto p50 = micros[micros.size() / 2];
  auto p99 = micros[micros.size() * 99 / 100];
  fmt::print("20 rules, 5 candidates: {:.1f} us at the median, {:.1f} us at p99; limit {:.0f} us\n",
             p50, p99, kLimitMicros);
  return p99 <= kLimitMicros ? 0 : 2;
}
