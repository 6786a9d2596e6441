// Every knowledge base as a chat model: kb/NAME and kb/NAME@MODEL, and several as one:
// kb/NAME,NAME and kb/NAME,NAME@MODEL.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/extra.h"
#include "guard/model_access.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answerer.h"
#include "knowledge/base_names.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/query_writer.h"
#include "provider/own_members.h"

namespace strata::knowledge {
namespace {

struct KbModelName {
  std::string base;   // "A", or "A,B"
  std::string model;  // "" = builtin/extract
};

KbModelName SplitName(std::string_view rest) {
  const auto at = rest.find('@');
  if (at == std::string_view::npos) return {.base = std::string(rest), .model = {}};
  return {.base = std::string(rest.substr(0, at)), .model = std::string(rest.substr(at + 1))};
}

// What a knowledge base costs itself is nothing: an answer costs what the language model behind it
// does, which is metered on its own.
domain::ModelInfo InfoOf(const KbModelName& name, const provider::ChatModel* model) {
  domain::ModelInfo info;
  info.id = std::string(kKbProvider) + "/" + name.base;
  if (!name.model.empty()) info.id += "@" + name.model;
  info.provider = kKbProvider;
  info.upstream_id = name.base;
  info.family = kKbProvider;
  info.display_name = "Knowledge base " + name.base;
  info.can.chat = true;
  info.price.input = 0;
  info.price.output = 0;
  info.price.as_of = "built in";
  info.region = "local";
  info.cleared_for_all_labels = true;
  if (model) {
    info.price = model->Info().price;
    info.output_tokens_max = model->Info().output_tokens_max;
    info.demo_note = model->Info().demo_note;
  }
  return info;
}

Result<> CheckRequest(const domain::ChatRequest& request) {
  if (!request.tools.empty()) {
    return Fail(InvalidArgument("tools", "a knowledge base model calls no tools"));
  }
  if (request.json_output) {
    return Fail(InvalidArgument("response_format", "a knowledge base model answers in text"));
  }
  for (const auto& message : request.messages) {
    for (const auto& block : message.content) {
      if (std::holds_alternative<domain::ImageBlock>(block) ||
          std::holds_alternative<domain::DocumentBlock>(block)) {
        return Fail(InvalidArgument("messages",
                                    "a knowledge base model reads text: images and documents of "
                                    "the message would not be looked at"));
      }
    }
  }
  return {};
}

class KbModel final : public provider::ChatModel {
 public:
  KbModel(KnowledgeBases& bases, Answerer& answerer, KbModelName name,
          const provider::ChatModel* model)
      : bases_(bases), answerer_(answerer), name_(std::move(name)), info_(InfoOf(name_, model)) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    // Whatever names stand in between, the way back to a base has no end.
    if (!ctx.kb.empty()) {
      co_return Fail(InvalidArgument(
          "model", fmt::format("kb/{} is asked for an answer of kb/{}; a knowledge base cannot "
                               "answer for another one",
                               name_.base, ctx.kb)));
    }
    ctx.kb = name_.base;  // whom all calls are charged to
    auto started = co_await StartHere(std::move(request), ctx);
    if (!started.has_value()) ctx.kb.clear();  // a router may ask another base then
    co_return started;
  }

  // What the passages add is known only after retrieval.
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return Fail(Code::kUnsupported,
                   "the prompt of a knowledge base model is known only when it has retrieved");
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  Task<Result<std::unique_ptr<provider::ChatStream>>> StartHere(domain::ChatRequest&& request,
                                                                RequestContext& ctx) {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    STRATA_CO_CHECK_OK(CheckRequest(request));
    STRATA_CO_CHECK_OK(provider::RefuseExtra(request, ctx));
    STRATA_CO_CHECK_OK(dialect::RefuseLogprobs(request));
    AnswerInput input;
    input.question = TakeTurns(request, input.history);
    if (input.question.find_first_not_of(" \t\r\n") == std::string::npos) {
      co_return Fail(InvalidArgument("messages", "the last message must be a question as text"));
    }
    input.question = std::string(Utf8Prefix(input.question, kQueryBytesMax));
    STRATA_CO_TRY(auto retrieve, RequestFor(ctx.workspace));
    STRATA_CO_TRY(auto queries,
                  co_await answerer_.queries().Write(input.question, input.history, {}, ctx));
    STRATA_CO_TRY(auto found,
                  co_await RetrieveForAll(bases_, std::move(retrieve), std::move(queries), ctx));
    input.passages = std::move(found.passages);
    input.corrected = std::move(found.corrected);
    auto& generation = input.generation;
    generation.model = name_.model;
    generation.max_tokens = request.max_tokens;
    generation.temperature = request.temperature;
    generation.top_p = request.top_p;
    generation.stop = std::move(request.stop);
    input.answer_is_read = request.answer_is_read;
    co_return co_await answerer_.Start(std::move(input), ctx);
  }

  Result<RetrieveRequest> RequestFor(const WorkspaceId& workspace) const {
    RetrieveRequest request;
    request.results = answerer_.results();
    STRATA_TRY(const auto names, SplitBaseNames(name_.base, "model"));
    for (const auto& name : names) {
      STRATA_TRY(auto base, bases_.FindByName(name, workspace));
      auto& id = request.knowledge_base_id;
      if (id.empty()) {
        id = std::move(base.id);
      } else {
        request.more_bases.push_back(std::move(base.id));
      }
    }
    return request;
  }

  KnowledgeBases& bases_;
  Answerer& answerer_;
  const KbModelName name_;
  const domain::ModelInfo info_;
};

// Names the whole id, so that callers recognise what they sent, and of several bases the one that
// is missing.
Error Unknown(std::string_view rest, std::string_view base) {
  const bool several = SplitName(rest).base != base;
  auto missing = several ? FormatMessage("knowledge base '{}'", Utf8Prefix(base, 200))
                         : Message("such knowledge base");
  auto message = FormatMessage("model '{}/{}' does not exist: there is no {}", Own(kKbProvider),
                               rest, missing);
  return Error(Code::kNotFound, std::move(message)).AtField("model");
}

class KbModelSource final : public provider::ModelSource {
 public:
  KbModelSource(KnowledgeBases& bases, Answerer& answerer)
      : bases_(bases), answerer_(answerer), name_(kKbProvider) {}

  const std::string& name() const override { return name_; }

  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    auto name = SplitName(rest);
    STRATA_TRY(const auto bases, SplitBaseNames(name.base, "model"));
    for (const auto& base : bases) {
      if (!Has(base)) return Fail(Unknown(rest, base));
    }
    if (rest.ends_with('@')) {
      return Fail(InvalidArgument(
          "model", FormatMessage("'{}/{}' names no model after the '@'; expected {}/NAME or "
                                 "{}/NAME@MODEL",
                                 Own(kKbProvider), rest, Own(kKbProvider), Own(kKbProvider))));
    }
    std::shared_ptr<provider::ChatModel> model;
    if (name.model == kExtractModelId) name.model.clear();
    if (!name.model.empty()) {
      STRATA_TRY(model, answerer_.ModelFor(name.model));
    }
    return std::make_shared<KbModel>(bases_, answerer_, std::move(name), model.get());
  }

  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view) override {
    return Fail(Code::kUnsupported, "a knowledge base is no embedding model");
  }

  std::vector<provider::ListedModel> Models() const override {
    std::vector<provider::ListedModel> models;
    for (const auto& base : bases_.ListAll()) {
      // In lists of models they would pile up between those that somebody chose.
      if (guard::IsFolderBase(base.name)) continue;
      const auto info = InfoOf({.base = base.name, .model = {}}, nullptr);
      // The same name in two workspaces is one model id.
      if (!models.empty() && models.back().info.id == info.id) continue;
      models.push_back({.info = info, .created = base.created, .alias_of = {}});
    }
    return models;
  }

  bool Has(std::string_view bare) const override {
    const auto name = SplitName(bare);
    return std::ranges::any_of(bases_.ListAll(),
                               [&](const auto& base) { return base.name == name.base; });
  }

  provider::ProviderStatus Status() const override {
    provider::ProviderStatus status;
    status.name = name_;
    status.kind = name_;
    status.derived = true;
    status.models = bases_.ListAll().size();
    return status;
  }

 private:
  KnowledgeBases& bases_;
  Answerer& answerer_;
  const std::string name_;
};

}  // namespace

std::shared_ptr<provider::ModelSource> MakeKbModelSource(KnowledgeBases& bases,
                                                         Answerer& answerer) {
  return std::make_shared<KbModelSource>(bases, answerer);
}

}  // namespace strata::knowledge
