#include "dialect/openai/legacy_logprobs.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/utf8.h"

namespace strata::dialect::openai {
namespace {

constexpr double kLogprobMin = -9999.0;  // what OpenAI writes for a token that cannot come

void WriteTop(JsonWriter& out, const domain::TokenLogprob& token) {
  if (token.top.empty()) {
    out.Null();
    return;
  }
  out.BeginObject();
  std::set<std::string_view> names;  // parts of different characters may read the same
  for (const auto& other : token.top) {
    if (names.insert(other.token).second) {
      out.Field(other.token, std::max(other.logprob, kLogprobMin));
    }
  }
  out.EndObject();
}

}  // namespace

void WriteLegacyLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens,
                         std::int64_t offset) {
  out.Key("logprobs");
  if (tokens.empty()) {
    out.Null();
    return;
  }
  out.BeginObject().Key("tokens").BeginArray();
  for (const auto& token : tokens) out.Value(token.token);
  out.EndArray().Key("token_logprobs").BeginArray();
  for (const auto& token : tokens) out.Value(std::max(token.logprob, kLogprobMin));
  out.EndArray().Key("top_logprobs").BeginArray();
  for (const auto& token : tokens) WriteTop(out, token);
  out.EndArray().Key("text_offset").BeginArray();
  for (const auto& token : tokens) {
    out.Value(offset);
    offset += static_cast<std::int64_t>(CodePointCount(token.token));
  }
  out.EndArray().EndObject();
}

}  // namespace strata::dialect::openai
