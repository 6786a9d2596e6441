#pragma once
// How one remote API is spoken: addresses, headers and bodies of calls, and what its answers mean.
// Pure but for Refresh: no I/O. The bodies themselves are dialect's business.

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "dialect/embedding.h"
#include "dialect/meta.h"
#include "dialect/stream.h"
#include "dialect/wire.h"
#include "domain/conversation.h"
#include "domain/moderation.h"
#include "domain/rerank.h"
#include "domain/stream.h"
#include "net/client.h"
#include "net/http.h"
#include "provider/spec.h"

namespace strata::provider::remote {

struct Call {
  std::string method = "POST";
  std::string url;
  net::Headers headers;
  std::string body;
  // What the request asked for and this API cannot say, for the trace.
  std::vector<std::string> dropped;
};

// Constant after construction; a const Api is safe to share between threads.
class Api {
 public:
  virtual ~Api() = default;

  virtual dialect::Dialect dialect() const = 0;

  // `request.stream` chooses the form. Errors: kInvalidArgument, what this API cannot say.
  virtual Result<Call> Chat(const domain::ChatRequest& request,
                            const std::string& upstream_id) const = 0;
  virtual Result<domain::ChatResponse> DecodeChat(std::string_view body) const = 0;
  virtual std::unique_ptr<dialect::StreamDecoder> MakeStreamDecoder() const = 0;

  // How the answers to a client's own body (domain/wire.h) are read, when that model of this API
  // takes it as it is; null when it does not.
  virtual const dialect::WireCodec* Wire(const domain::WireRequest& wire,
                                         std::string_view upstream_id) const;
  // `request.wire`, that may be forwarded so, with the places changed that must be.
  virtual Call Forward(const domain::ChatRequest& request, const std::string& upstream_id) const;

  // Whether the API counts the tokens of a client's own body as it is.
  virtual bool CountsWire(const domain::WireRequest& wire, std::string_view upstream_id) const;
  // `request.wire`, if any, is such a body. kUnsupported where the API does not count.
  virtual Result<Call> Count(const domain::ChatRequest& request,
                             const std::string& upstream_id) const = 0;
  virtual Result<std::int64_t> DecodeCount(std::string_view body) const = 0;

  // Texts of one embedding call; 0: the model does not embed through this API.
  virtual std::size_t EmbedBatchMax(const std::string& upstream_id) const = 0;
  virtual Result<Call> Embed(const dialect::EmbedRequest& request) const = 0;
  virtual Result<dialect::EmbeddingRows> DecodeEmbed(const dialect::EmbedRequest& request,
                                                     std::string_view body) const = 0;

  // Whether lists of token numbers and unknown members of OpenAI's form may be sent (EmbedRequest).
  virtual bool EmbedsAsOpenAi() const { return false; }

  // Reranking and moderating, where the API has them; here: it has not.
  virtual bool CanRerank(std::string_view upstream_id) const;
  virtual Result<Call> Rerank(const domain::RerankRequest& request,
                              const std::string& upstream_id) const;
  virtual Result<domain::Reranking> DecodeRerank(std::string_view body,
                                                 std::size_t documents) const;
  virtual bool CanModerate(std::string_view upstream_id) const;
  virtual Result<Call> Moderate(const domain::ModerationRequest& request,
                                const std::string& upstream_id) const;
  virtual Result<domain::Moderation> DecodeModeration(std::string_view body) const;

  virtual Call ListModels() const = 0;
  virtual Result<std::vector<std::string>> DecodeModels(std::string_view body) const = 0;

  // For APIs whose credentials expire: when NeedsRefresh, Refresh is awaited before the call.
  virtual bool NeedsRefresh(WallTime) const { return false; }
  virtual Task<Result<>> Refresh(net::Client&, SteadyTime, std::stop_token, WallTime) const {
    co_return Result<>();
  }

  // Puts who we are into the call, as its last step: key headers, or a signature over all of it.
  virtual void Authorize(Call& call, WallTime now) const = 0;

  // What Authorize puts in, so that no message ever shows it.
  virtual const std::vector<std::string>& secrets() const = 0;
};

// The Api of a checked spec. Reads secrets and credentials.
Result<std::shared_ptr<const Api>> MakeApi(const ProviderSpec& spec, const SecretReader& secrets,
                                           const EnvReader& env);

// A POST of JSON with the spec's own headers.
Call JsonCall(const ProviderSpec& spec, std::string url, std::string body);

// The same for a body that is forwarded: the client's own header fields stand below the spec's.
Call ForwardCall(const ProviderSpec& spec, std::string url, const domain::WireRequest& wire,
                 std::string_view upstream_id);

// `base_url` without trailing slashes.
std::string TrimmedBase(std::string_view base_url);

}  // namespace strata::provider::remote
