#pragma once
// What strata adds to an answer in every dialect: whose it is, where its trace is, what it cost.
//
// In bodies: OpenAI, Anthropic and Gemini answers get a top-level member "strata", Converse answers
// `additionalModelResponseFields.strata` (clients ignore unknown members). In headers, which the
// gateway writes from MetaHeaders(): x-strata-trace-id, x-strata-trace-url, x-strata-demo and the
// dialect's own request id header.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/money.h"

namespace strata::dialect {

enum class Dialect : std::uint8_t { kOpenAi, kAnthropic, kBedrock, kGemini };

struct AnswerMeta {
  std::string request_id;    // becomes the id of the answer ("chatcmpl-…", "msg_…")
  std::string trace_id;      // "" leaves it out
  std::string trace_url;     // address of the trace page; "" leaves it out
  std::string model;         // the model id shown; "" shows the one of the answer
  std::string demo_note;     // set when a small built-in model answered (ModelInfo::demo_note)
  std::string service_tier;  // echoed; "" leaves it out
  std::string performance_latency;    // Bedrock performanceConfig.latency, echoed; "" leaves it out
  std::string invoked_model_id;       // Bedrock trace.promptRouter.invokedModelId; "" leaves it out
  std::optional<domain::Money> cost;  // absent: unknown
  std::int64_t created_s = 0;         // Unix time of the answer, seconds
  std::chrono::milliseconds latency{0};  // since the request came in (Bedrock metrics.latencyMs)
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Response headers of a successful answer; names in lower case, values without control characters.
HeaderList MetaHeaders(Dialect dialect, const AnswerMeta& meta);

}  // namespace strata::dialect
