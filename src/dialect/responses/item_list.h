#pragma once
// The output items that the events of one answer add up to, and their JSON.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/responses.h"
#include "domain/stream.h"

namespace strata::dialect::responses {

struct Part {
  bool refusal = false;
  domain::TextBlock text;
};

struct Item {
  // kForwarded: a provider's own, which has left as it came.
  enum class Kind : std::uint8_t {
    kMessage,
    kReasoning,
    kCall,
    kSearch,
    kForwarded
  } kind = Kind::kMessage;
  std::string id;
  std::string status = "in_progress";
  std::vector<Part> parts;           // kMessage
  domain::ReasoningBlock reasoning;  // kReasoning
  domain::ToolUseBlock call;         // kCall
  FileSearchCall search;             // kSearch
  std::string json;                  // kForwarded
};

// What of a reasoning item is written: as the caller asked, or all of it.
enum class Detail : std::uint8_t { kShown, kAll };

void WriteItem(JsonWriter& out, const Item& item, const Settings& settings, Detail detail);
void WritePart(JsonWriter& out, const Part& part, const Settings& settings);

// How an answer ended, in the API's words.
struct Ending {
  std::string_view status;  // "completed", "incomplete", "failed"
  std::string_view reason;  // of incomplete_details, "" for none
};
Ending EndingOf(domain::StopReason reason);

// Everything that the response object holds.
struct ResponseView {
  const Settings& settings;
  const AnswerMeta& meta;
  std::string_view id;
  std::string_view model;
  const std::vector<Item>& items;
  Ending ending;
  const domain::Usage* usage = nullptr;  // null while it is in progress
  const Error* error = nullptr;
};
void WriteResponse(JsonWriter& out, const ResponseView& view);

}  // namespace strata::dialect::responses
