#include "server/file_search.h"

#include <algorithm>
#include <utility>

#include "base/format_message.h"
#include "guard/model_access.h"
#include "knowledge/answerer.h"
#include "knowledge/extract.h"
#include "knowledge/file_search.h"
#include "knowledge/parser.h"
#include "knowledge/shown_passages.h"
#include "knowledge/vector_stores.h"
#include "server/api/vector_store_json.h"
#include "store/file_store.h"

namespace strata::server {
namespace {

using knowledge::RetrievedChunk;

constexpr std::int64_t kAnswerTokens = 512;  // of the context, when the request does not say
constexpr std::int64_t kPromptTokensMin = 200;
constexpr std::int64_t kBytesPerToken = 3;
constexpr std::int64_t kNamedBytesMax = 64 << 20;  // of all files of one conversation

// Of the passages, beside what the request holds already.
std::int64_t TokensFor(Services& services, const domain::ChatRequest& chat) {
  const knowledge::PromptBudget budget(services.live.Now()->config.options);
  const auto model = services.registry.Chat(chat.model);
  const auto tokens = budget.For(model.has_value() ? (*model)->Info() : domain::ModelInfo());
  if (!model.has_value() || (*model)->Info().context_tokens <= 0) return tokens;
  auto bytes = domain::TextOf(chat.system).size();
  for (const auto& message : chat.messages) bytes += domain::TextOf(message.content).size();
  const auto left = (*model)->Info().context_tokens - chat.max_tokens.value_or(kAnswerTokens) -
                    static_cast<std::int64_t>(bytes) / kBytesPerToken;
  return std::min(tokens, std::max(kPromptTokensMin, left));
}

// What was found goes to the model and to the caller: it is judged as both, and masked.
Task<Result<>> JudgeFound(const guard::Guardrails& guardrails, std::vector<RetrievedChunk>& found,
                          RequestContext& ctx) {
  std::vector<std::string*> texts;
  texts.reserve(found.size());
  for (auto& chunk : found) texts.push_back(&chunk.text);
  STRATA_CO_CHECK_OK(co_await guardrails.JudgeTexts(texts, ctx));
  STRATA_CO_CHECK_OK(co_await knowledge::JudgeShown(guardrails, found, ctx));
  co_return Result<>{};
}

Result<> CheckModel(const std::string& model, const RequestContext& ctx) {
  STRATA_CHECK_OK(guard::CheckModelAllowed(model, ctx));
  if (!model.starts_with(std::string(knowledge::kKbProvider) + "/")) return {};
  return Fail(InvalidArgument(
      "model", "a knowledge base searches by itself; name the model that shall answer"));
}

class CitingSink final : public gateway::AnswerSink {
 public:
  CitingSink(std::unique_ptr<gateway::AnswerSink> sink, std::vector<RetrievedChunk> passages)
      : sink_(std::move(sink)), citer_(std::move(passages)) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    co_return co_await sink_->Begin(model);
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    const auto citations = citer_.Take(event);
    for (const auto& citation : citations.before) {
      STRATA_CO_CHECK_OK(co_await sink_->Event(citation));
    }
    STRATA_CO_CHECK_OK(co_await sink_->Event(event));
    for (const auto& citation : citations.after) {
      STRATA_CO_CHECK_OK(co_await sink_->Event(citation));
    }
    co_return Result<>{};
  }

  Task<void> Fail(const Error& error) override { co_await sink_->Fail(error); }
  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    co_await sink_->Refuse(error, std::move(refusal));
  }

 private:
  std::unique_ptr<gateway::AnswerSink> sink_;
  knowledge::AnswerCiter citer_;
};

}  // namespace

Task<Result<>> PutNamedFiles(Services& services, domain::ChatRequest& chat, RequestContext& ctx) {
  const store::FileOwner owner{.workspace = ctx.workspace, .key = ctx.key};
  std::int64_t bytes = 0;
  for (auto* document : dialect::responses::NamedFiles(chat)) {
    STRATA_CO_TRY(auto file, co_await services.files.Get(owner, document->source_uri));
    bytes += file.bytes;
    if (bytes > kNamedBytesMax) {
      co_return Fail(Error(Code::kTooLarge, FormatMessage("the files of the conversation have more "
                                                          "than {} bytes",
                                                          kNamedBytesMax))
                         .AtField("file_id"));
    }
    STRATA_CO_TRY(auto content, co_await services.files.Content(owner, document->source_uri));
    const auto type = knowledge::DetectMediaType(file.filename, content);
    STRATA_CO_CHECK_OK(
        dialect::responses::PutFile(*document, std::move(file.filename), type, std::move(content)));
  }
  co_return Result<>{};
}

Task<Result<FileSearched>> RunFileSearch(Services& services, dialect::responses::Request& request,
                                         RequestContext& ctx) {
  auto& chat = request.chat;
  STRATA_CO_CHECK_OK(CheckModel(chat.model, ctx));
  STRATA_CO_TRY(auto search, SearchOfTool(*request.file_search));
  const auto guardrails = services.live.Now()->guardrails;
  // The question may go to the model of an embedding provider.
  if (guardrails) STRATA_CO_CHECK_OK(co_await guardrails->JudgeRequest(chat, ctx));
  auto query = knowledge::SearchQuery(chat);
  if (query.empty()) {
    co_return Fail(InvalidArgument("input", "file_search needs a question as text"));
  }
  search.queries.push_back(query);
  STRATA_CO_TRY(auto searched, co_await services.vector_stores.Search(std::move(search), ctx));
  auto& found = searched.passages;
  if (guardrails) STRATA_CO_CHECK_OK(co_await JudgeFound(*guardrails, found, ctx));
  for (const auto& chunk : found) ctx.labels.AddAll(chunk.labels);
  request.settings.searches.push_back(CallOf(found, std::move(query)));
  ctx.decided_by.prompt = knowledge::kFileSearchPrompt;
  if (chat.model == knowledge::kExtractModelId) {
    knowledge::CorrectQuestions(chat, searched);
  }
  FileSearched out;
  out.passages = knowledge::AddSearchResults(chat, found, TokensFor(services, chat));
  if (chat.model == knowledge::kExtractModelId) out.passages.clear();  // it cites what it quotes
  if (request.settings.search_results) {
    for (auto& chunk : found) out.shown_chunks.push_back(std::move(chunk.chunk_id));
  }
  co_return out;
}

std::unique_ptr<gateway::AnswerSink> MakeCitingSink(std::unique_ptr<gateway::AnswerSink> sink,
                                                    std::vector<RetrievedChunk> passages) {
  return std::make_unique<CitingSink>(std::move(sink), std::move(passages));
}

}  // namespace strata::server
