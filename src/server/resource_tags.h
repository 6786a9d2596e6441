#pragma once
// Tags of resources of the control planes (prompts, knowledge bases, prompt routers, inference
// profiles): key and value, by ARN, in meta.db.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "dialect/json_value.h"
#include "store/sql_file.h"

namespace strata::server {

using Tags = std::map<std::string, std::string>;

inline constexpr std::size_t kTagsMax = 50;  // of one resource

// The member `tags`, an object of strings; {} when it is absent. kInvalidArgument names the tag: a
// key has 1 to 128 characters of [a-zA-Z0-9 _.:/=+@-], a value up to 256.
Result<Tags> DecodeTags(const dialect::JsonField& tags);
// Of a creating operation's body, whose other members are checked elsewhere; it may be empty.
Result<Tags> TagsOfBody(std::string_view body);
std::string EncodeTags(const Tags& tags);  // {"tags": {…}}

// The same as the service "bedrock" writes them: [{key, value}, …].
Result<Tags> DecodeTagList(const dialect::JsonField& tags);
std::string EncodeTagList(const Tags& tags);  // {"tags": […]}

// Thread-safe. `file` outlives it. Whether the resource exists is its caller's to know.
class ResourceTags {
 public:
  static Result<std::unique_ptr<ResourceTags>> Open(store::SqlFile& file);

  // Adds, or changes the values of keys that are there. kTooLarge: kTagsMax.
  Task<Result<>> Add(std::string arn, Tags tags, WorkspaceId workspace);
  Task<Result<>> Remove(std::string arn, std::vector<std::string> keys, WorkspaceId workspace);
  Task<Result<Tags>> Of(std::string arn, WorkspaceId workspace);
  // All tags of a resource that is gone, and of its versions ("ARN:VERSION").
  Task<Result<>> Forget(std::string arn, WorkspaceId workspace);

 private:
  explicit ResourceTags(store::SqlFile& file) : file_(file) {}

  store::SqlFile& file_;
};

}  // namespace strata::server
