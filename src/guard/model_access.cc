#include "guard/model_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace strata::guard {
namespace {

Result<> CheckOne(std::string_view model, const RequestContext& ctx) {
  for (std::string_view entry : ctx.models_allowed) {
    bool prefix = entry.ends_with('*');
    if (prefix ? model.starts_with(entry.substr(0, entry.size() - 1)) : model == entry) return {};
  }
  return Fail(Code::kPermissionDenied, fmt::format("this key may not use model '{}'", model));
}

// Where the names of "kb/A,B@MODEL" begin, also behind what Bedrock puts in front of a model's id;
// npos for other models.
std::size_t BaseNamesOf(std::string_view model) {
  constexpr std::string_view kPrefix = "kb/";
  for (auto at = model.find(kPrefix); at != model.npos; at = model.find(kPrefix, at + 1)) {
    const char before = at == 0 ? '/' : model[at - 1];
    if (before == '/' || before == '.' || before == ':') return at + kPrefix.size();
  }
  return model.npos;
}

}  // namespace

Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx) {
  if (ctx.models_allowed.empty()) return {};
  const auto begin = BaseNamesOf(model);
  if (begin == model.npos) return CheckOne(model, ctx);
  const auto end = std::min(model.find('@', begin), model.size());
  // An empty name is nobody's; who resolves the model says so.
  for (auto at = begin; at <= end;) {
    const auto comma = std::min(model.find(',', at), end);
    std::string one(model.substr(0, begin));
    one += model.substr(at, comma - at);
    one += model.substr(end);
    STRATA_CHECK_OK(CheckOne(one, ctx));
    at = comma + 1;
  }
  return {};
}

}  // namespace strata::guard
