#pragma once
// Stored prompts of Bedrock's control plane: a draft and its numbered versions, in meta.db.
//
// They live in server/ because what is kept is Bedrock's own JSON, which the gateway must not know.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/span.h"
#include "base/task.h"
#include "server/stored_snapshot.h"
#include "store/sql_file.h"

namespace strata::server {

inline constexpr std::string_view kDraft = "DRAFT";

// What a caller may set. `variants` is Bedrock's JSON, checked when it was decoded.
struct PromptContent {
  std::string name;
  std::string description;
  std::string default_variant;
  std::string encryption_key_arn;  // kept and given back
  JsonText variants;               // an array, "" when none was given
};

struct Prompt {
  std::string id;  // 10 letters and digits
  std::string version{kDraft};
  WorkspaceId workspace;
  PromptContent content;
  WallTime created;
  WallTime updated;

  // "arn:aws:bedrock:us-east-1:000000000000:prompt/ID", with ":VERSION" behind a numbered one.
  std::string Arn() const;
};

// "ID", "ID:VERSION", or an ARN of either, as callers write them. Version "" is the draft.
struct PromptName {
  std::string id;
  std::string version;
};
PromptName ParsePromptName(std::string_view text);

// Thread-safe: reads come from a snapshot in memory. `file` outlives it.
class PromptStore {
 public:
  static constexpr std::size_t kPromptsMax = 5000;  // a workspace's
  static constexpr std::size_t kVersionsMax = 100;  // a prompt's

  static Result<std::unique_ptr<PromptStore>> Open(store::SqlFile& file,
                                                   const Clock& clock = SystemClock());

  // kConflict: the name is taken; kTooLarge: kPromptsMax.
  Task<Result<Prompt>> Create(PromptContent content, WorkspaceId workspace);
  // Replaces the draft. kNotFound, kConflict.
  Task<Result<Prompt>> Update(std::string id, PromptContent content, WorkspaceId workspace);
  // A numbered copy of the draft; numbers are never used twice. kNotFound, kTooLarge.
  Task<Result<Prompt>> AddVersion(std::string id, std::string description, WorkspaceId workspace);
  // `version` "": the prompt with all its versions. kNotFound.
  Task<Result<>> Delete(std::string id, std::string version, WorkspaceId workspace);

  // `version` "": the draft. kNotFound.
  Result<Prompt> Find(std::string_view id, std::string_view version,
                      const WorkspaceId& workspace) const;
  // Drafts by id, or all versions of one prompt, draft first.
  std::vector<Prompt> List(std::string_view id, const WorkspaceId& workspace) const;

 private:
  using Key = std::pair<std::string, int>;  // id, version number; 0 is the draft
  using Snapshot = std::map<Key, Prompt, std::less<>>;

  PromptStore(store::SqlFile& file, const Clock& clock) : clock_(clock), snapshot_(file, Load) {}
  static Result<Snapshot> Load(store::Database& database);

  const Clock& clock_;
  StoredSnapshot<Snapshot> snapshot_;
};

}  // namespace strata::server
