#pragma once
// One pass over JSON text that checks all of it and builds nothing but the list of the outermost
// members, so that a body can be forwarded with one value changed.
//
// What it takes, ParseJson (json_value.h) takes too, and means the same; the reverse need not hold.
// Own code, where simdjson would do: simdjson's on-demand API does not check what it skips, and its
// DOM does not say where a value stands.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/json_value.h"
#include "domain/wire.h"

namespace strata::dialect {

struct ScannedMember {
  std::string_view key;     // without escapes
  domain::WireRange value;  // bytes of the text, without spaces around
};

// One object of a JSON text. Views point into the text.
class ScannedObject {
 public:
  ScannedObject(std::string_view text, std::vector<ScannedMember> members)
      : text_(text), members_(std::move(members)) {}

  const std::vector<ScannedMember>& members() const { return members_; }
  // The first member of that name; nullptr when there is none, or it is null.
  const ScannedMember* Find(std::string_view key) const;
  std::string_view TextOf(const ScannedMember& member) const {
    return text_.substr(member.value.start, member.value.end - member.value.start);
  }
  // The member's JSON text, "" when Find finds none.
  std::string_view TextAt(std::string_view key) const;

 private:
  std::string_view text_;
  std::vector<ScannedMember> members_;
};

// nullopt: not valid JSON, not an object, over a limit, or one of its members (not of those below)
// has an escape in its name or comes twice, so that readers might disagree on what it says.
// O(bytes); recursion is bounded by limits.depth_max.
std::optional<ScannedObject> ScanObject(std::string_view text, const JsonLimits& limits = {});

// Of a value that was scanned: the text of a JSON string, an integer as written without fraction or
// exponent, true or false. nullopt when it is something else.
std::optional<std::string> ScannedString(std::string_view json);
std::optional<std::int64_t> ScannedInteger(std::string_view json);
std::optional<bool> ScannedBool(std::string_view json);

// Members of a request by what they must be. An absent one leaves `out` alone; false: it is
// something else, which the decoder is to name.
bool ScanText(const ScannedObject& object, std::string_view key, std::string& out);
// A limit on tokens; one that `out` holds already must say the same.
bool ScanLimit(const ScannedObject& object, std::string_view key, std::optional<std::int64_t>& out);
// An object of strings.
bool ScanTags(const ScannedObject& object, std::string_view key,
              std::map<std::string, std::string>& out);
// Whether the member is a list that holds an object.
bool HasObjects(const ScannedObject& object, std::string_view key);

}  // namespace strata::dialect
