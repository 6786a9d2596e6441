#pragma once
// Moderation as values: which kinds of harm a text or an image holds.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "domain/conversation.h"

namespace strata::domain {

// Results come one an input, except that parts of one input (text and images together) make one.
struct ModerationRequest {
  std::vector<std::variant<TextBlock, ImageBlock>> inputs;
  bool parts = false;  // `inputs` are parts of one input
};

struct ModerationCategory {
  bool flagged = false;
  double score = 0;
  std::vector<std::string> applied_to;  // "text", "image"; empty: the provider does not say
};

struct ModerationResult {
  bool flagged = false;
  std::map<std::string, ModerationCategory> categories;
};

struct Moderation {
  std::string model;  // that judged, as the provider names it
  std::vector<ModerationResult> results;
  std::int64_t input_tokens = 0;  // estimated
};

}  // namespace strata::domain
