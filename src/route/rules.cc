#include "route/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "dialect/json_value.h"
#include "guard/verdicts.h"
#include "route/json_list.h"

namespace strata::route {
namespace {

using dialect::JsonField;
using Kind = Condition::Kind;

constexpr int kDepthMax = 8;
constexpr std::size_t kPartsMax = 64;
constexpr double kMicro = 1e6;
constexpr double kUsdMax = 1e9;
constexpr std::string_view kNeedNames[] = {"tools", "image", "document", "schema", "reasoning"};
constexpr std::string_view kDayNames[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::string_view kMembers[] = {
    "all",     "any",  "not",          "needs",     "language", "task",
    "keyword", "key",  "label",        "tag",       "header",   "prompt_tokens",
    "hours",   "days", "conversation", "guardrail", "spent"};

bool Contains(std::span<const std::string> list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

Result<> ExpectOneOf(const JsonField& field, std::span<const std::string> values,
                     std::span<const std::string_view> known) {
  for (const auto& value : values) {
    if (std::ranges::find(known, value) != known.end()) continue;
    std::string names;
    for (auto name : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    return Fail(field.Wrong(fmt::format("'{}' is not one of {}", value, names)));
  }
  return {};
}

// "18:30" as minutes of the day; "24:00" is its end.
Result<std::int64_t> Minutes(const JsonField& field) {
  STRATA_TRY(auto text, field.String());
  bool form = text.size() == 5 && text[2] == ':';
  for (std::size_t i : {0, 1, 3, 4}) form = form && text[i] >= '0' && text[i] <= '9';
  int hours = form ? (text[0] - '0') * 10 + text[1] - '0' : 99;
  int minutes = form ? (text[3] - '0') * 10 + text[4] - '0' : 99;
  if (minutes > 59 || hours * 60 + minutes > 24 * 60) {
    return Fail(field.Wrong("expected a time of day like \"18:30\", UTC"));
  }
  return hours * 60 + minutes;
}

Result<Condition> Decode(const JsonField& field, int depth);

Result<Condition> DecodeParts(const JsonField& list, Kind kind, int depth) {
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() > kPartsMax) {
    return Fail(list.Wrong(fmt::format("expected at most {} conditions", kPartsMax)));
  }
  Condition out{.kind = kind};
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto part, Decode(item, depth + 1));
    out.parts.push_back(std::move(part));
  }
  return out;
}

// {NAME: value or values, …}: every named field must have one of its values.
Result<Condition> DecodeFields(const JsonField& field, Kind kind) {
  STRATA_CHECK_OK(field.ExpectObject());
  Condition out{.kind = Kind::kAll};
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto member = field.Member(i);
    Condition one{.kind = kind, .name = std::string(field.MemberName(i))};
    STRATA_TRY(one.values, TextOrList(member));
    out.parts.push_back(std::move(one));
  }
  return out;
}

Result<Condition> DecodeRange(const JsonField& field) {
  constexpr std::int64_t kTokensMax = 1'000'000'000;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"min", "max"}));
  Condition out{.kind = Kind::kPromptTokens};
  if (auto least = field.Get("min"); least.present()) {
    STRATA_TRY(out.least, least.Integer(0, kTokensMax));
  }
  if (auto most = field.Get("max"); most.present()) {
    STRATA_TRY(out.most, most.Integer(0, kTokensMax));
  }
  return out;
}

Result<Condition> DecodeHours(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"from", "until"}));
  Condition out{.kind = Kind::kHours};
  auto from = field.Get("from");
  auto until = field.Get("until");
  STRATA_TRY(out.least, Minutes(from));
  STRATA_TRY(out.most, Minutes(until));
  return out;
}

// {of: key, during: month, usd: 50}
Result<Condition> DecodeSpent(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(field, {"of", "during", "usd"}));
  Condition out{.kind = Kind::kSpent};
  if (auto of = field.Get("of"); of.present()) {
    STRATA_TRY(auto name, of.OneOf({"key", "workspace", "router"}));
    out.payer = name == "key"      ? observe::Payer::kKey
                : name == "router" ? observe::Payer::kRouter
                                   : observe::Payer::kWorkspace;
  }
  if (auto during = field.Get("during"); during.present()) {
    STRATA_TRY(auto name, during.OneOf({"day", "month"}));
    out.period = name == "day" ? observe::Period::kDay : observe::Period::kMonth;
  }
  STRATA_TRY(auto usd, field.Get("usd").Double(0, kUsdMax));
  out.least = static_cast<std::int64_t>(std::ceil(usd * kMicro));
  return out;
}

Result<Condition> DecodeTexts(const JsonField& field, Kind kind,
                              std::span<const std::string_view> known = {}) {
  Condition out{.kind = kind};
  STRATA_TRY(out.values, TextOrList(field));
  if (!known.empty()) STRATA_CHECK_OK(ExpectOneOf(field, out.values, known));
  if (kind == Kind::kKeyword) {
    for (auto& value : out.values) {
      value = WordsOf(value);
      if (value == " ") return Fail(field.Wrong("expected a keyword with letters or digits"));
    }
  }
  return out;
}

Result<Condition> DecodeMember(const JsonField& value, std::string_view name, int depth) {
  if (name == "all") return DecodeParts(value, Kind::kAll, depth);
  if (name == "any") return DecodeParts(value, Kind::kAny, depth);
  if (name == "not") {
    STRATA_TRY(auto part, Decode(value, depth + 1));
    Condition out{.kind = Kind::kNot};
    out.parts.push_back(std::move(part));
    return out;
  }
  if (name == "needs") return DecodeTexts(value, Kind::kNeeds, kNeedNames);
  if (name == "language") return DecodeTexts(value, Kind::kLanguage);
  if (name == "task") return DecodeTexts(value, Kind::kTask, TaskKinds());
  if (name == "keyword") return DecodeTexts(value, Kind::kKeyword);
  if (name == "key") return DecodeTexts(value, Kind::kKey);
  if (name == "label") return DecodeTexts(value, Kind::kLabel);
  if (name == "guardrail") return DecodeTexts(value, Kind::kGuardrail);
  if (name == "spent") return DecodeSpent(value);
  if (name == "days") return DecodeTexts(value, Kind::kDays, kDayNames);
  if (name == "tag") return DecodeFields(value, Kind::kTag);
  if (name == "header") return DecodeFields(value, Kind::kHeader);
  if (name == "prompt_tokens") return DecodeRange(value);
  if (name == "hours") return DecodeHours(value);
  if (name == "conversation") {
    STRATA_TRY(bool wanted, value.Bool());
    return Condition{.kind = Kind::kConversation, .least = wanted ? 1 : 0};
  }
  return Fail(value.Wrong(UnknownMember(kMembers, name)));
}

Result<Condition> Decode(const JsonField& field, int depth) {
  if (depth > kDepthMax) {
    return Fail(field.Wrong(fmt::format("conditions are nested deeper than {}", kDepthMax)));
  }
  STRATA_CHECK_OK(field.ExpectObject());
  if (field.size() == 0) return Fail(field.Wrong("expected at least one condition"));
  Condition out{.kind = Kind::kAll};
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto value = field.Member(i);
    STRATA_TRY(auto part, DecodeMember(value, field.MemberName(i), depth));
    if (field.size() == 1) return part;
    out.parts.push_back(std::move(part));
  }
  return out;
}

bool Needed(const Needs& needs, std::string_view name) {
  return (name == "tools" && needs.tools) || (name == "image" && needs.image) ||
         (name == "document" && needs.document) || (name == "schema" && needs.schema) ||
         (name == "reasoning" && needs.reasoning);
}

bool HoldsAt(const Condition& condition, WallTime now) {
  using namespace std::chrono;
  auto day = floor<days>(now);
  if (condition.kind == Kind::kDays) {
    return Contains(condition.values, kDayNames[weekday(day).c_encoding()]);
  }
  auto minute = floor<minutes>(now - day).count();
  if (condition.least <= condition.most) {
    return minute >= condition.least && minute < condition.most;
  }
  return minute >= condition.least || minute < condition.most;
}

}  // namespace

Result<Condition> DecodeCondition(const JsonField& field) { return Decode(field, 1); }

bool Holds(const Condition& condition, const Signals& signals) {
  const auto& ctx = signals.ctx();
  auto holds = [&](const Condition& part) { return Holds(part, signals); };
  auto any = [&](auto is) { return std::ranges::any_of(condition.values, is); };
  switch (condition.kind) {
    case Kind::kAll:
      return std::ranges::all_of(condition.parts, holds);
    case Kind::kAny:
      return std::ranges::any_of(condition.parts, holds);
    case Kind::kNot:
      return !holds(condition.parts.front());
    case Kind::kNeeds:
      return any([&](const auto& need) { return Needed(signals.needs(), need); });
    case Kind::kLanguage:
      return Contains(condition.values, signals.language());
    case Kind::kTask:
      return Contains(condition.values, signals.kind());
    case Kind::kKeyword:
      return any([&](const auto& word) { return signals.Says(word); });
    case Kind::kKey:
      return Contains(condition.values, ctx.key.value);
    case Kind::kLabel:
      return any([&](const auto& label) { return ctx.labels.Has(label); });
    case Kind::kTag: {
      auto tag = ctx.tags.find(condition.name);
      return tag != ctx.tags.end() &&
             (Contains(condition.values, tag->second) || Contains(condition.values, "*"));
    }
    case Kind::kHeader: {
      auto value = ctx.header ? ctx.header(condition.name) : std::string_view();
      return !value.empty() &&
             (Contains(condition.values, value) || Contains(condition.values, "*"));
    }
    case Kind::kPromptTokens:
      return signals.prompt_tokens() >= condition.least &&
             signals.prompt_tokens() <= condition.most;
    case Kind::kHours:
    case Kind::kDays:
      return HoldsAt(condition, ctx.clock->Wall());
    case Kind::kGuardrail:
      return any([&](const auto& name) {
        return guard::FoundSomething(ctx.decided_by.guardrail, name == "*" ? "" : name);
      });
    case Kind::kSpent:
      return signals.Spent(condition.payer, condition.period) * kMicro >=
             static_cast<double>(condition.least);
    case Kind::kConversation:
      return signals.conversation() == (condition.least == 1);
  }
  return false;
}

void AddGuardrailsOf(const Condition& condition, std::vector<std::string>& names) {
  for (const auto& part : condition.parts) AddGuardrailsOf(part, names);
  if (condition.kind != Kind::kGuardrail) return;
  for (const auto& name : condition.values) {
    if (name != "*") names.push_back(name);
  }
}

Result<Rule> DecodeRule(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(field, {"name", "when", "use", "exclude", "prefer"}));
  Rule rule;
  if (auto name = field.Get("name"); name.present()) {
    STRATA_TRY(rule.name, name.NonEmptyString());
  }
  if (auto when = field.Get("when"); when.present()) {
    STRATA_TRY(rule.when, DecodeCondition(when));
  }
  int actions = 0;
  for (auto [name, action] :
       {std::pair("use", Rule::Action::kUse), std::pair("exclude", Rule::Action::kExclude),
        std::pair("prefer", Rule::Action::kPrefer)}) {
    auto models = field.Get(name);
    if (!models.present()) continue;
    ++actions;
    rule.action = action;
    STRATA_TRY(rule.models, TextOrList(models));
  }
  if (actions != 1) return Fail(field.Wrong("expected one of use, exclude and prefer"));
  return rule;
}

}  // namespace strata::route
