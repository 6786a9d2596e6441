#pragma once
// The Answerer turns a question and passages into a cited answer: with builtin/extract, or with a
// language model whose every sentence is aligned afterwards with the passages that were in the
// prompt. And `kb/NAME`, `kb/NAME@MODEL`: every knowledge base as a ChatModel; `kb/A,B`: several.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/options.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "knowledge/extract.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve_and_generate.h"
#include "provider/chat_model.h"
#include "provider/registry.h"

namespace strata::knowledge {

class KnowledgeBases;
class FilterWriter;
class QueryWriter;

// The version of the built-in prompt template; pinned in DecidedBy::prompt.
inline constexpr std::string_view kPromptVersion = "kb-answer/1";
// ModelInfo::provider of every knowledge base model, and the prefix of their ids.
inline constexpr std::string_view kKbProvider = "kb";

// What becomes of a language model's sentence that no passage supports; option
// kb.answer.unsupported.
enum class Unsupported : std::uint8_t { kKeep, kMark, kDrop };
// What kMark puts behind such a sentence.
inline constexpr std::string_view kUnsupportedMark = " [unsupported]";

// One earlier exchange of a session or conversation.
struct Turn {
  std::string question;
  std::string answer;
};

struct AnswerInput {
  std::string question;
  std::vector<Turn> history;             // oldest first
  std::vector<RetrievedChunk> passages;  // best first
  std::vector<SpellingFix> corrected;    // what the search for them took words of the question for
  GenerationOptions generation;
  bool answer_is_read = false;  // as in domain::ChatRequest
};

// How many tokens of a prompt passages may fill. A model that runs in this process gets fewer: its
// prompt costs processor time before the first word. builtin/extract reads no prompt.
class PromptBudget {
 public:
  explicit PromptBudget(const Options& options);  // kb.answer.*prompt_tokens_max
  std::int64_t For(const domain::ModelInfo& model) const;

 private:
  std::int64_t any_;
  std::int64_t in_process_;
};

// Puts a model behind the meter (gateway/meter.h), as those of the registry are.
using ModelWrapper =
    std::function<std::shared_ptr<provider::ChatModel>(std::shared_ptr<provider::ChatModel>)>;

// Thread-safe. `models` outlives it and holds metered models only, so that labels are checked and
// calls are paid for as everywhere else; `meter` does the same for answers of builtin/extract,
// which are given passages that no ChatRequest can carry. Without it they leave no row in the
// ledger.
class Answerer {
 public:
  Answerer(std::shared_ptr<const Extractor> extractor, const provider::Registry& models,
           const Options& options, ModelWrapper meter = nullptr);
  ~Answerer();

  // A stream with one text block. Each supported sentence is followed by its CitationDeltas at once
  // (answer_start..end: code points of the block; document_index: the passage's place in
  // `passages`); a sentence without support has none, or is marked or left out as the option says.
  // Where nothing is left, the answer is a refusal (domain/refusal.h). Before it starts, the labels
  // of all passages are added to ctx.labels. `ctx` must outlive the stream.
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(AnswerInput input, RequestContext& ctx);

  // A language model by id; kNotFound, or kInvalidArgument when it is a knowledge base itself.
  Result<std::shared_ptr<provider::ChatModel>> ModelFor(std::string_view id) const;

  int results() const { return results_; }  // option kb.answer.results
  const QueryWriter& queries() const { return *queries_; }
  const FilterWriter& filters() const { return *filters_; }

 private:
  Task<Result<std::unique_ptr<provider::ChatStream>>> StartExtract(AnswerInput input,
                                                                   RequestContext& ctx);
  Task<Result<std::unique_ptr<provider::ChatStream>>> StartModel(AnswerInput input,
                                                                 RequestContext& ctx);

  std::shared_ptr<const Extractor> extractor_;
  const provider::Registry& models_;
  ModelWrapper meter_;
  std::unique_ptr<const QueryWriter> queries_;
  std::unique_ptr<const FilterWriter> filters_;
  PromptBudget budget_;
  int results_;
  Unsupported unsupported_;
};

// The model source "kb" of the registry: `kb/NAME` answers with builtin/extract, `kb/NAME@MODEL`
// with MODEL; several names, "A,B", are bases that are searched together. A name is looked up in
// the caller's workspace at every Start (kNotFound there); listings show those of all workspaces.
// Thread-safe; the parts outlive what is returned.
std::shared_ptr<provider::ModelSource> MakeKbModelSource(KnowledgeBases& bases, Answerer& answerer);

}  // namespace strata::knowledge
