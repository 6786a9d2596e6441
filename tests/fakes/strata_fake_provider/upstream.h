#pragma once
// The fake upstream: one HTTP server that plays OpenAI (and Azure, vLLM and Ollama), Anthropic,
// Bedrock, Cohere, Gemini and Vertex AI on one port, enforces their published contracts, answers by
// script and records what it was sent. Used in-process by unit tests, and as the program
// strata-fake-provider.
//
//   auto upstream = FakeUpstream::Start({});
//   upstream->Script().Push({.chunks = {"Hel", "lo"}, .cut_after = 2});
//   … a provider with base_url upstream->url() + "/v1" …
//
// Over HTTP: POST /_script {"reset": bool, "keys": {…}, "answers": [{…}]}, GET /_requests.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/server.h"
#include "tests/fakes/strata_fake_provider/script.h"
#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes {

struct RecordedRequest {
  std::string method;
  std::string target;
  net::Headers headers;
  std::string body;
  int status = 0;            // what was answered; 0: nothing yet
  bool client_gone = false;  // the client went away before the answer was whole
};

// Thread-safe.
class FakeUpstream {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: a free one
    FakeKeys keys;
  };
  static Result<std::unique_ptr<FakeUpstream>> Start(Options options);
  ~FakeUpstream();

  std::string url() const;  // "http://127.0.0.1:PORT"
  FakeScript& Script() { return script_; }
  FakeKeys keys() const;
  void SetKeys(FakeKeys keys);
  std::vector<RecordedRequest> requests() const;

  // Blocks the calling thread until `count` requests have come in / lost their client.
  void AwaitRequests(std::size_t count) const;
  void AwaitGone(std::size_t count) const;

  // What POST /_script does. Errors name the member; nothing is changed then.
  Result<> LoadScript(std::string_view text);

 private:
  explicit FakeUpstream(FakeKeys keys) : keys_(std::move(keys)) {}

  Task<void> Handle(net::HttpRequest& request, net::ResponseWriter& writer, std::stop_token gone);
  Task<void> Control(net::HttpRequest& request, net::ResponseWriter& writer);
  Task<Result<>> Send(Reply reply, FakeAnswer answer, net::ResponseWriter& writer,
                      std::stop_token gone);
  Task<Result<>> SendFrames(Reply reply, FakeAnswer answer, net::ResponseWriter& writer,
                            std::stop_token gone);
  std::size_t Record(const net::HttpRequest& request);
  void Finish(std::size_t index, int status, bool client_gone);
  std::string RecordedJson() const;

  FakeScript script_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  FakeKeys keys_;
  std::vector<RecordedRequest> requests_;
  std::size_t gone_ = 0;
  std::unique_ptr<net::Server> server_;
};

}  // namespace strata::fakes
