#include "guard/model_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/format_message.h"

namespace strata::guard {
namespace {

constexpr std::string_view kBases = "kb/";

bool Matches(std::string_view entry, std::string_view model) {
  const bool prefix = entry.ends_with('*');
  return prefix ? model.starts_with(entry.substr(0, entry.size() - 1)) : model == entry;
}

Result<> CheckAny(std::string_view model, bool allowed) {
  if (allowed) return {};
  return Fail(Code::kPermissionDenied, FormatMessage("this key may not use model '{}'", model));
}

Result<> CheckOne(std::string_view model, const RequestContext& ctx) {
  const auto& list = ctx.models_allowed;
  return CheckAny(model, list.empty() || std::ranges::any_of(list, [&](std::string_view entry) {
                           return Matches(entry, model);
                         }));
}

// Where the names of "kb/A,B@MODEL" begin, also behind what Bedrock puts in front of a model's id;
// npos for other models.
std::size_t BaseNamesOf(std::string_view model) {
  for (auto at = model.find(kBases); at != model.npos; at = model.find(kBases, at + 1)) {
    const char before = at == 0 ? '/' : model[at - 1];
    if (before == '/' || before == '.' || before == ':') return at + kBases.size();
  }
  return model.npos;
}

// `bare`: where "kb/…" begins in the model.
Result<> CheckFolderBase(std::string_view model, std::size_t bare, const RequestContext& ctx) {
  return CheckAny(model, std::ranges::any_of(ctx.models_allowed, [&](std::string_view entry) {
                    const auto names = BaseNamesOf(entry);
                    const bool says_so =
                        names != entry.npos && entry.substr(names).starts_with(kFolderBasePrefix);
                    return says_so && (Matches(entry, model) || Matches(entry, model.substr(bare)));
                  }));
}

}  // namespace

bool IsFolderBase(std::string_view base) {
  return base.starts_with(kFolderBasePrefix) &&
         base.size() == kFolderBasePrefix.size() + kFolderBaseDigits &&
         base.find_first_not_of("0123456789abcdef", kFolderBasePrefix.size()) == base.npos;
}

void AllowFolderBases(std::vector<std::string>& models_allowed) {
  const auto all = fmt::format("{}{}*", kBases, kFolderBasePrefix);
  if (models_allowed.empty()) {
    models_allowed = {"*", all};
  } else if (std::ranges::any_of(models_allowed, [&](std::string_view entry) {
               return entry.ends_with('*') && Matches(entry, all);
             })) {
    models_allowed.push_back(all);
  }
}

Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx) {
  const auto begin = BaseNamesOf(model);
  if (begin == model.npos) return CheckOne(model, ctx);
  const auto end = std::min(model.find('@', begin), model.size());
  // An empty name is nobody's; who resolves the model says so.
  for (auto at = begin; at <= end;) {
    const auto comma = std::min(model.find(',', at), end);
    const auto base = model.substr(at, comma - at);
    std::string one(model.substr(0, begin));
    one += base;
    one += model.substr(end);
    STRATA_CHECK_OK(IsFolderBase(base) ? CheckFolderBase(one, begin - kBases.size(), ctx)
                                       : CheckOne(one, ctx));
    at = comma + 1;
  }
  return {};
}

}  // namespace strata::guard
