#pragma once
// OpenAI's Responses API between a client and a provider that both speak it: requests that are
// forwarded, what a provider answers, and an encoder that goes on where its bytes stop. Pure.
//
// What of a request is served nowhere but there (OpenAI's own tools, conversations, items that we
// do not know, …) is ChatRequest::extra in kWireFormat, which every other model refuses by name.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/responses.h"
#include "dialect/stream.h"
#include "dialect/wire.h"
#include "domain/conversation.h"
#include "domain/wire.h"

namespace strata::dialect::responses {

inline constexpr std::string_view kWireFormat = "openai.responses";
// Requests that a conversation be compacted (POST /v1/responses/compact): served nowhere else.
inline constexpr std::string_view kCompactFormat = "openai.responses.compact";
// Whether the format is one of these.
bool IsWireFormat(std::string_view format);

// ---- requests ----

// What a scan of a request finds that may be forwarded; everything else stays in its body.
struct Scanned {
  domain::ChatRequest chat;  // see ChatRequest::wire_only
  domain::WireRange model;
  bool store = true;
  bool background = false;
  std::string previous_response_id;
  std::string conversation;
  bool sealed = false;      // holds thinking that strata sealed, which no provider can open
  bool names_ours = false;  // perhaps files or vector stores of this server: DecodeForForwarding
};
// nullopt: it is to be decoded, so that errors are the decoder's.
std::optional<Scanned> ScanRequest(std::string_view body);

// The bytes as a provider of this dialect gets them; `format`: one of those above.
std::shared_ptr<const domain::WireRequest> MakeWireRequest(std::string body,
                                                           domain::WireHeaders headers,
                                                           domain::WireRange model,
                                                           std::string_view format = kWireFormat);

// The same request with another body, in which only texts were changed; null where that cannot be
// forwarded, or `wire` is of another format.
std::shared_ptr<const domain::WireRequest> WireWithBody(const domain::WireRequest& wire,
                                                        std::string body);

// Whether a request says truncation "auto": where it is put into another form, its oldest turns may
// be left out, as its own provider would.
bool AsksToFit(const domain::WireRequest& wire);

// As DecodeRequest, for a request that is forwarded: what is not served here is no error.
Result<Request> DecodeForForwarding(std::string_view body);

// Whether a whole request holds what only its own format can say.
bool OnlyAsWire(const domain::ChatRequest& request);

// ---- answers ----

// What a provider answers; items that the domain has no block for are skipped.
// Errors: kUnavailable when it is not what the API promises; a failed response's own.
Result<domain::ChatResponse> DecodeResponse(std::string_view body);
std::unique_ptr<StreamDecoder> MakeStreamDecoder();
// The same answers when they are forwarded.
Result<WireFacts> ReadWireAnswer(std::string_view body);
std::unique_ptr<WireTap> MakeWireTap();
const WireCodec& ResponsesWire();
const WireCodec& CompactWire();  // answers in one piece only

// The id that an answer tells of itself: of a body, or of the first event of a stream; "" for none.
std::string IdOfAnswer(std::string_view bytes);
// Whether a body is that of a response which is still made.
bool IsPending(std::string_view body);
// What POST …/input_tokens counts. Errors: kUnavailable when it is not what the API promises.
Result<std::int64_t> DecodeInputTokens(std::string_view body);
// What a response used; nullopt while it is made.
std::optional<domain::Usage> UsageOfEnded(std::string_view body);

// How far a provider's own stream has come.
struct WirePlace {
  std::string id;               // of the response
  std::int64_t next_event = 0;  // its sequence_number

  void Note(std::string_view bytes);  // whole events
};

// An encoder that goes on behind a provider's bytes, once GoOnBehindBytes is called.
class FollowingEncoder : public Encoder {
 public:
  // The bytes as they leave: whole events, in order.
  virtual void Follow(std::string_view bytes) = 0;
};
// `place`: what is known already.
std::unique_ptr<FollowingEncoder> MakeFollowingEncoder(Settings settings, AnswerMeta meta,
                                                       WirePlace place);
// The whole answer under a provider's id.
std::string EncodeResponseAs(std::string id, const domain::ChatResponse& response,
                             const Settings& settings, const AnswerMeta& meta);

}  // namespace strata::dialect::responses
