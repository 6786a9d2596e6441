#pragma once
// Bedrock's asynchronous invocations: durable jobs that call a model and write its answer below the
// folder that an s3:// bucket is mapped to (kb.s3_map).

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/pool.h"
#include "base/task.h"
#include "base/wait_group.h"
#include "gateway/chat_service.h"
#include "gateway/embed_service.h"
#include "gateway/request_scope.h"
#include "net/runtime.h"
#include "server/live_config.h"
#include "server/routers/router_store.h"
#include "store/jobs.h"
#include "store/keys.h"

namespace strata::server {

struct AsyncInvocation {
  std::string model;
  JsonText input;      // the InvokeModel body
  std::string s3_uri;  // "s3://bucket/prefix"; the answer goes to PREFIX/ID/output.json
  std::string token;   // clientRequestToken, given back
};

// The ARN of a job, and back; "" when it is none.
std::string AsyncInvocationArn(const store::Job& job);
std::string AsyncInvocationJobId(std::string_view arn);

// Where `s3_uri` + "/ID/output.json" lies. kInvalidArgument when the bucket is not mapped or the
// key leaves the folder.
Result<std::string> AsyncOutputPath(const std::map<std::string, std::string>& s3_map,
                                    std::string_view s3_uri, std::string_view id);

// Thread-safe.
class AsyncInvokes {
 public:
  static constexpr std::string_view kKind = "bedrock.async-invoke";
  static constexpr std::size_t kAtOnce = 4;

  struct Parts {  // all outlive it
    store::JobQueue& jobs;
    const store::KeyStore& keys;
    const RouterStore& routers;
    const gateway::ChatService& chat;
    const gateway::EmbedService& embed;
    const gateway::TraceSinks& trace_sinks;
    const LiveConfig& live;
    Pool& pool;  // writes the answers
    std::map<std::string, std::string> s3_map;
  };
  explicit AsyncInvokes(Parts parts) : parts_(std::move(parts)) {}
  ~AsyncInvokes() { Stop(); }

  // Takes up what a dead process left and works on jobs until Stop, on an io thread of `runtime`.
  void Start(net::Runtime& runtime);
  void Stop();

  // Errors: AsyncOutputPath's, and what is wrong with the input.
  Task<Result<store::Job>> Submit(AsyncInvocation invocation, RequestContext& ctx);

 private:
  Task<void> Loop(WaitGroup::Ticket ticket);
  Task<Result<bool>> RunNext();  // false: there was no job
  Task<void> RunOne(store::Job job);
  Task<Result<std::string>> Invoke(const store::Job& job);
  Task<Result<>> Write(std::string path, std::string text);

  Parts parts_;
  std::stop_source stop_;
  WaitGroup loops_;
};

}  // namespace strata::server
