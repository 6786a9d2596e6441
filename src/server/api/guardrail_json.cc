#include "server/api/guardrail_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json_value.h"

namespace strata::server {
namespace {

namespace json = boost::json;

// Bedrock's policies as ours act: its words are blocked or let pass, what it masks are matches of a
// pattern.
json::object AssessmentOf(std::string_view name, const std::vector<guard::Assessed>& all) {
  json::array words;
  json::array masks;
  for (const auto& found : all) {
    if (found.policy != name) continue;
    if (found.action == guard::Action::kMask) {
      masks.push_back(
          {{"name", name}, {"match", found.match}, {"action", "ANONYMIZED"}, {"detected", true}});
    } else {
      const bool blocks = found.action == guard::Action::kBlock;
      words.push_back(
          {{"match", found.match}, {"action", blocks ? "BLOCKED" : "NONE"}, {"detected", true}});
    }
  }
  json::object out;
  if (!words.empty()) {
    out["wordPolicy"] = {{"customWords", std::move(words)}, {"managedWordLists", json::array()}};
  }
  if (!masks.empty()) {
    out["sensitiveInformationPolicy"] = {{"piiEntities", json::array()},
                                         {"regexes", std::move(masks)}};
  }
  return out;
}

// By guardrail.
json::object Assessments(const GuardrailTrace& trace, guard::Side side) {
  const auto& all = trace.found.Of(side);
  json::object out;
  if (side == guard::Side::kInput) out[trace.named] = AssessmentOf(trace.named, all);
  for (const auto& found : all) {
    if (!out.contains(found.policy)) out[found.policy] = AssessmentOf(found.policy, all);
  }
  return out;
}

}  // namespace

std::string_view GuardrailNameOf(std::string_view id_or_arn) {
  constexpr std::string_view kResource = ":guardrail/";
  const auto at = id_or_arn.find(kResource);
  if (!id_or_arn.starts_with("arn:") || at == id_or_arn.npos) return id_or_arn;
  return id_or_arn.substr(at + kResource.size());
}

Result<> CheckGuardrail(const GuardrailAsked& asked, std::string_view names) {
  if (asked.id.empty()) return {};
  const auto name = GuardrailNameOf(asked.id);
  for (auto rest = names; !rest.empty();) {
    const auto comma = rest.find(',');
    if (rest.substr(0, comma) == name) return {};
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  return Fail(InvalidArgument(
      asked.field, FormatMessage("there is no guardrail '{}'; {}", Utf8Prefix(name, 80),
                                 names.empty() ? std::string("none are configured (guardrails:)")
                                               : fmt::format("configured: {}", names))));
}

bool IsGuardrailVersion(std::string_view text) { return text == "DRAFT" || text == "1"; }

std::string EncodeGuardrailTrace(const GuardrailTrace& trace, TraceForm form) {
  const bool converse = form == TraceForm::kConverse;
  auto input = Assessments(trace, guard::Side::kInput);
  json::object out{{converse ? "inputAssessment" : "input", std::move(input)}};
  auto output = Assessments(trace, guard::Side::kOutput);
  if (!output.empty() && converse) {
    json::object lists;
    for (auto& [name, assessment] : output) {
      lists[name] = json::array{std::move(assessment)};
    }
    out["outputAssessments"] = std::move(lists);
  } else if (!output.empty()) {
    out["outputs"] = json::array{std::move(output)};
  }
  if (!trace.blocked.empty()) out["actionReason"] = trace.blocked;
  return json::serialize(converse ? out : json::object{{"guardrail", std::move(out)}});
}

Result<ApplyGuardrailCall> DecodeApplyGuardrail(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  dialect::JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"source", "content", "outputScope"}));
  ApplyGuardrailCall call;
  auto source = top.Get("source");
  STRATA_TRY(auto side, source.OneOf({"INPUT", "OUTPUT"}));
  call.side = side == "INPUT" ? guard::Side::kInput : guard::Side::kOutput;
  if (auto scope = top.Get("outputScope"); scope.present()) {
    STRATA_CHECK_OK(scope.OneOf({"INTERVENTIONS", "FULL"}));
  }
  auto content = top.Get("content");
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto block = content.Item(i);
    STRATA_TRY(auto kind, block.OnlyMember());
    auto value = block.Get(kind);
    if (kind != "text") return Fail(value.Wrong("expected text; images are not judged here"));
    STRATA_CHECK_OK(value.OnlyMembers({"text", "qualifiers"}));
    auto text = value.Get("text");
    STRATA_TRY(call.texts.emplace_back(), text.String());
  }
  return call;
}

std::string EncodeAppliedGuardrail(const AppliedGuardrail& applied) {
  constexpr std::int64_t kUnit = 1000;  // characters
  json::object usage;
  for (const char* policy :
       {"topicPolicyUnits", "contentPolicyUnits", "sensitiveInformationPolicyUnits",
        "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits"}) {
    usage[policy] = 0;
  }
  usage["wordPolicyUnits"] = (applied.characters + kUnit - 1) / kUnit;
  json::array outputs;
  for (const auto& text : applied.outputs) outputs.push_back({{"text", text}});
  json::object coverage{{"guarded", applied.characters}, {"total", applied.characters}};
  json::object out{
      {"usage", std::move(usage)},
      {"action", applied.outputs.empty() ? "NONE" : "GUARDRAIL_INTERVENED"},
      {"outputs", std::move(outputs)},
      {"assessments", json::array{AssessmentOf(applied.name, applied.found.Of(applied.side))}},
      {"guardrailCoverage", {{"textCharacters", std::move(coverage)}}}};
  if (!applied.blocked.empty()) out["actionReason"] = applied.blocked;
  return json::serialize(out);
}

}  // namespace strata::server
