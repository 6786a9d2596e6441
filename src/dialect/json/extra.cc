#include "dialect/json/extra.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/format_message.h"
#include "dialect/extra.h"
#include "dialect/responses_wire.h"

namespace strata::dialect {
namespace {

// Members about storage, caching and accounting, and what only Google's models filter by.
constexpr std::array<std::string_view, 10> kHints = {"store",
                                                     "cache_control",
                                                     "prompt_cache_key",
                                                     "prompt_cache_retention",
                                                     "safety_identifier",
                                                     "provider",
                                                     "include_reasoning",
                                                     "verbosity",
                                                     "inference_geo",
                                                     "safetySettings"};

// Asks for nothing: what clients write that always send all of their settings.
bool IsNeutral(std::string_view key, const JsonValue& value) {
  if (key == "web_search_options") return false;  // {} turns the search on
  const auto* object = value.object();
  const auto* array = value.array();
  if ((object != nullptr && object->empty()) || (array != nullptr && array->empty())) return true;
  if (key != "presence_penalty" && key != "frequency_penalty") return false;
  const auto* number = std::get_if<JsonValue::Number>(&value.data);
  return number != nullptr && number->text.find_first_of("123456789") == std::string::npos;
}

// What of the Responses API is said in no other form.
Error OnlyInResponses(const JsonMember& member) {
  auto what = member.key + " is";
  const auto* list = member.value.array();
  const auto* type = list == nullptr || list->empty() ? nullptr : list->front().Find("type");
  if (type != nullptr && type->string() != nullptr) {
    what = fmt::format("{} of type {} are", member.key == "input" ? "items" : member.key,
                       type->string()->substr(0, 100));
  }
  return InvalidArgument(
      FieldPath(member.key, std::string(kQuotePlace)),
      FormatMessage("{} taken only by a provider that speaks OpenAI's Responses API "
                    "(kind openai or azure, see docs/providers.md), which the model that "
                    "was chosen does not; leave it out or name another model",
                    what));
}

Result<> CheckForeign(const JsonValue& extra, const std::string& from, DropNotes* notes) {
  for (const auto& member : *extra.object()) {
    if (IsNeutral(member.key, member.value)) continue;
    if (std::ranges::find(kHints, member.key) != kHints.end()) {
      if (notes != nullptr) notes->Add(member.key);
      continue;
    }
    if (from == responses::kWireFormat) return Fail(OnlyInResponses(member));
    auto name = member.key;
    // Gemini's settings are in an object of their own.
    const auto* inner = name == "generationConfig" ? member.value.object() : nullptr;
    if (inner != nullptr) name += "." + inner->front().key;
    // Anthropic's own words, which its clients look for.
    // A member of additionalModelRequestFields has none.
    const auto dialect = from.empty() ? "" : fmt::format(" of the {} dialect", from);
    constexpr std::string_view kAnthropicSays = "Extra inputs are not permitted: ";
    return Fail(InvalidArgument(
        FieldPath(name, std::string(kQuotePlace)),
        FormatMessage("{}this member{} means nothing to the model that was chosen; leave it out "
                      "or name another model",
                      Own(from == "anthropic" ? kAnthropicSays : ""), Own(dialect))));
  }
  return {};
}

// The next letter of a name without case. Two letters of other alphabets count as ASCII ones where
// case is folded by Unicode: the long s and the Kelvin sign.
char TakeFolded(std::string_view& name) {
  for (const auto& [letter, plain] : {std::pair("\u017F", 's'), std::pair("\u212A", 'k')}) {
    if (!name.starts_with(letter)) continue;
    name.remove_prefix(std::string_view(letter).size());
    return plain;
  }
  const char c = name.front();
  name.remove_prefix(1);
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool SameWithoutCase(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (TakeFolded(a) != TakeFolded(b)) return false;
  }
  return a.empty() && b.empty();
}

// The known name that `name` differs from only by case; "" for none.
std::string_view OtherCase(std::string_view name, MemberNames known) {
  if (std::ranges::find(known, name) != known.end()) return {};
  auto at = std::ranges::find_if(
      known, [&](std::string_view other) { return SameWithoutCase(name, other); });
  return at == known.end() ? std::string_view() : *at;
}

}  // namespace

Result<> RefuseOtherCase(const JsonField& body, MemberNames known) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto name = OtherCase(body.MemberName(i), known);
    if (name.empty()) continue;
    auto member = body.Member(i);
    return Fail(member.Wrong(fmt::format("this member is spelled '{}'", name)));
  }
  return {};
}

bool HoldsOtherCase(const ScannedObject& body, MemberNames known) {
  return std::ranges::any_of(body.members(), [&](const ScannedMember& member) {
    return !OtherCase(member.key, known).empty();
  });
}

Result<std::string> OtherMembers(const JsonField& body, MemberNames known) {
  STRATA_CHECK_OK(RefuseOtherCase(body, known));
  JsonWriter out;
  out.BeginObject();
  bool any = false;
  for (const auto& member : *body.value().object()) {
    if (member.value.is_null() || std::ranges::find(known, member.key) != known.end()) continue;
    out.RawField(member.key, member.value.Dump());
    any = true;
  }
  return any ? out.EndObject().Take() : std::string();
}

Result<> KeepExtra(const JsonField& body, MemberNames known, std::string_view dialect,
                   domain::ChatRequest& request) {
  STRATA_TRY(auto others, OtherMembers(body, known));
  if (others.empty()) return {};
  request.extra.text = std::move(others);
  request.extra_dialect = dialect;
  return {};
}

Result<> WriteExtra(JsonWriter& out, const domain::ChatRequest& request, std::string_view dialect,
                    std::initializer_list<std::string_view> written) {
  if (request.extra.text.empty()) return {};
  STRATA_TRY(auto extra, ParseJson(request.extra.text));
  if (extra.object() == nullptr) return Fail(Internal("ChatRequest::extra is not an object"));
  if (request.extra_dialect != dialect) {
    return CheckForeign(extra, request.extra_dialect, out.notes());
  }
  for (const auto& member : *extra.object()) {
    if (std::ranges::find(written, member.key) != written.end()) continue;
    out.RawField(member.key, member.value.Dump());
  }
  return {};
}

Result<> RefuseExtra(const domain::ChatRequest& request, DropNotes& notes) {
  if (request.extra.text.empty()) return {};
  STRATA_TRY(auto extra, ParseJson(request.extra.text));
  if (extra.object() == nullptr) return Fail(Internal("ChatRequest::extra is not an object"));
  return CheckForeign(extra, request.extra_dialect, &notes);
}

Result<> RefuseLogprobs(const domain::ChatRequest& request) {
  if (!request.logprobs) return {};
  return Fail(InvalidArgument(request.top_logprobs > 0 ? "top_logprobs" : "logprobs",
                              "the model that was chosen gives no log-probabilities; leave it out "
                              "or name another model"));
}

}  // namespace strata::dialect
