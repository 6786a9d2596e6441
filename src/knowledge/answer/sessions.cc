#include "knowledge/answer/sessions.h"

#include <algorithm>

#include "base/rng.h"
#include "base/utf8.h"

namespace strata::knowledge {
namespace {

// Of one turn's text; longer answers are kept in part.
constexpr std::size_t kTurnBytesMax = 8000;

// What others were answered may come from documents that this caller may not read.
std::vector<std::string> Sorted(std::vector<std::string> principals) {
  std::ranges::sort(principals);
  return principals;
}

}  // namespace

void Sessions::DropOld(SteadyTime now) {
  while (!sessions_.empty() &&
         (sessions_.back().used + limits_.ttl < now || sessions_.size() > limits_.count_max)) {
    by_id_.erase(sessions_.back().id);
    sessions_.pop_back();
  }
}

Sessions::List::iterator Sessions::Find(const std::string& id, const RequestContext& ctx) {
  const auto now = ctx.clock->Steady();
  DropOld(now);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->workspace != ctx.workspace ||
      found->second->key != ctx.key || found->second->principals != Sorted(ctx.principals)) {
    return sessions_.end();
  }
  sessions_.splice(sessions_.begin(), sessions_, found->second);
  found->second->used = now;
  return found->second;
}

std::string Sessions::Begin(const RequestContext& ctx) {
  Session session;
  session.id = SecureRandomHex(16);
  session.workspace = ctx.workspace;
  session.key = ctx.key;
  session.subject = ctx.subject;
  session.principals = Sorted(ctx.principals);
  session.used = ctx.clock->Steady();
  std::lock_guard lock(mutex_);
  sessions_.push_front(std::move(session));
  by_id_.emplace(sessions_.front().id, sessions_.begin());
  const std::string id = sessions_.front().id;
  DropOld(ctx.clock->Steady());
  return id;
}

Result<std::vector<KeptTurn>> Sessions::Turns(const std::string& id, RequestContext& ctx) {
  std::lock_guard lock(mutex_);
  const auto found = Find(id, ctx);
  if (found == sessions_.end()) {
    return Fail(InvalidArgument("sessionId", "no such session, or it has expired"));
  }
  ctx.labels.AddAll(found->labels);
  return found->turns;
}

void Sessions::Add(const std::string& id, KeptTurn kept, const RequestContext& ctx) {
  auto& turn = kept.turn;
  turn.answer = std::string(Utf8Prefix(turn.answer, kTurnBytesMax));
  turn.question = std::string(Utf8Prefix(turn.question, kTurnBytesMax));
  std::lock_guard lock(mutex_);
  const auto found = Find(id, ctx);
  if (found == sessions_.end()) return;
  found->labels.AddAll(ctx.labels);
  found->turns.push_back(std::move(kept));
  if (found->turns.size() > limits_.turns_max) found->turns.erase(found->turns.begin());
}

std::int64_t Sessions::EraseSubject(std::string_view subject, const WorkspaceId& workspace) {
  std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(std::erase_if(sessions_, [&](const Session& session) {
    if (session.subject != subject || session.workspace != workspace) return false;
    by_id_.erase(session.id);
    return true;
  }));
}

}  // namespace strata::knowledge
