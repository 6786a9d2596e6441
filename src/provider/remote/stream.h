#pragma once
// One answer of a remote model: events decoded from the response as it comes, or from the whole
// body where no stream was asked for.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "provider/chat_model.h"
#include "provider/remote/call.h"
#include "provider/remote/let_go.h"
#include "provider/remote/stall_watch.h"

namespace strata::provider::remote {

class RemoteStream final : public ChatStream {
 public:
  // `streamed`: the answer is a stream of the Api's dialect; otherwise one JSON body.
  // `prompt_estimate`: tokens to assume until the provider says.
  RemoteStream(std::shared_ptr<const Account> account, RequestContext& ctx,
               std::shared_ptr<Cancel> cancel, std::unique_ptr<net::ClientResponse> response,
               bool streamed, std::int64_t prompt_estimate);

  Task<Result<domain::StreamEvent>> Next() override;
  domain::Usage UsageSoFar() const override;

 private:
  Task<Result<>> Fill();  // at least one event to hand up, or an error
  Task<Result<>> FillWhole();
  Error Failed(Error error);
  void Note(domain::StreamEvent& event);
  Task<void> LetGo();  // keeps the connection for the next call when the body ends soon

  std::shared_ptr<const Account> account_;
  RequestContext& ctx_;
  std::shared_ptr<Cancel> cancel_;
  std::unique_ptr<net::ClientResponse> response_;
  StallWatch stall_;
  std::unique_ptr<dialect::StreamDecoder> decoder_;  // null: not streamed
  bool HasEvent() const { return at_ < events_.size(); }
  std::vector<domain::StreamEvent> events_;  // decoded together
  std::size_t at_ = 0;                       // those before it were handed up
  std::int64_t prompt_estimate_;
  std::size_t characters_ = 0;                // of the answer so far
  std::optional<domain::Usage> final_usage_;  // of StreamEnd
  domain::Usage start_usage_;                 // of StreamStart
  bool done_ = false;
};

}  // namespace strata::provider::remote
