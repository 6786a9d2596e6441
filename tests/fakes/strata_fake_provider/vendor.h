#pragma once
// What the fake's vendors have in common: a request taken apart, and a reply to be sent.
//
// The vendors are written against the published contracts with a JSON library of their own, not
// with strata's dialect codecs, so that a mistake there is not made twice.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "tests/fakes/strata_fake_provider/script.h"

namespace strata::fakes {

// The keys that the fake accepts; anything else is refused as the vendor would.
struct FakeKeys {
  std::string openai = "sk-fake-openai";
  std::string azure = "fake-azure-key";
  std::string anthropic = "sk-ant-fake";
  std::string bedrock_bearer = "fake-bedrock-bearer";
  std::string aws_access_key_id = "AKIAFAKEFAKEFAKEFAKE";
  std::string aws_secret_access_key = "fake-secret-access-key";
  std::string aws_session_token;  // must be sent when not empty
  std::string cohere = "fake-cohere-key";
  std::string gemini = "fake-gemini-key";
  std::string google_token = "fake-google-token";  // Vertex AI; given out by the token endpoint
  // PEM. Statements at the token endpoint must be signed with its private half; empty: none is
  // taken.
  std::string google_public_key;
};

struct Exchange {
  const net::HttpRequest& request;
  const FakeKeys& keys;
  boost::json::object body;  // empty for GET
  bool body_is_json = false;
};

struct Refusal {
  int status = 400;
  std::string type;  // the vendor's own; "" takes its name for the status
  std::string message;
  std::string param;
  std::string code;
};
using Checked = std::optional<Refusal>;

struct Reply {
  int status = 200;
  net::Headers headers;
  std::string body;
  std::vector<std::string> frames;  // of a stream
  bool streamed = false;
};

Reply JsonReply(int status, const boost::json::value& body);

// Tokens that the answer reports.
struct FakeUsage {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
};
FakeUsage UsageOf(const FakeAnswer& answer, const Exchange& exchange);
std::string StopOf(const FakeAnswer& answer);  // never empty

// Text of the last user message of any of the formats; "" when there is none.
std::string LastUserText(const boost::json::object& body);

// `count` × `dimensions` floats that depend on the text only.
std::vector<double> FakeVector(std::string_view text, int dimensions);

// The `documents` of a rerank request by the share of the query's words that each holds, best
// first, at most `top_n`: [{"index", "relevance_score"}].
boost::json::array FakeRanking(const boost::json::object& body);

const boost::json::value* Member(const boost::json::object& object, std::string_view key);
bool IsString(const boost::json::object& object, std::string_view key);
// A member that is an array with at least one item.
const boost::json::array* FilledArray(const boost::json::object& object, std::string_view key);

namespace openai {
bool Serves(std::string_view path);
Checked Check(const Exchange& exchange);
Reply Answer(const Exchange& exchange, const FakeAnswer& answer);
Reply Refuse(const Refusal& refusal);
// Moderations and rerank, which `Serves` and the rest call.
bool IsJudge(std::string_view path);
Checked CheckJudge(const Exchange& exchange);
Reply AnswerJudge(const Exchange& exchange);
}  // namespace openai

namespace cohere {
bool Serves(std::string_view path);
Checked Check(const Exchange& exchange);
Reply Answer(const Exchange& exchange, const FakeAnswer& answer);
Reply Refuse(const Refusal& refusal);
}  // namespace cohere

namespace anthropic {
bool Serves(const net::HttpRequest& request);
Checked Check(const Exchange& exchange);
// Of Vertex AI's rawPredict and Bedrock's InvokeModel: `version` is the anthropic_version they
// want.
Checked CheckHostedBody(const Exchange& exchange, std::string_view version);
Reply Answer(const Exchange& exchange, const FakeAnswer& answer);
Reply AnswerStream(const Exchange& exchange, const FakeAnswer& answer);
Reply Refuse(const Refusal& refusal);
}  // namespace anthropic

// The Gemini API, Vertex AI (Gemini and, by anthropic's answers, Claude) and Google's token
// endpoint.
namespace gemini {
bool Serves(const net::HttpRequest& request);
Checked Check(const Exchange& exchange);
Reply Answer(const Exchange& exchange, const FakeAnswer& answer);
Reply Refuse(const Refusal& refusal);
}  // namespace gemini

namespace bedrock {
bool Serves(std::string_view path);
Checked Check(const Exchange& exchange);
Reply Answer(const Exchange& exchange, const FakeAnswer& answer);
Reply Refuse(const Refusal& refusal);
}  // namespace bedrock

}  // namespace strata::fakes
