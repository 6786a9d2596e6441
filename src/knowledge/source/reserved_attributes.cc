#include "knowledge/reserved_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/utf8.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

constexpr std::size_t kListMax = 1000;
constexpr std::size_t kNameBytesMax = 256;

// In any case of its letters: Strata_Principals is a slip, not an attribute of somebody's own.
bool IsReserved(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return name.size() >= kReservedPrefix.size() &&
         std::ranges::equal(name.substr(0, kReservedPrefix.size()), kReservedPrefix, {}, lower);
}

Result<> ReadNames(const json::value& value, const std::string& field,
                   std::vector<std::string>& out) {
  const auto* list = value.if_array();
  const auto is_text = [](const json::value& item) { return item.is_string(); };
  if (list == nullptr || list->size() > kListMax || !std::ranges::all_of(*list, is_text)) {
    return Fail(
        InvalidArgument(field, fmt::format("must be a list of at most {} strings", kListMax)));
  }
  for (const auto& item : *list) {
    const std::string_view text(item.get_string().data(), item.get_string().size());
    if (text.empty() || text.size() > kNameBytesMax) {
      return Fail(
          InvalidArgument(field, fmt::format("names must have 1 to {} bytes", kNameBytesMax)));
    }
    out.emplace_back(text);
  }
  return {};
}

// The first reserved name below `value`, "" without one. The depth is what the parser let through.
std::string_view ReservedInside(const json::value& value) {
  std::string_view found;
  if (const auto* list = value.if_array()) {
    for (const auto& item : *list) {
      if (found.empty()) found = ReservedInside(item);
    }
  }
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (!found.empty()) break;
      const std::string_view name(member.key().data(), member.key().size());
      found = IsReserved(name) ? name : ReservedInside(member.value());
    }
  }
  return found;
}

}  // namespace

Result<bool> NoteReserved(std::string_view name, const json::value& value, std::string field,
                          ReservedAttributes& out) {
  if (!IsReserved(name)) return false;
  if (name == "strata_principals") {
    STRATA_CHECK_OK(ReadNames(value, field, out.principals));
    if (!out.principals.empty()) return true;
    return Fail(InvalidArgument(std::move(field),
                                "the list is empty: nobody could read it. Name who may, or leave "
                                "it out for everybody"));
  }
  if (name == "strata_labels") {
    STRATA_CHECK_OK(ReadNames(value, field, out.labels));
    return true;
  }
  return Fail(InvalidArgument(std::move(field),
                              "names that begin with strata_ are reserved; known: "
                              "strata_principals, strata_labels"));
}

Result<ReservedAttributes> TakeReserved(JsonText& metadata) {
  ReservedAttributes out;
  if (metadata.text.empty()) return out;
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  const auto root = json::parse(metadata.text, error, {}, options);
  const auto* members = error ? nullptr : root.if_object();
  if (members == nullptr) return Fail(InvalidArgument("", "not a JSON object"));
  json::object kept;
  bool changed = false;
  for (const auto& member : *members) {
    const std::string_view name(member.key().data(), member.key().size());
    std::string field(Utf8Prefix(name, 80));
    STRATA_TRY(bool reserved, NoteReserved(name, member.value(), field, out));
    changed = changed || reserved;
    if (reserved) continue;
    if (const auto inside = ReservedInside(member.value()); !inside.empty()) {
      return Fail(InvalidArgument(std::move(field),
                                  fmt::format("'{}' stands inside of it, where it says nothing; it "
                                              "belongs beside it",
                                              Utf8Prefix(inside, 80))));
    }
    kept[member.key()] = member.value();
  }
  if (changed) metadata.text = kept.empty() ? std::string() : json::serialize(kept);
  return out;
}

}  // namespace strata::knowledge
