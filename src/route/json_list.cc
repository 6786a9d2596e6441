#include "route/json_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/options.h"

namespace strata::route {

Result<std::vector<std::string>> TextOrList(const dialect::JsonField& field) {
  constexpr std::size_t kItemsMax = 256;
  std::vector<std::string> out;
  if (field.present() && field.value().string() != nullptr) {
    STRATA_TRY(auto text, field.NonEmptyString());
    out.push_back(std::move(text));
    return out;
  }
  if (!field.present() || field.value().array() == nullptr) {
    return Fail(field.Wrong("expected a text or a list of texts"));
  }
  if (field.size() == 0 || field.size() > kItemsMax) {
    return Fail(field.Wrong(fmt::format("expected 1 to {} texts", kItemsMax)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(auto text, item.NonEmptyString());
    out.push_back(std::move(text));
  }
  return out;
}

std::string UnknownMember(std::span<const std::string_view> known, std::string_view name) {
  auto nearest = NearestName(name, known);
  return nearest.empty() ? fmt::format("unknown member '{}'", name)
                         : fmt::format("unknown member '{}' (did you mean {}?)", name, nearest);
}

Result<> OnlyKnown(const dialect::JsonField& field, std::initializer_list<std::string_view> known) {
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto name = field.MemberName(i);
    if (std::ranges::find(known, name) != known.end()) continue;
    auto member = field.Member(i);
    return Fail(member.Wrong(UnknownMember({known.begin(), known.size()}, name)));
  }
  return {};
}

}  // namespace strata::route
