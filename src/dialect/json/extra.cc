#include "dialect/json/extra.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace strata::dialect {
namespace {

// Members about storage, caching and accounting, and what only Google's models filter by.
constexpr std::array<std::string_view, 9> kHints = {"store",
                                                    "prompt_cache_key",
                                                    "prompt_cache_retention",
                                                    "safety_identifier",
                                                    "provider",
                                                    "include_reasoning",
                                                    "verbosity",
                                                    "inference_geo",
                                                    "safetySettings"};

Result<> CheckForeign(const JsonWriter& out, const JsonValue& extra, const std::string& from) {
  for (const auto& member : *extra.object()) {
    if (std::ranges::find(kHints, member.key) != kHints.end()) {
      out.Dropped(member.key);
      continue;
    }
    auto name = member.key;
    // Gemini's settings are in an object of their own.
    const auto* inner = name == "generationConfig" ? member.value.object() : nullptr;
    if (inner != nullptr && !inner->empty()) name += "." + inner->front().key;
    return Fail(InvalidArgument(
        name, fmt::format("this member of the {} dialect means nothing to the provider that "
                          "was chosen; leave it out or name another model",
                          from)));
  }
  return {};
}

}  // namespace

void KeepExtra(const JsonField& body, std::initializer_list<std::string_view> known,
               std::string_view dialect, domain::ChatRequest& request) {
  JsonWriter out;
  out.BeginObject();
  bool any = false;
  for (const auto& member : *body.value().object()) {
    if (member.value.is_null() || std::ranges::find(known, member.key) != known.end()) continue;
    out.RawField(member.key, member.value.Dump());
    any = true;
  }
  if (!any) return;
  request.extra.text = out.EndObject().Take();
  request.extra_dialect = dialect;
}

Result<> WriteExtra(JsonWriter& out, const domain::ChatRequest& request, std::string_view dialect,
                    std::initializer_list<std::string_view> written) {
  if (request.extra.text.empty()) return {};
  STRATA_TRY(auto extra, ParseJson(request.extra.text));
  if (extra.object() == nullptr) return Fail(Internal("ChatRequest::extra is not an object"));
  if (request.extra_dialect != dialect) return CheckForeign(out, extra, request.extra_dialect);
  for (const auto& member : *extra.object()) {
    if (std::ranges::find(written, member.key) != written.end()) continue;
    out.RawField(member.key, member.value.Dump());
  }
  return {};
}

Result<> RefuseLogprobs(const domain::ChatRequest& request) {
  if (!request.logprobs) return {};
  return Fail(InvalidArgument("logprobs",
                              "the provider that was chosen gives no log-probabilities; leave it "
                              "out or name another model"));
}

}  // namespace strata::dialect
