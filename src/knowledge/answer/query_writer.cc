#include "knowledge/query_writer.h"
#include "base/format_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <span>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "guard/model_access.h"
#include "knowledge/answer/asked.h"
#include "knowledge/answer/model_text.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/prompt.h"
#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

constexpr std::int64_t kAnswerTokens = 1024;  // some models think before they write
constexpr std::string_view kTask =
    "You write queries for a search engine over documents, to find what answers the last question "
    "of a conversation. {} Every query must be understood without the conversation: put what it "
    "speaks of in place of words like \"it\" or \"that year\". Keep names, numbers and dates as "
    "they are written, and the language of the question. Do not answer the question. ";
constexpr std::string_view kReply = "Reply with JSON and nothing else: {\"queries\": [\"…\"]}";
constexpr std::string_view kOne = "Write exactly one query.";
constexpr std::string_view kSeveral =
    "Write one query for each thing that has to be looked up, at most {}; a question about one "
    "thing is one query.";

domain::TextBlock Block(std::string text) { return {.text = std::move(text), .citations = {}}; }

// What the model is told, and what it is asked.
struct Prompt {
  std::string system;
  std::string user;
};

// By a caller's template. The question is the first variable; without a place for it, it follows.
Prompt TemplatePrompt(std::string_view text, std::span<const TemplateVariable> variables) {
  auto filled = FillTemplate(text, variables);
  const auto& question = variables.front();
  if (text.find(question.name) != std::string_view::npos) {
    return {.system = {}, .user = std::move(filled)};
  }
  return {.system = std::move(filled), .user = std::string(question.value)};
}

domain::ChatRequest RequestFor(const std::string& question, const std::vector<Turn>& history,
                               int parts_max, const GenerationOptions& options,
                               const domain::ModelInfo& model, WallTime now) {
  domain::ChatRequest request;
  const auto how = parts_max == 1 ? std::string(kOne) : fmt::format(kSeveral, parts_max);
  const auto before = HistoryText(history);
  Prompt prompt{.system = fmt::format(kTask, how).append(kReply),
                .user = before + "Question: " + question};
  if (!options.prompt_template.empty()) {
    const auto time = FormatIso8601(now);
    const auto format = fmt::format("{} {}", how, kReply);
    const TemplateVariable variables[] = {
        {.name = "$query$", .value = question},
        {.name = "$conversation_history$", .value = before},
        {.name = "$current_time$", .value = time},
        {.name = "$output_format_instructions$", .value = format}};
    prompt = TemplatePrompt(options.prompt_template, variables);
  }
  if (!prompt.system.empty()) request.system.emplace_back(Block(std::move(prompt.system)));
  request.messages.emplace_back().content.emplace_back(Block(std::move(prompt.user)));
  request.model = options.model;
  request.max_tokens = options.max_tokens.value_or(kAnswerTokens);
  request.temperature = options.temperature;
  request.top_p = options.top_p;
  request.stop = options.stop;
  request.extra = options.extra;
  request.stream = true;
  if (model.can.json_schema) {
    request.json_output = domain::JsonOutput{
        .name = "queries",
        .schema = {R"({"type": "object", "properties": {"queries": {"type": "array",
                     "items": {"type": "string"}}}, "required": ["queries"],
                     "additionalProperties": false})"}};
  }
  return request;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::vector<std::string> QueriesIn(std::string_view answer, int parts_max) {
  std::vector<std::string> queries;
  json::error_code error;
  const auto parsed = json::parse(JsonIn(answer), error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains("queries");
  if (found == nullptr || !found->is_array()) return {};
  for (const auto& item : found->get_array()) {
    if (!item.is_string()) return {};
    auto query = std::string(Utf8Prefix(Trimmed(item.get_string()), kQueryBytesMax));
    const bool known = std::ranges::find(queries, query) != queries.end();
    if (!query.empty() && !known) queries.push_back(std::move(query));
    if (queries.size() == static_cast<std::size_t>(parts_max)) break;
  }
  return queries;
}

std::string QueriesJson(const std::vector<std::string>& queries) {
  return json::serialize(json::value_from(queries));
}

}  // namespace

QueryWriter::QueryWriter(const provider::Registry& models, const Options& options)
    : models_(models),
      model_(options.Text("kb.query.model")),
      parts_max_(static_cast<int>(options.Integer("kb.query.parts_max"))) {}

// Without a model: nobody is asked.
Result<QueryWriter::Call> QueryWriter::CallFor(const std::vector<Turn>& history,
                                               const QueryWish& wish) const {
  Call call;
  const bool in_parts = wish.rewriting == Rewriting::kParts;
  call.parts_max = wish.rewriting == Rewriting::kQuery ? 1 : parts_max_;
  if (!in_parts && wish.generation.prompt_template.empty()) {
    const bool alone = history.empty() && wish.rewriting == Rewriting::kDefault;
    if (!alone || call.parts_max > 1) call.generation.model = model_;
    return call;
  }
  if (in_parts) call.parts_max = std::max(call.parts_max, 2);
  call.generation = wish.generation;
  call.named = IsLanguageModel(call.generation.model);
  if (!call.named) call.generation.model = model_;
  if (call.generation.model.empty()) {
    return Fail(InvalidArgument(
        in_parts ? "queryTransformationConfiguration" : "orchestrationConfiguration.promptTemplate",
        "needs a language model: name one as the model of the answer, or add a line to the "
        "configuration: kb.query.model: MODEL"));
  }
  return call;
}

Task<Result<std::vector<std::string>>> QueryWriter::Write(const std::string& question,
                                                          const std::vector<Turn>& history,
                                                          const QueryWish& wish,
                                                          RequestContext& ctx) const {
  STRATA_CO_TRY(const auto call, CallFor(history, wish));
  std::vector<std::string> as_it_is = {SearchQuery(question, history)};
  if (call.generation.model.empty()) co_return as_it_is;
  Span span = ctx.span.Child("knowledge.rewrite");
  span.Set("model", call.generation.model);
  std::swap(span, ctx.span);
  auto role = std::exchange(ctx.role, "rewrite");
  auto queries = co_await Ask(question, history, call, ctx);
  ctx.role = std::move(role);
  std::swap(span, ctx.span);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!queries.has_value() && call.named) {
    span.Fail(queries.error());
    co_return queries;
  }
  if (queries.has_value() && !queries->empty()) {
    span.Set("queries", queries->size());
    if (span.keeps_texts()) span.SetText("query", QueriesJson(*queries));
    co_return queries;
  }
  const Message reason =
      queries.has_value() ? Message("the answer holds no queries") : queries.error().words();
  span.Set("skipped", reason);
  Log(Level::kWarning, "kb.rewrite.failed",
      {{"model", call.generation.model}, {"reason", reason.own()}});
  co_return as_it_is;
}

// No queries: the model answered something else.
Task<Result<std::vector<std::string>>> QueryWriter::Ask(const std::string& question,
                                                        const std::vector<Turn>& history,
                                                        const Call& call,
                                                        RequestContext& ctx) const {
  const auto& id = call.generation.model;
  if (call.named) STRATA_CO_CHECK_OK(guard::CheckModelAllowed(id, ctx));
  STRATA_CO_TRY(auto model, models_.Chat(id));
  if (model->Info().provider == kKbProvider || !IsLanguageModel(model->Info().id)) {
    co_return Fail(InvalidArgument("model", FormatMessage("'{}' is no language model", id)));
  }
  auto request = RequestFor(question, history, call.parts_max, call.generation, model->Info(),
                            ctx.clock->Wall());
  STRATA_CO_TRY(const auto answer, co_await TextOfAnswer(*model, std::move(request), ctx));
  co_return QueriesIn(answer, call.parts_max);
}

Task<Result<FoundPassages>> RetrieveForAll(KnowledgeBases& bases, RetrieveRequest request,
                                           std::vector<std::string> queries, RequestContext& ctx) {
  const auto most =
      std::max<std::size_t>(static_cast<std::size_t>(request.results),
                            queries.size() > 1 ? queries.size() * kPartResultsMin : 0);
  FoundPassages out;
  std::vector<std::vector<RetrievedChunk>> lists;
  for (auto& query : queries) {
    request.query = std::move(query);
    STRATA_CO_TRY(auto found, co_await bases.Retrieve(request, ctx));
    lists.push_back(std::move(found.results));
    AddFixes(out.corrected, std::move(found.corrected));
  }
  if (lists.size() == 1) {
    out.passages = std::move(lists.front());
    co_return out;
  }
  std::unordered_set<std::string> taken;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(request.results); ++rank) {
    for (auto& list : lists) {
      if (rank >= list.size() || out.passages.size() >= most) continue;
      if (taken.insert(list[rank].chunk_id).second) out.passages.push_back(std::move(list[rank]));
    }
  }
  co_return out;
}

}  // namespace strata::knowledge
