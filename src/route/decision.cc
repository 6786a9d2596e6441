#include "route/decision.h"

#include <fmt/format.h>

#include "base/json_text.h"

namespace strata::route {
namespace {

std::string CandidateJson(const CandidateView& c) {
  auto out = fmt::format("{{\"model\":{}", JsonString(c.model));
  if (c.quality) {
    out += fmt::format(",\"quality\":{:.4f},\"low\":{:.4f},\"high\":{:.4f}", *c.quality,
                       c.low.value_or(0), c.high.value_or(1));
  }
  if (c.cost) out += fmt::format(",\"cost_usd\":{:.8f}", *c.cost);
  if (c.seconds) out += fmt::format(",\"seconds\":{:.3f}", *c.seconds);
  if (c.output_tokens > 0) out += fmt::format(",\"output_tokens\":{:.0f}", c.output_tokens);
  if (c.quota_left) out += fmt::format(",\"quota_left\":{:.4f}", *c.quota_left);
  if (c.queue) out += fmt::format(",\"queue\":{:.4f}", *c.queue);
  if (c.quota_price) out += fmt::format(",\"quota_price\":{:.8f}", *c.quota_price);
  if (!c.left_out.empty()) out += ",\"left_out\":" + JsonString(c.left_out);
  return out + "}";
}

}  // namespace

JsonText DecisionJson(const Decision& d) {
  auto text = [](std::string_view name, const std::string& value) {
    return value.empty() ? std::string() : fmt::format(",\"{}\":{}", name, JsonString(value));
  };
  auto out =
      fmt::format("{{\"router\":{},\"version\":{},\"model\":{},\"decided_by\":{},\"reason\":{}",
                  JsonString(d.router), JsonString(d.version), JsonString(d.model()),
                  JsonString(d.decided_by), JsonString(d.reason));
  out += ",\"candidates\":[";
  for (std::size_t i = 0; i < d.candidates.size(); ++i) {
    out += (i == 0 ? "" : ",") + CandidateJson(d.candidates[i]);
  }
  out += "]";
  if (!d.ask.empty()) {
    out += ",\"ask\":[";
    for (std::size_t i = 0; i < d.ask.size(); ++i) {
      out += (i == 0 ? "" : ",") + JsonString(d.ask[i]);
    }
    out += "]" + text("check", d.check) + text("tie_break", d.tie_break);
  }
  out += text("instead_of", d.instead_of);
  out += text("advised", d.advised) + text("advised_reason", d.advised_reason);
  if (d.unfamiliar) out += fmt::format(",\"unfamiliar\":{:.4f}", *d.unfamiliar);
  if (!d.nearest.empty()) {
    out += ",\"nearest\":[";
    for (std::size_t i = 0; i < d.nearest.size(); ++i) {
      out += fmt::format("{}{{\"id\":{},\"similarity\":{:.3f}}}", i == 0 ? "" : ",",
                         JsonString(d.nearest[i].id), d.nearest[i].similarity);
    }
    out += "]";
  }
  out += text("guardrails", d.guardrails);
  if (!d.spent.empty()) {
    out += ",\"spent_usd\":{";
    for (bool first = true; const auto& [who, usd] : d.spent) {
      out += fmt::format("{}{}:{:.6f}", first ? "" : ",", JsonString(who), usd);
      first = false;
    }
    out += "}";
  }
  out += text("always_strong", d.candidates[d.strong].model);
  if (d.cheap) out += text("always_cheap", d.candidates[*d.cheap].model);
  return {out + "}"};
}

}  // namespace strata::route
