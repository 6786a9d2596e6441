// What stands beside OpenAI's chat: its moderations, and rerank as compatible servers (vLLM, Jina)
// have it.

#include <boost/json.hpp>

#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::openai {
namespace {

namespace json = boost::json;

constexpr const char* kCategories[] = {"harassment", "hate", "self-harm", "sexual", "violence"};

Refusal Bad(std::string message, std::string param) {
  return {400, "invalid_request_error", std::move(message), std::move(param), ""};
}

Checked CheckModeration(const json::object& body) {
  for (const auto& member : body) {
    if (member.key() != "model" && member.key() != "input") {
      return Bad("Unrecognized request argument supplied: " + std::string(member.key()), "");
    }
  }
  if (IsString(body, "input")) return std::nullopt;
  const auto* inputs = FilledArray(body, "input");
  if (inputs == nullptr) return Bad("'$.input' is invalid.", "input");
  for (const auto& input : *inputs) {
    const auto* part = input.if_object();
    const bool fits = input.is_string() ||
                      (part != nullptr && (IsString(*part, "text") || part->contains("image_url")));
    if (!fits) return Bad("'$.input' is invalid.", "input");
  }
  return std::nullopt;
}

Checked CheckRerank(const json::object& body) {
  if (!IsString(body, "model")) return Bad("you must provide a model parameter", "model");
  if (!IsString(body, "query")) return Bad("query: field required", "query");
  const auto* documents = FilledArray(body, "documents");
  if (documents == nullptr) return Bad("documents: field required", "documents");
  for (const auto& document : *documents) {
    if (!document.is_string()) return Bad("documents: expected strings", "documents");
  }
  return std::nullopt;
}

// A text that names a category is of it.
json::object Judged(const std::string& text) {
  json::object categories, scores, applied;
  bool flagged = false;
  for (const char* name : kCategories) {
    const bool found = text.find(name) != std::string::npos;
    flagged = flagged || found;
    categories[name] = found;
    scores[name] = found ? 0.75 : 0.125;
    applied[name] = json::array{"text"};
  }
  return {{"flagged", flagged},
          {"categories", std::move(categories)},
          {"category_scores", std::move(scores)},
          {"category_applied_input_types", std::move(applied)}};
}

Reply ModerationReply(const json::object& body) {
  json::array results;
  std::string parts;  // of one input
  const auto& input = body.at("input");
  if (input.is_string()) results.push_back(Judged(std::string(input.get_string())));
  for (const auto& item : input.is_array() ? input.get_array() : json::array()) {
    if (item.is_string()) {
      results.push_back(Judged(std::string(item.get_string())));
    } else if (IsString(item.get_object(), "text")) {
      parts += std::string(item.at("text").get_string());
    }
  }
  if (results.empty()) results.push_back(Judged(parts));
  const auto* model = Member(body, "model");
  return JsonReply(200,
                   {{"id", "modr-fake"},
                    {"model", model == nullptr ? json::value("omni-moderation-latest") : *model},
                    {"results", std::move(results)}});
}

Reply RerankReply(const json::object& body) {
  return JsonReply(200, {{"id", "rerank-fake"},
                         {"model", body.at("model")},
                         {"results", FakeRanking(body)},
                         {"usage", {{"total_tokens", 12}}}});
}

}  // namespace

bool IsJudge(std::string_view path) {
  return path.ends_with("/moderations") || path.ends_with("/rerank");
}

Checked CheckJudge(const Exchange& exchange) {
  return exchange.request.path().ends_with("/rerank") ? CheckRerank(exchange.body)
                                                      : CheckModeration(exchange.body);
}

Reply AnswerJudge(const Exchange& exchange) {
  return exchange.request.path().ends_with("/rerank") ? RerankReply(exchange.body)
                                                      : ModerationReply(exchange.body);
}

}  // namespace strata::fakes::openai
