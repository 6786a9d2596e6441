#pragma once
// RetrieveAndGenerate: a question to a knowledge base, or to one document that comes with it,
// answered with citations; keeps sessions. The typed form of Bedrock's operation and of its stream.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/options.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "domain/usage.h"
#include "guard/guardrails.h"
#include "knowledge/implicit_filter.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

class KnowledgeBases;
class Answerer;
class Parser;

struct GenerationOptions {
  std::string model;  // "" or builtin/extract: no language model
  // May hold $query$, $search_results$, $conversation_history$, $current_time$,
  // $output_format_instructions$; must hold $search_results$. "" = the product's own.
  std::string prompt_template;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::vector<std::string> stop;
  JsonText extra;  // additionalModelRequestFields
};

// What of a question is rewritten before it is searched for.
enum class Rewriting : std::uint8_t {
  kDefault,  // as kb.query.* say
  kQuery,    // one query, written anew
  kParts,    // query decomposition: it cannot be had without a language model
};

struct QueryWish {
  Rewriting rewriting = Rewriting::kDefault;
  // Of kParts, and where it has a prompt_template, which cannot be had without a language model
  // either: the model that the caller named and its settings; "" or builtin/extract: that of
  // kb.query.model. The template may hold $query$ (else the question follows it),
  // $conversation_history$, $current_time$ and $output_format_instructions$.
  GenerationOptions generation;
};

// A document that comes with the question, or that it names. Text formats and PDF, as the parser
// takes them.
struct ExternalSource {
  std::string identifier;
  std::string media_type;
  std::string bytes;
  // "s3://bucket/key" is its identifier, where media type, bytes and these are read from.
  bool in_s3 = false;
  JsonText metadata = {};
  LabelSet labels = {};
};

struct RetrieveAndGenerateRequest {
  std::string question;      // 1..kQueryBytesMax bytes
  RetrieveRequest retrieve;  // its `query` is filled here; knowledge_base_id "" with `sources`
  std::optional<ImplicitFilter> implicit_filter;  // and with retrieve.filter
  std::vector<ExternalSource> sources;
  GenerationOptions generation;
  QueryWish queries;       // not with `sources`
  std::string session_id;  // "" starts a session
};

// One supported part of the answer. Both offsets are code points of the answer's whole text, and
// both are inclusive, as Bedrock's Span has it: a part of n characters at the start is {0, n - 1}.
struct AnswerCitation {
  std::string text;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::vector<RetrievedChunk> references;  // best first
  // What of each reference supports it: text, span, pages and boxes; in the order of `references`.
  std::vector<domain::Citation> quotes;
};

struct RetrieveAndGenerateResponse {
  std::string text;
  std::vector<AnswerCitation> citations;  // in the order of the text
  std::string session_id;
  bool refused = false;  // the sources do not answer
  // Whether a guardrail changed the question, the answer or what is shown beside it; absent: none
  // judged them.
  std::optional<bool> intervened;
  domain::StopReason stop_reason = domain::StopReason::kEndTurn;
  domain::Usage usage;
};

// Events of the stream, in order; a citation follows the text that it supports at once.
struct AnswerText {
  std::string text;
};
struct AnswerEnd {
  RetrieveAndGenerateResponse response;  // the whole, text included
};
using AnswerEvent = std::variant<AnswerText, AnswerCitation, AnswerEnd>;

// One answer under way. Not thread-safe; destroying it cancels. `ctx` must outlive it.
class AnswerStream {
 public:
  virtual ~AnswerStream() = default;
  // Up to AnswerEnd or an error; calling again after either is a bug.
  virtual Task<Result<AnswerEvent>> Next() = 0;
  virtual const std::string& session_id() const = 0;
};

// Thread-safe.
class RetrieveAndGenerate {
 public:
  // All parts outlive this object. `guardrails` judge question and template, sources that come with
  // the question, the answer and the passages that it shows.
  RetrieveAndGenerate(KnowledgeBases& bases, Answerer& answerer, Parser& parser,
                      const Options& options, guard::GuardrailsNow guardrails = {});
  ~RetrieveAndGenerate();

  // Errors: kNotFound (knowledge base, session, model), kInvalidArgument (with field), and those of
  // the model. Everything that can be refused is refused before the stream is returned.
  Task<Result<std::unique_ptr<AnswerStream>>> Start(RetrieveAndGenerateRequest request,
                                                    RequestContext& ctx);
  // The same, added up.
  Task<Result<RetrieveAndGenerateResponse>> Answer(RetrieveAndGenerateRequest request,
                                                   RequestContext& ctx);

  // Ends the workspace's sessions that were begun for that end user; returns how many.
  std::int64_t EraseSubject(std::string_view subject, const WorkspaceId& workspace);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Options kb.session.*.
OptionTable AnswerOptionTable();

}  // namespace strata::knowledge
