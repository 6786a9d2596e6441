#pragma once
// Inference profiles of Bedrock's control plane: a name of one's own for a model, in meta.db. What
// is asked through one carries its tags, so that its cost can be told from others'.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "server/resource_tags.h"
#include "server/stored_snapshot.h"
#include "store/sql_file.h"

namespace strata::server {

struct InferenceProfile {
  std::string id;  // 12 letters and digits
  WorkspaceId workspace;
  std::string name;
  std::string description;
  std::string model;   // the model id of this server that it stands for
  std::string source;  // as the caller named it: an ARN, or any id
  WallTime created;
  Tags tags;

  // "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/ID"
  std::string Arn() const;
};

// The id in an ARN of an inference profile, of either kind; anything else as it is.
std::string_view ProfileIdOf(std::string_view text);

// Thread-safe: reads come from a snapshot in memory. `file` and `tags` outlive it.
class ProfileStore {
 public:
  static constexpr std::size_t kProfilesMax = 1000;  // a workspace's

  static Result<std::unique_ptr<ProfileStore>> Open(store::SqlFile& file, ResourceTags& tags,
                                                    const Clock& clock = SystemClock());

  // kConflict: the name is taken; kTooLarge: kProfilesMax. Id and time are filled here.
  Task<Result<InferenceProfile>> Create(InferenceProfile profile);
  Task<Result<>> Delete(std::string id, WorkspaceId workspace);  // kNotFound

  // kNotFound, also for an id of another workspace.
  Result<InferenceProfile> Find(std::string_view id, const WorkspaceId& workspace) const;
  // Of any workspace: whose it is, is asked when a request comes.
  Result<InferenceProfile> Find(std::string_view id) const;
  std::vector<InferenceProfile> List(const WorkspaceId& workspace) const;  // by name

  Task<Result<>> AddTags(InferenceProfile profile, Tags tags);
  Task<Result<>> RemoveTags(InferenceProfile profile, std::vector<std::string> keys);

 private:
  using Snapshot = std::map<std::string, InferenceProfile, std::less<>>;  // by id

  ProfileStore(store::SqlFile& file, ResourceTags& tags, const Clock& clock)
      : tags_(tags), clock_(clock), snapshot_(file, Load) {}
  static Result<Snapshot> Load(store::Database& database);

  ResourceTags& tags_;
  const Clock& clock_;
  StoredSnapshot<Snapshot> snapshot_;
};

}  // namespace strata::server
