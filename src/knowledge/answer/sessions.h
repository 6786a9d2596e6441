#pragma once
// The sessions of RetrieveAndGenerate: earlier turns by session id, in memory, bounded in number,
// length and age. They end with the process.

#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "knowledge/answerer.h"

namespace strata::knowledge {

struct SessionLimits {
  std::chrono::seconds ttl{3600};
  std::size_t count_max = 10'000;
  std::size_t turns_max = 10;
};

// A passage that an answer was made of.
struct TurnSource {
  std::string knowledge_base_id;
  std::string chunk_id;
  // Of a document of a bucket that the question named, instead: its address, and the hash of it.
  std::string uri = {};
  std::string content_hash = {};
};

struct KeptTurn {
  Turn turn;
  std::vector<TurnSource> sources;
};

// Thread-safe.
class Sessions {
 public:
  explicit Sessions(SessionLimits limits) : limits_(limits) {}

  // A new session of the caller's; its id is hard to guess.
  std::string Begin(const RequestContext& ctx);

  // The earlier turns; the labels of what they came from are added to ctx.labels. kInvalidArgument
  // at "sessionId": no such session of this workspace, key and principals, or it has expired.
  // Whether their sources still stand is for the caller to see.
  Result<std::vector<KeptTurn>> Turns(const std::string& id, RequestContext& ctx);

  // Adds a turn; nothing when the session is gone meanwhile.
  void Add(const std::string& id, KeptTurn kept, const RequestContext& ctx);

  // Ends the workspace's sessions of that end user; returns how many.
  std::int64_t EraseSubject(std::string_view subject, const WorkspaceId& workspace);

 private:
  struct Session {
    std::string id;
    WorkspaceId workspace;
    KeyId key;
    std::string subject;                  // who began it, "" unknown
    std::vector<std::string> principals;  // sorted: one key may ask for many people
    LabelSet labels;                      // of everything that its answers came from
    SteadyTime used;
    std::vector<KeptTurn> turns;
  };
  using List = std::list<Session>;  // most recently used first

  void DropOld(SteadyTime now);
  List::iterator Find(const std::string& id, const RequestContext& ctx);

  const SessionLimits limits_;
  std::mutex mutex_;
  List sessions_;
  std::map<std::string, List::iterator, std::less<>> by_id_;
};

}  // namespace strata::knowledge
