#pragma once
// What is known of a model: identity, what it can do, what it costs.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/labels.h"
#include "base/retention.h"
#include "domain/money.h"

namespace strata::domain {

struct Capabilities {
  bool chat = false;
  bool embed = false;
  bool rerank = false;
  bool tools = false;
  bool images = false;
  bool documents = false;
  bool json_schema = false;
  bool reasoning = false;
  bool streaming = true;
};

struct ModelInfo {
  std::string id;           // what callers name
  std::string provider;     // "builtin", "openai", "anthropic", "bedrock", or a configured name
  std::string upstream_id;  // what the provider calls it
  std::string family;       // "smollm", "claude", "gpt", …
  std::string display_name;
  Capabilities can;
  std::int64_t context_tokens = 0;  // of this model's tokenizer; 0 = unknown
  std::int64_t output_tokens_max = 0;
  int dimensions = 0;  // embedding models
  Price price;         // absent members: unknown
  // Where it runs and what may be sent there (DESIGN.md §7). In-process models have region "local"
  // and clear everything.
  std::string region;
  bool cleared_for_all_labels = false;
  LabelSet clearance;                  // labels that may be sent when not cleared for all
  std::optional<Retention> retention;  // how long it keeps what it is sent; unset: not declared
  // Set for small built-in models: answers carry it in their metadata, so that nobody takes them
  // for a product model's.
  std::string demo_note;
};

}  // namespace strata::domain
