#pragma once
// A conversation to the tokens that a model is fed: the file's own Jinja chat template, tools, JSON
// schemas. And back: what the model wrote to tool calls.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/conversation.h"
#include "provider/llama/generation.h"

struct llama_model;

namespace strata::provider::llama {

// Reads the whole answer of a request with tools; what constrains an answer. llama-common's types.
struct ToolParser;
struct Constraint;

// What a template made of a request.
struct PreparedPrompt {
  std::vector<std::int32_t> tokens;
  std::vector<std::string> template_stops;        // end the answer like an end of turn
  std::vector<std::int32_t> shown_special;        // control tokens that the tool parser reads
  std::shared_ptr<const ToolParser> tool_parser;  // null: the answer is plain text
  std::shared_ptr<Constraint> constraint;         // null: nothing constrains the answer
};

// How a request wants its tokens chosen when it does not say.
struct SamplingDefaults {
  double temperature = 0.2;
  double top_p = 0.95;
  std::int64_t top_k = 40;
};

// Not thread-safe: the template's interpreter keeps state. Used on one pool thread.
class ChatPrompts {
 public:
  // `model` outlives it. `template_override` replaces the file's template when not empty.
  // kInvalidArgument: the template does not parse.
  static Result<std::unique_ptr<ChatPrompts>> Make(llama_model& model,
                                                   const std::string& template_override);
  ~ChatPrompts();
  ChatPrompts(const ChatPrompts&) = delete;
  ChatPrompts& operator=(const ChatPrompts&) = delete;

  bool supports_tools() const;

  // kInvalidArgument names the member that this model cannot serve.
  Result<PreparedPrompt> Prepare(const domain::ChatRequest& request);

  // kInvalidArgument names the member out of range, or says why the grammar cannot be used.
  Result<SamplerPtr> MakeSampler(const domain::ChatRequest& request, const PreparedPrompt& prompt,
                                 const SamplingDefaults& defaults);

 private:
  struct State;
  explicit ChatPrompts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The content blocks that a tool-using answer holds: text, then tool uses. Ids are made where the
// model gave none. kInternal: the text does not have the form that the template asked for.
Result<std::vector<domain::ContentBlock>> ParseToolAnswer(const ToolParser& parser,
                                                          const std::string& text);

}  // namespace strata::provider::llama
