#pragma once
// Knowledge bases and data sources in meta.db, with a copy in memory: there are few of them and
// every request looks one up.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "knowledge/kb_types.h"
#include "store/sql_file.h"

namespace strata::knowledge {

// Thread-safe. `meta` outlives it.
class Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> Open(store::SqlFile& meta);

  Result<KnowledgeBase> Base(std::string_view id, const WorkspaceId& workspace) const;
  Result<KnowledgeBase> BaseByName(std::string_view name, const WorkspaceId& workspace) const;
  // All, in the order of their names, then ids; also those being deleted.
  std::vector<KnowledgeBase> Bases() const;
  // Both or neither. kConflict: the base's name is taken in its workspace.
  Task<Result<>> AddBase(KnowledgeBase base, std::optional<DataSource> source);
  // Name, description, what the API wants back, and the time. kConflict: the name is taken.
  Task<Result<>> UpdateBase(KnowledgeBase base);
  Task<Result<>> SetSearch(std::string id, SearchMode mode, std::optional<double> dense_weight);
  Task<Result<>> SetBaseStatus(std::string id, KnowledgeBaseStatus status);
  // Its data sources go too.
  Task<Result<>> RemoveBase(std::string id);
  Result<> RemoveBaseBlocking(const std::string& id);

  Result<DataSource> Source(std::string_view kb_id, std::string_view source_id) const;
  // In the order of their ids.
  std::vector<DataSource> Sources(std::string_view kb_id) const;
  // kConflict: the name is taken in its knowledge base.
  Task<Result<>> AddSource(DataSource source);
  // All but id, base, kind and recipe. kConflict: the name is taken.
  Task<Result<>> UpdateSource(DataSource source);
  Task<Result<>> RemoveSource(std::string source_id);

 private:
  explicit Catalog(store::SqlFile& meta) : meta_(meta) {}
  Result<> Load(store::Database& db);
  void Forget(const std::string& kb_id);

  store::SqlFile& meta_;
  mutable std::mutex mutex_;
  std::map<std::string, KnowledgeBase, std::less<>> bases_;
  std::map<std::string, DataSource, std::less<>> sources_;
};

}  // namespace strata::knowledge
