#pragma once
// The Answerer turns a question and passages into a cited answer: with builtin/extract, or with a
// language model whose every sentence is aligned afterwards with the passages that were in the
// prompt. And `kb/NAME`, `kb/NAME@MODEL`: every knowledge base as a ChatModel.

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

// The version of the built-in prompt template; pinned in DecidedBy::prompt.
inline constexpr std::string_view kPromptVersion = "kb-answer/1";

// Starts a model by its id on behalf of the caller: resolves the id, checks labels and clearance
// (fails closed) and meters. Given by the server, so that answers go through the same gate as any
// other call.
using ModelStarter = std::function<Task<Result<std::unique_ptr<provider::ChatStream>>>(
    std::string model, domain::ChatRequest request, RequestContext& ctx)>;
// What is known of a model; nullptr: no such model.
using ModelLookup = std::function<std::shared_ptr<provider::ChatModel>(std::string_view model)>;

// One earlier exchange of a session or conversation.
struct Turn {
  std::string question;
  std::string answer;
};

struct AnswerInput {
  std::string question;
  std::vector<Turn> history;             // oldest first
  std::vector<RetrievedChunk> passages;  // best first
  GenerationOptions generation;
};

// Thread-safe. Parts outlive it.
class Answerer {
 public:
  Answerer(std::shared_ptr<const Extractor> extractor, ModelStarter start, ModelLookup lookup,
           const Options& options);

  // A stream with one text block. Each supported sentence is followed by its CitationDeltas at once
  // (answer_start..end: code points of the block; document_index: the passage's place in
  // `passages`); a sentence without support has none. Before it starts, the labels of all passages
  // are added to ctx.labels. `ctx` must outlive the stream.
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(AnswerInput input, RequestContext& ctx);

 private:
  Task<Result<std::unique_ptr<provider::ChatStream>>> StartExtract(AnswerInput input,
                                                                   RequestContext& ctx);
  Task<Result<std::unique_ptr<provider::ChatStream>>> StartModel(AnswerInput input,
                                                                 RequestContext& ctx);

  std::shared_ptr<const Extractor> extractor_;
  ModelStarter start_;
  ModelLookup lookup_;
  std::int64_t prompt_tokens_max_;
};

// The model source "kb" of the registry: `kb/NAME` answers with builtin/extract, `kb/NAME@MODEL`
// with MODEL. A name is looked up in the caller's workspace at every Start (kNotFound there);
// listings show those of all workspaces. Thread-safe; the parts outlive what is returned.
std::shared_ptr<provider::ModelSource> MakeKbModelSource(KnowledgeBases& bases, Answerer& answerer);

}  // namespace strata::knowledge
