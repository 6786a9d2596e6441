#include "dialect/openai/logprobs.h"

#include <algorithm>

namespace strata::dialect::openai {
namespace {

// What OpenAI writes for a token that cannot come.
constexpr double kLogprobMin = -9999.0;

void WriteToken(JsonWriter& out, const domain::TokenLogprob& token) {
  out.Field("token", token.token).Field("logprob", std::max(token.logprob, kLogprobMin));
  out.Key("bytes");
  if (token.bytes.empty()) {
    out.Null();
    return;
  }
  out.BeginArray();
  for (unsigned char byte : token.bytes) out.Value(static_cast<int>(byte));
  out.EndArray();
}

Result<domain::TokenLogprob> ReadToken(const JsonField& item) {
  STRATA_CHECK_OK(item.ExpectObject());
  domain::TokenLogprob out;
  auto token = item.Get("token");
  STRATA_TRY(out.token, token.String());
  auto logprob = item.Get("logprob");
  STRATA_TRY(out.logprob, logprob.Double(-1e9, 1e9));
  auto bytes = item.Get("bytes");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto byte = bytes.Item(i);
    STRATA_TRY(auto value, byte.Integer(0, 255));
    out.bytes += static_cast<char>(value);
  }
  return out;
}

}  // namespace

void WriteTokenLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens) {
  out.BeginArray();
  for (const auto& token : tokens) {
    WriteToken(out.BeginObject(), token);
    out.Key("top_logprobs").BeginArray();
    for (const auto& other : token.top) {
      WriteToken(out.BeginObject(), other);
      out.EndObject();
    }
    out.EndArray().EndObject();
  }
  out.EndArray();
}

void WriteLogprobs(JsonWriter& out, const std::vector<domain::TokenLogprob>& tokens,
                   LogprobsOf member) {
  out.Key("logprobs");
  if (tokens.empty()) {
    out.Null();
    return;
  }
  const bool refusal = member == LogprobsOf::kRefusal;
  out.BeginObject().Key(refusal ? "refusal" : "content");
  WriteTokenLogprobs(out, tokens);
  out.Key(refusal ? "content" : "refusal").Null().EndObject();
}

Result<std::vector<domain::TokenLogprob>> ReadLogprobs(const JsonField& logprobs) {
  std::vector<domain::TokenLogprob> out;
  for (auto key : {"content", "refusal"}) {
    auto list = logprobs.Get(key);
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto item = list.Item(i);
      STRATA_TRY(auto token, ReadToken(item));
      auto top = item.Get("top_logprobs");
      for (std::size_t j = 0; j < top.size(); ++j) {
        auto other = top.Item(j);
        STRATA_TRY(auto alternative, ReadToken(other));
        token.top.push_back(std::move(alternative));
      }
      out.push_back(std::move(token));
    }
  }
  return out;
}

}  // namespace strata::dialect::openai
