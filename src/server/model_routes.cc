#include "server/model_routes.h"

#include <algorithm>
#include <charconv>

#include "dialect/anthropic.h"
#include "dialect/gemini.h"
#include "dialect/openai.h"
#include "guard/model_access.h"
#include "knowledge/answerer.h"
#include "server/answer_sinks.h"

namespace strata::server {
namespace {

constexpr std::size_t kPageDefault = 20;
constexpr std::size_t kGeminiPageDefault = 50;
constexpr std::size_t kPageMax = 1000;

std::int64_t Seconds(WallTime time) { return ToUnixMicros(time) / 1'000'000; }

// Bases and routers are those of the caller's workspace; the registry knows everybody's.
Result<> CheckOfWorkspace(const Services& services, std::string_view id,
                          const RequestContext& ctx) {
  const auto slash = id.find('/');
  if (slash == id.npos) return {};
  const auto provider = id.substr(0, slash);
  auto name = id.substr(slash + 1);
  if (provider == route::kRouterProvider) {
    STRATA_TRY([[maybe_unused]] auto found,
               services.routers.Get(ParseRouterRef(name).name, ctx.workspace));
  } else if (provider == knowledge::kKbProvider) {
    name = name.substr(0, name.find('@'));
    STRATA_TRY([[maybe_unused]] auto found, services.bases.FindByName(name, ctx.workspace));
  }
  return {};
}

// The id that the caller named, kept also for aliases: clients look their own name up.
Result<provider::ListedModel> Describe(Services& services, Exchange& exchange) {
  const auto& id = exchange.params.at(0);
  STRATA_TRY(auto model, DescribeVisible(services, id, exchange.ctx));
  model.info.id = id;
  return model;
}

struct PageBounds {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Anthropic's cursors: after_id, before_id, limit 1..1000.
Result<PageBounds> AnthropicPage(const std::vector<provider::ListedModel>& models,
                                 std::string_view query) {
  std::size_t limit = kPageDefault;
  if (auto text = net::QueryParameter(query, "limit")) {
    limit = 0;
    for (char c : *text)
      limit = (c >= '0' && c <= '9' && limit <= kPageMax) ? limit * 10 + (c - '0') : kPageMax + 1;
    if (limit == 0 || limit > kPageMax)
      return Fail(InvalidArgument("limit", "expected a whole number from 1 to 1000"));
  }
  auto find = [&](const std::string& id) {
    return static_cast<std::size_t>(
        std::find_if(models.begin(), models.end(), [&](const auto& m) { return m.info.id == id; }) -
        models.begin());
  };
  PageBounds page{.begin = 0, .end = std::min(limit, models.size())};
  if (auto after = net::QueryParameter(query, "after_id")) {
    auto at = find(*after);
    if (at == models.size()) return Fail(InvalidArgument("after_id", "no such model"));
    page.begin = at + 1;
    page.end = std::min(page.begin + limit, models.size());
  } else if (auto before = net::QueryParameter(query, "before_id")) {
    page.end = find(*before);
    if (page.end == models.size()) return Fail(InvalidArgument("before_id", "no such model"));
    page.begin = page.end > limit ? page.end - limit : 0;
  }
  return page;
}

Result<std::size_t> WholeNumber(std::string_view query, std::string_view name,
                                std::size_t otherwise) {
  auto text = net::QueryParameter(query, name);
  if (!text || text->empty()) return otherwise;
  std::size_t number = 0;
  auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (ec != std::errc() || end != text->data() + text->size()) {
    return Fail(InvalidArgument(std::string(name), "expected a whole number"));
  }
  return number;
}

}  // namespace

std::vector<provider::ListedModel> VisibleModels(const Services& services,
                                                 const RequestContext& ctx) {
  auto models = services.registry.Snapshot()->List();
  std::erase_if(models, [&](const auto& m) {
    return !guard::CheckModelAllowed(m.info.id, ctx).has_value() ||
           !CheckOfWorkspace(services, m.info.id, ctx).has_value() ||
           !CheckOfWorkspace(services, m.alias_of, ctx).has_value();
  });
  return models;
}

Result<provider::ListedModel> DescribeVisible(const Services& services, const std::string& id,
                                              const RequestContext& ctx) {
  STRATA_CHECK_OK(guard::CheckModelAllowed(id, ctx));
  STRATA_CHECK_OK(CheckOfWorkspace(services, id, ctx));
  STRATA_TRY(auto model, services.registry.Snapshot()->Describe(id));
  STRATA_CHECK_OK(CheckOfWorkspace(services, model.alias_of, ctx));
  return model;
}

Task<Result<>> ListModelsOpenAi(Services& services, Exchange& exchange) {
  std::vector<dialect::openai::ListedModel> list;
  for (auto& model : VisibleModels(services, exchange.ctx)) {
    list.push_back({.info = std::move(model.info), .created_s = Seconds(model.created)});
  }
  auto body = dialect::openai::EncodeModelList(list);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

Task<Result<>> GetModelOpenAi(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto model, Describe(services, exchange));
  auto body =
      dialect::openai::EncodeModel({.info = model.info, .created_s = Seconds(model.created)});
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kOpenAi, std::move(body));
}

Task<Result<>> ListModelsAnthropic(Services& services, Exchange& exchange) {
  auto models = VisibleModels(services, exchange.ctx);
  STRATA_CO_TRY(auto bounds, AnthropicPage(models, exchange.http.query()));
  std::vector<dialect::anthropic::ListedModel> page;
  for (auto i = bounds.begin; i < bounds.end; ++i) {
    page.push_back({.info = models[i].info, .created_s = Seconds(models[i].created)});
  }
  bool backwards = net::QueryParameter(exchange.http.query(), "before_id").has_value();
  bool more = backwards ? bounds.begin > 0 : bounds.end < models.size();
  auto body = dialect::anthropic::EncodeModelList(page, more);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kAnthropic,
                              std::move(body));
}

Task<Result<>> GetModelAnthropic(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto model, Describe(services, exchange));
  auto body =
      dialect::anthropic::EncodeModel({.info = model.info, .created_s = Seconds(model.created)});
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kAnthropic,
                              std::move(body));
}

// pageSize 1..1000; the token of a page is the number of its first model.
Task<Result<>> ListModelsGemini(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto size, WholeNumber(exchange.http.query(), "pageSize", kGeminiPageDefault));
  STRATA_CO_TRY(auto first, WholeNumber(exchange.http.query(), "pageToken", 0));
  auto models = VisibleModels(services, exchange.ctx);
  const auto begin = std::min(first, models.size());
  const auto end = std::min(begin + std::clamp<std::size_t>(size, 1, kPageMax), models.size());
  std::vector<domain::ModelInfo> page;
  for (auto i = begin; i < end; ++i) page.push_back(models[i].info);
  auto body = dialect::gemini::EncodeModelList(
      page, end < models.size() ? std::to_string(end) : std::string());
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kGemini, std::move(body));
}

Task<Result<>> GetModelGemini(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto model, Describe(services, exchange));
  auto body = dialect::gemini::EncodeModel(model.info);
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kGemini, std::move(body));
}

}  // namespace strata::server
