#include "tests/fakes/strata_fake_provider/vendor.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <sstream>

#include "base/encoding.h"
#include "base/rng.h"

namespace strata::fakes {

namespace json = boost::json;

Reply JsonReply(int status, const json::value& body) {
  Reply reply;
  reply.status = status;
  reply.headers.Add("Content-Type", "application/json");
  reply.body = json::serialize(body);
  return reply;
}

const json::value* Member(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}

bool IsString(const json::object& object, std::string_view key) {
  const auto* value = Member(object, key);
  return value != nullptr && value->is_string() && !value->get_string().empty();
}

const json::array* FilledArray(const json::object& object, std::string_view key) {
  const auto* value = Member(object, key);
  if (value == nullptr || !value->is_array() || value->get_array().empty()) return nullptr;
  return &value->get_array();
}

std::string LastUserText(const json::object& body) {
  if (IsString(body, "input")) return std::string(body.at("input").get_string());
  const auto* messages = FilledArray(body, "messages");
  if (messages == nullptr) messages = FilledArray(body, "input");
  const char* parts = messages == nullptr ? "parts" : "content";
  if (messages == nullptr) messages = FilledArray(body, "contents");
  if (messages == nullptr) return "";
  for (auto at = messages->rbegin(); at != messages->rend(); ++at) {
    const auto* message = at->if_object();
    const auto* role = message == nullptr ? nullptr : Member(*message, "role");
    const auto* content = message == nullptr ? nullptr : Member(*message, parts);
    if (role == nullptr || content == nullptr || *role != json::value("user")) continue;
    if (content->is_string()) return std::string(content->get_string());
    std::string text;
    if (!content->is_array()) return text;
    for (const auto& block : content->get_array()) {
      const auto* object = block.if_object();
      if (object != nullptr && IsString(*object, "text")) text += object->at("text").get_string();
    }
    return text;
  }
  return "";
}

FakeUsage UsageOf(const FakeAnswer& answer, const Exchange& exchange) {
  std::size_t characters = answer.reasoning.size();
  for (const auto& chunk : answer.chunks) characters += chunk.size();
  for (const auto& call : answer.tool_calls) characters += call.input.size();
  FakeUsage usage;
  auto tokens = [](std::size_t count) { return static_cast<std::int64_t>(count / 4 + 1); };
  usage.input =
      answer.input_tokens >= 0 ? answer.input_tokens : tokens(LastUserText(exchange.body).size());
  usage.output = answer.output_tokens >= 0 ? answer.output_tokens : tokens(characters);
  usage.cache_read = answer.cache_read_tokens;
  usage.cache_write = answer.cache_write_tokens;
  usage.reasoning = answer.reasoning_tokens;
  return usage;
}

std::string StopOf(const FakeAnswer& answer) {
  if (!answer.stop.empty()) return answer.stop;
  return answer.tool_calls.empty() ? "end_turn" : "tool_use";
}

std::vector<double> FakeVector(std::string_view text, int dimensions) {
  Rng rng(Hash64(text));
  std::vector<double> out;
  // Halves are exact in every encoding, so that tests may compare them.
  for (int i = 0; i < dimensions; ++i) out.push_back(static_cast<double>(rng.Below(9)) / 2 - 2);
  if (!out.empty()) out[0] = 3;  // never the zero vector
  return out;
}

json::array FakeRanking(const json::object& body) {
  auto words = [](std::string_view text) {
    std::set<std::string> out;
    std::istringstream in{std::string(text)};
    for (std::string word; in >> word;) out.insert(word);
    return out;
  };
  const auto asked = words(body.at("query").get_string());
  std::vector<std::pair<double, std::size_t>> ranked;
  const auto& documents = body.at("documents").get_array();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto held = words(documents[i].get_string());
    const auto shared =
        std::ranges::count_if(asked, [&](const auto& w) { return held.contains(w); });
    ranked.emplace_back(-static_cast<double>(shared) / static_cast<double>(asked.size()), i);
  }
  std::ranges::sort(ranked);
  const auto* top = Member(body, "top_n");
  if (top != nullptr && top->is_int64()) {
    ranked.resize(std::min(ranked.size(), static_cast<std::size_t>(top->get_int64())));
  }
  json::array out;
  for (const auto& [score, index] : ranked) {
    out.push_back({{"index", index}, {"relevance_score", -score}});
  }
  return out;
}

}  // namespace strata::fakes
