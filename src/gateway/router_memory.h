#pragma once
// What a server remembers of its routers while it runs: the prices of their candidates' quotas, and
// how they decided lately. Lost when it stops; both come back within minutes of traffic.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "route/policy_router.h"
#include "route/shadow_price.h"

namespace strata::gateway {

struct RememberedDecision {
  std::string model;       // that answers, or is escalated to
  std::string decided_by;  // "rule", "learned", "fallback", …
  std::optional<double> unfamiliar;
};

// Of one version of a router. Thread-safe.
class RouterRecord {
 public:
  static constexpr std::size_t kKept = 1000;  // decisions

  RouterRecord(WorkspaceId workspace, const route::PolicyRouter& router);

  const WorkspaceId& workspace() const { return workspace_; }
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  double tolerance() const { return tolerance_; }
  route::ShadowPrices& prices() { return prices_; }

  void Note(const route::Decision& decision);
  // A request whose model had a fallback: whether that had to answer.
  void NoteStart(bool fell_back);

  // Newest first.
  std::vector<RememberedDecision> Decisions() const;
  std::vector<bool> FellBack() const;
  // Decisions since the start, by model.
  std::map<std::string, std::uint64_t> Counts() const;

 private:
  // The last kKept of what was added.
  template <class T>
  struct Ring {
    std::array<T, kKept> items{};
    std::uint64_t added = 0;
    void Add(T item) { items[added++ % kKept] = item; }
    template <class F>
    void NewestFirst(F visit) const {
      for (std::uint64_t i = added; i > 0 && added - i < kKept; --i) visit(items[(i - 1) % kKept]);
    }
  };
  struct Slot {
    std::uint8_t candidate = 0;
    std::uint8_t decided_by = 0;  // of kDeciders
    float unfamiliar = -1;        // below 0: unknown
  };

  const WorkspaceId workspace_;
  const std::string name_, version_;
  const double tolerance_;
  std::vector<std::string> models_;  // of the candidates
  route::ShadowPrices prices_;
  mutable std::mutex mutex_;
  Ring<Slot> decisions_;
  Ring<std::uint8_t> fell_back_;
  std::vector<std::uint64_t> counts_;
};

// Thread-safe.
class RouterMemory {
 public:
  static constexpr std::size_t kVersionsMax = 500;  // beyond: what was not used longest goes

  std::shared_ptr<RouterRecord> Of(const WorkspaceId& workspace, const route::PolicyRouter& router);
  // null: not used since the start.
  std::shared_ptr<RouterRecord> Find(const WorkspaceId& workspace,
                                     const std::string& version) const;
  // Those of every router, of a router the version that was used last.
  std::vector<std::shared_ptr<RouterRecord>> Latest() const;

 private:
  struct Entry {
    std::shared_ptr<RouterRecord> record;
    std::uint64_t used = 0;
  };
  mutable std::mutex mutex_;
  std::uint64_t uses_ = 0;
  std::map<std::pair<std::string, std::string>, Entry> entries_;  // workspace, version
};

}  // namespace strata::gateway
