// Completion request → domain: each prompt is one user message.

#include <array>

#include "base/format_message.h"
#include "dialect/completions.h"
#include "dialect/json/extra.h"
#include "dialect/json_value.h"
#include "dialect/openai/parts.h"

namespace strata::dialect::completions {
namespace {

constexpr std::int64_t kTokensMax = 1LL << 31;
constexpr std::int64_t kLogprobsMax = 20;
constexpr std::size_t kPromptsMax = 128;
constexpr std::size_t kStopMax = 64;
constexpr std::array<std::string_view, 15> kMembers = {
    "model", "prompt", "n",        "best_of", "suffix", "max_tokens", "temperature",   "top_p",
    "seed",  "stop",   "logprobs", "user",    "echo",   "stream",     "stream_options"};

Result<std::vector<std::string>> DecodeTexts(const JsonField& field, std::size_t max) {
  std::vector<std::string> out;
  if (field.present() && field.value().string() != nullptr) {
    STRATA_TRY(auto text, field.NonEmptyString());
    out.push_back(std::move(text));
    return out;
  }
  if (!field.ExpectArray() || field.size() == 0 || field.size() > max) {
    return Fail(field.Wrong(FormatMessage("expected a string or a list of 1 to {} strings", max)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    if (item.present() && item.value().string() == nullptr) {
      return Fail(item.Wrong("lists of token numbers are not supported; send text"));
    }
    STRATA_TRY(auto text, item.NonEmptyString());
    out.push_back(std::move(text));
  }
  return out;
}

// Members that ask for something that answers here never hold.
Result<> RefuseUnsupported(const JsonField& body) {
  for (auto key : {"n", "best_of"}) {
    auto field = body.Get(key);
    if (field.present() && !field.Integer(1, 1)) {
      return Fail(field.Wrong("expected 1: one choice a prompt is supported"));
    }
  }
  if (auto suffix = body.Get("suffix"); suffix.present() && !suffix.Is("")) {
    return Fail(suffix.Wrong("text after the answer is not supported; leave it out"));
  }
  return {};
}

Result<> DecodeSampling(const JsonField& body, domain::ChatRequest& chat) {
  if (auto field = body.Get("max_tokens"); field.present()) {
    STRATA_TRY(chat.max_tokens, field.Integer(1, kTokensMax));
  }
  if (auto field = body.Get("temperature"); field.present()) {
    STRATA_TRY(chat.temperature, field.Double(0, 2));
  }
  if (auto field = body.Get("top_p"); field.present()) {
    STRATA_TRY(chat.top_p, field.Double(0, 1));
  }
  if (auto field = body.Get("seed"); field.present()) {
    STRATA_TRY(chat.seed, field.Integer(INT64_MIN, INT64_MAX));
  }
  if (auto field = body.Get("stop"); field.present()) {
    STRATA_TRY(chat.stop, DecodeTexts(field, kStopMax));
  }
  if (auto field = body.Get("logprobs"); field.present()) {
    STRATA_TRY(auto count, field.Integer(0, kLogprobsMax));
    chat.logprobs = true;
    chat.top_logprobs = static_cast<int>(count);
  }
  if (auto field = body.Get("user"); field.present()) {
    STRATA_TRY(chat.user, field.String());
  }
  return {};
}

Result<> DecodeForm(const JsonField& body, Request& out) {
  if (auto field = body.Get("echo"); field.present()) {
    STRATA_TRY(out.echo, field.Bool());
    if (out.echo && out.chat.logprobs) {
      return Fail(
          field.Wrong("probabilities of the prompt's own tokens are not supported; leave "
                      "out echo or logprobs"));
    }
  }
  return openai::ReadStreamMembers(body, out.chat.stream, out.include_usage);
}

}  // namespace

Result<Request> DecodeRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  Request out;
  auto model = body.Get("model");
  STRATA_TRY(out.chat.model, model.NonEmptyString());
  STRATA_CHECK_OK(RefuseUnsupported(body));
  auto prompt = body.Get("prompt");
  STRATA_TRY(out.prompts, DecodeTexts(prompt, kPromptsMax));
  STRATA_CHECK_OK(DecodeSampling(body, out.chat));
  STRATA_CHECK_OK(DecodeForm(body, out));
  STRATA_CHECK_OK(KeepExtra(body, kMembers, "openai", out.chat));
  return out;
}

domain::ChatRequest ChatOf(const Request& request, std::size_t index) {
  auto chat = request.chat;
  domain::Message message;
  message.content.emplace_back(
      domain::TextBlock{.text = request.prompts.at(index), .citations = {}});
  chat.messages.push_back(std::move(message));
  return chat;
}

}  // namespace strata::dialect::completions
