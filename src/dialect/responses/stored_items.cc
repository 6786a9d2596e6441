// Input items as they are stored and listed, and pages of such lists.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/json/json_writer.h"
#include "dialect/responses.h"

namespace strata::dialect::responses {
namespace {

constexpr std::size_t kPageMax = 100;

std::string_view PrefixOf(std::string_view type) {
  if (type == "function_call") return "fc";
  if (type == "function_call_output") return "fco";
  if (type == "file_search_call") return "fs";
  return type == "reasoning" ? "rs" : "msg";
}

// One item with type, id and, of a message, its content as parts.
void WriteItem(JsonWriter& out, const JsonValue& item, std::string_view response_id,
               std::size_t place) {
  JsonField field(item);
  auto type = field.TextAt("type");
  if (type.empty()) type = "message";
  auto id = field.TextAt("id");
  if (id.empty()) {
    auto tail = response_id.substr(std::min(response_id.size(), std::string_view("resp_").size()));
    id = fmt::format("{}_{}_in{}", PrefixOf(type), tail, place);
  }
  out.BeginObject().Field("type", type).Field("id", id);
  for (const auto& member : *item.object()) {
    if (member.key == "type" || member.key == "id") continue;
    const auto* text = member.key == "content" ? member.value.string() : nullptr;
    if (text == nullptr) {
      out.RawField(member.key, member.value.Dump());
      continue;
    }
    const bool said = field.TextAt("role") == "assistant";
    out.Key("content").BeginArray().BeginObject();
    out.Field("type", said ? "output_text" : "input_text").Field("text", *text);
    if (said) out.Key("annotations").BeginArray().EndArray();
    out.EndObject().EndArray();
  }
  out.EndObject();
}

Result<std::size_t> Limit(std::string_view text) {
  std::size_t limit = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit < 1 || limit > kPageMax) {
    return Fail(
        InvalidArgument("limit", FormatMessage("expected an integer from 1 to {}", kPageMax)));
  }
  return limit;
}

std::string IdOf(const JsonValue& item) { return JsonField(item).TextAt("id"); }

}  // namespace

std::string InputItems(const Request& request, std::string_view response_id) {
  JsonWriter out;
  out.BeginArray();
  std::size_t place = 0;
  for (const auto& item : *request.input.array()) WriteItem(out, item, response_id, place++);
  return out.EndArray().Take();
}

Result<ItemPage> DecodeItemPage(std::string_view query) {
  ItemPage page;
  for (auto part : std::views::split(query, '&')) {
    std::string_view pair(part.begin(), part.end());
    auto at = pair.find('=');
    auto name = pair.substr(0, at);
    auto value = PercentDecode(at == std::string_view::npos ? "" : pair.substr(at + 1));
    if (!value) return Fail(InvalidArgument(std::string(name), "holds a broken percent escape"));
    if (name == "after") page.after = std::move(*value);
    if (name == "limit") {
      STRATA_TRY(page.limit, Limit(*value));
    }
    if (name == "order") {
      page.ascending = *value == "asc";
      if (!page.ascending && *value != "desc") {
        return Fail(InvalidArgument("order", "expected asc or desc"));
      }
    }
  }
  return page;
}

Result<std::string> EncodeItemPage(std::string_view items, const ItemPage& page) {
  STRATA_TRY(auto root, ParseJson(items));
  if (root.array() == nullptr) return Fail(Internal("stored items are not a list"));
  std::vector<const JsonValue*> list;
  for (const auto& item : *root.array()) list.push_back(&item);
  if (!page.ascending) std::ranges::reverse(list);
  auto first = list.begin();
  if (!page.after.empty()) {
    first = std::ranges::find(list, page.after, [](const auto* item) { return IdOf(*item); });
    if (first == list.end()) return Fail(InvalidArgument("after", "names none of the items"));
    ++first;
  }
  const auto count =
      std::min<std::size_t>(page.limit, static_cast<std::size_t>(list.end() - first));
  const auto last = first + static_cast<std::ptrdiff_t>(count);
  JsonWriter out;
  out.BeginObject().Field("object", "list").Key("data").BeginArray();
  for (auto item = first; item != last; ++item) out.Raw((*item)->Dump());
  out.EndArray();
  out.Key("first_id");
  count == 0 ? out.Null() : out.Value(IdOf(**first));
  out.Key("last_id");
  count == 0 ? out.Null() : out.Value(IdOf(**(last - 1)));
  return out.Field("has_more", last != list.end()).EndObject().Take();
}

std::string EncodeDeleted(std::string_view response_id) {
  JsonWriter out;
  out.BeginObject().Field("id", response_id).Field("object", "response").Field("deleted", true);
  return out.EndObject().Take();
}

std::string EncodeInputTokens(std::int64_t tokens) {
  JsonWriter out;
  out.BeginObject().Field("object", "response.input_tokens").Field("input_tokens", tokens);
  return out.EndObject().Take();
}

}  // namespace strata::dialect::responses
