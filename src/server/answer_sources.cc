#include "server/answer_sources.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "dialect/json_value.h"
#include "domain/refusal.h"

namespace strata::server {
namespace {

namespace json = boost::json;

struct BaseState {
  std::string id;
  std::int64_t generation = 0;
};

// "kb ID @ 7, kb ID @ 9", as DecidedBy::index has it; absent when it is something else.
std::optional<std::vector<BaseState>> StatesIn(std::string_view index) {
  constexpr std::string_view kStart = "kb ";
  constexpr std::string_view kMiddle = " @ ";
  constexpr std::string_view kNext = ", ";
  std::vector<BaseState> out;
  while (!index.empty()) {
    const auto end = std::min(index.find(kNext), index.size());
    auto one = index.substr(0, end);
    index.remove_prefix(std::min(end + kNext.size(), index.size()));
    const auto middle = one.find(kMiddle);
    if (!one.starts_with(kStart) || middle == one.npos) return std::nullopt;
    BaseState state{.id = std::string(one.substr(kStart.size(), middle - kStart.size()))};
    one.remove_prefix(middle + kMiddle.size());
    const auto [at, error] = std::from_chars(one.data(), one.data() + one.size(), state.generation);
    if (error != std::errc() || at != one.data() + one.size()) return std::nullopt;
    out.push_back(std::move(state));
  }
  return out;
}

struct Sources {
  std::vector<BaseState> bases;
  std::vector<std::string> chunks;
  bool uncited = false;
};

Result<Sources> ReadSources(std::string_view text) {
  STRATA_TRY(auto parsed, dialect::ParseJson(text));
  const dialect::JsonField top(parsed);
  Sources out;
  const auto bases = top.Get("bases");
  STRATA_CHECK_OK(bases.ExpectArray());
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const auto item = bases.Item(i);
    BaseState state;
    STRATA_TRY(state.id, item.Get("id").NonEmptyString());
    STRATA_TRY(state.generation,
               item.Get("generation").Integer(0, std::numeric_limits<std::int64_t>::max()));
    out.bases.push_back(std::move(state));
  }
  const auto chunks = top.Get("chunks");
  STRATA_CHECK_OK(chunks.ExpectArray());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    STRATA_TRY(auto chunk, chunks.Item(i).NonEmptyString());
    out.chunks.push_back(std::move(chunk));
  }
  out.uncited = out.chunks.empty();  // as earlier releases say it
  if (const auto uncited = top.Get("uncited"); uncited.present()) {
    STRATA_TRY(out.uncited, uncited.Bool());
  }
  return out;
}

// Also when a base is gone: kNotFound is no error here.
Result<bool> Found(const auto& looked_up) {
  if (looked_up.has_value()) return true;
  if (looked_up.error().code() == Code::kNotFound) return false;
  return std::unexpected(looked_up.error());
}

Task<Result<bool>> InOneOf(knowledge::KnowledgeBases& bases, const std::vector<BaseState>& states,
                           const std::string& chunk, RequestContext& ctx) {
  for (const auto& state : states) {
    const auto fetched = co_await bases.FetchChunk(state.id, chunk, ctx);
    STRATA_CO_TRY(bool found, Found(fetched));
    if (found) co_return true;
  }
  co_return false;
}

}  // namespace

void AnswerSources::Note(const domain::StreamEvent& event) {
  if (const auto* text = std::get_if<domain::TextDelta>(&event)) {
    if (begins_.size() <= domain::kRefusalBytesMax) begins_ += text->text;
  } else if (const auto* cited = std::get_if<domain::CitationDelta>(&event)) {
    if (!cited->citation.chunk_id.empty()) cited_.insert(cited->citation.chunk_id);
  }
}

std::string AnswerSources::Json(const RequestContext& ctx) const {
  const auto& index = ctx.decided_by.index;
  const bool uncited = cited_.empty() && !domain::IsRefusal(begins_);
  if (index.empty() || (cited_.empty() && shown_.empty() && !uncited)) return {};
  json::array bases;
  const auto states = StatesIn(index);
  for (const auto& state : states ? *states : std::vector<BaseState>()) {
    bases.push_back({{"id", state.id}, {"generation", state.generation}});
  }
  json::array chunks;
  auto all = cited_;
  all.insert(shown_.begin(), shown_.end());
  for (const auto& chunk : all) chunks.emplace_back(chunk);
  return json::serialize(json::object{
      {"bases", std::move(bases)}, {"chunks", std::move(chunks)}, {"uncited", uncited}});
}

Task<Result<bool>> SourcesStand(knowledge::KnowledgeBases& bases, std::string json,
                                RequestContext& ctx) {
  if (json.empty()) co_return true;
  const auto sources = ReadSources(json);
  if (!sources.has_value() || sources->bases.empty()) co_return false;
  for (const auto& chunk : sources->chunks) {
    STRATA_CO_TRY(bool found, co_await InOneOf(bases, sources->bases, chunk, ctx));
    if (!found) co_return false;
  }
  if (!sources->uncited) co_return true;
  for (const auto& state : sources->bases) {
    const auto generation = co_await bases.Generation(state.id, ctx);
    STRATA_CO_TRY(bool found, Found(generation));
    if (!found || *generation != state.generation) co_return false;
  }
  co_return true;
}

}  // namespace strata::server
