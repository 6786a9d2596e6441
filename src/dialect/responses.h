#pragma once
// OpenAI's Responses API as a front door: requests in, answers and their streams out. What it
// stores and how its chains are read is the server's business; this is pure.
//
// Shapes: the openai Python SDK's types (openai 3.x). Items of the input become turns of one
// conversation; blocks of the answer become items: reasoning, message, function_call. Ids of items
// are made from the answer's id and their place, so that an answer reads the same when it is asked
// for again.
//
// The tool file_search is run by the server, before the model is asked: what it found comes with
// Settings::searches and is written as items in front of the answer's own.
//
// Not served, and refused by name: the other tools that OpenAI runs itself (web_search, computer
// use, mcp, …), background, conversation, prompt, references to items and uploaded images.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/json_value.h"
#include "dialect/meta.h"
#include "dialect/stream.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::responses {

// The tool of that type, as it was asked for.
struct FileSearchTool {
  std::string field;  // "tools[0]": where the request has it
  std::vector<std::string> vector_store_ids;
  std::int64_t results = 20;
  JsonText filters;  // "" for none
  double score_threshold = 0;
  std::string mode;  // "lexical", "dense": hybrid_search gives the other no weight; else ""
};

// One search that was run.
struct FileSearchCall {
  struct Result {
    std::string file_id;
    std::string filename;
    double score = 0;
    std::string text;
    JsonText attributes;  // an object
  };
  std::vector<std::string> queries;
  std::vector<Result> results;
};

// What a request asks for beside its conversation; most of it is repeated in the answer.
struct Settings {
  std::string instructions;
  std::string previous_response_id;
  bool store = true;
  bool parallel_tool_calls = true;
  std::string truncation = "disabled";  // "auto": the oldest turns may be left out
  JsonText tools{"[]"};                 // as sent
  JsonText tool_choice{"\"auto\""};
  JsonText text{R"({"format":{"type":"text"}})"};
  JsonText reasoning;  // an object, "" when none was sent
  std::optional<std::int64_t> max_output_tokens;
  std::optional<std::int64_t> max_tool_calls;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::map<std::string, std::string> metadata;
  std::string user;
  std::string safety_identifier;
  std::string prompt_cache_key;
  std::string service_tier;
  int top_logprobs = 0;
  bool logprobs = false;                 // include: message.output_text.logprobs
  bool encrypted_content = false;        // include: reasoning.encrypted_content
  bool summaries = false;                // reasoning.summary was asked for: thinking is shown
  bool search_results = false;           // include: file_search_call.results
  std::vector<FileSearchCall> searches;  // filled by the server
};

struct Request {
  domain::ChatRequest chat;
  Settings settings;
  std::optional<FileSearchTool> file_search;  // to be run; tool_choice may say not to
  JsonValue input;                            // a list of items; a bare string is one message
};

// `chat` holds the conversation of `input` alone: with previous_response_id, AddHistory follows.
// Errors: kInvalidArgument with the member's path, kUnsupported never.
Result<Request> DecodeRequest(std::string_view body);

// Puts what was said before in front: lists of items (InputItems and Encoder::items), oldest first.
Result<> AddHistory(Request& request, const std::vector<std::string>& item_lists);

// The documents that a conversation names by the ids of uploaded files (source_uri) and that hold
// nothing yet: the server puts them in.
std::vector<domain::DocumentBlock*> NamedFiles(domain::ChatRequest& chat);
// kUnsupported: a type that documents do not have; kInvalidArgument: a text that is not UTF-8.
Result<> PutFile(domain::DocumentBlock& document, std::string filename, std::string_view media_type,
                 std::string bytes);

// The request's own input as it is stored and listed: a JSON array of items, each with type, id and
// content parts.
std::string InputItems(const Request& request, std::string_view response_id);

// "resp_…"
std::string ResponseId(std::string_view request_id);

// Events → the API's events. After StreamEnd the whole answer can be taken.
class Encoder : public StreamEncoder {
 public:
  // The response object, as `response.completed` carries it.
  virtual const std::string& response() const = 0;
  // The output's items as they are played back in a chain: with thinking and signatures, whatever
  // the caller is shown.
  virtual std::string items() const = 0;
};
std::unique_ptr<Encoder> MakeStreamEncoder(Settings settings, AnswerMeta meta);

struct WholeResponse {
  std::string response;
  std::string items;
};
WholeResponse EncodeResponse(const domain::ChatResponse& response, const Settings& settings,
                             const AnswerMeta& meta);

// GET …/input_items: one page of a stored list.
struct ItemPage {
  std::string after;  // an item's id; "" from the start
  std::size_t limit = 20;
  bool ascending = false;
};
// `query`: the address's, "after=…&limit=…&order=asc". Errors name the parameter.
Result<ItemPage> DecodeItemPage(std::string_view query);
// kInvalidArgument when `after` is none of the items.
Result<std::string> EncodeItemPage(std::string_view items, const ItemPage& page);

std::string EncodeDeleted(std::string_view response_id);
// POST …/input_tokens.
std::string EncodeInputTokens(std::int64_t tokens);

}  // namespace strata::dialect::responses
