#pragma once
// One answer that goes to its client as the provider wrote it: bytes as they come, read along only
// for what the ledger needs, and decoded beside that when somebody wants to read the text.

#include <memory>
#include <string>

#include "provider/chat_model.h"
#include "provider/remote/call.h"
#include "provider/remote/let_go.h"
#include "provider/remote/stall_watch.h"

namespace strata::provider::remote {

// Whether decoded events are wanted beside the bytes, or the answer is none without them.
enum class Shadow : std::uint8_t { kNo, kWanted, kNeeded };

class ForwardedStream final : public ChatStream {
 public:
  struct Parts {
    std::shared_ptr<const Account> account;
    const dialect::WireCodec* codec = nullptr;  // of the wire's format
    std::shared_ptr<const domain::WireRequest> wire;
    std::shared_ptr<Cancel> cancel;
    std::unique_ptr<net::ClientResponse> response;
    bool streamed = false;             // the answer is a stream of the wire's format
    std::int64_t prompt_estimate = 0;  // tokens to assume until the provider says
    Shadow shadow = Shadow::kNo;
    std::string deployment;  // the model's id
  };
  ForwardedStream(Parts parts, RequestContext& ctx);

  Task<Result<domain::StreamEvent>> Next() override;
  domain::Usage UsageSoFar() const override;

 private:
  Result<> CheckCoding() const;
  domain::StreamStart Begin();
  bool HasShadow() const { return shadow_at_ < shadow_.size(); }
  bool HasEvent() const { return HasShadow() || !pass_.empty() || failed_ || ended_; }
  Result<domain::StreamEvent> TakeEvent();
  Result<> Take(std::string_view bytes);
  void Withhold();
  Task<Result<>> ReadWhole();
  Result<> AddShadow(Result<std::vector<domain::StreamEvent>> events);
  domain::StreamEnd End();
  Error Failed(Error error);

  Parts parts_;
  StallWatch stall_;
  RequestContext& ctx_;
  const bool may_be_kept_;                           // by the provider, under the answer's id
  domain::WireHeaders headers_;                      // until they are handed up
  std::unique_ptr<dialect::WireTap> tap_;            // null: not streamed
  std::unique_ptr<dialect::StreamDecoder> decoder_;  // null: not streamed, or no shadow (any more)
  dialect::WireFacts whole_;                         // of an answer that is not streamed
  std::vector<domain::StreamEvent> shadow_;
  std::size_t shadow_at_ = 0;  // those before it were handed up
  std::string_view pass_;      // what may leave
  std::string withheld_;       // bytes whose shadow may still be to come
  std::string released_;       // what pass_ looks at when it was withheld
  std::string end_;            // what leaves with StreamEnd
  std::optional<Error> failed_;
  bool calling_ = false;  // a tool call is open in the shadow
  bool pending_ = false;  // the answer is made in the background
  bool begun_ = false;
  bool ended_ = false;
  bool done_ = false;
};

}  // namespace strata::provider::remote
