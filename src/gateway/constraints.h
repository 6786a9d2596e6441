#pragma once
// What a request said, beside its key, of where what it holds may go. Kept with work that goes on
// after the request has been answered, so that it binds that work too.

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"

namespace strata::gateway {

struct Constraints {
  LabelSet labels;
  std::vector<std::string> regions;        // empty: any
  std::optional<Retention> retention_max;  // unset: as long as the provider likes

  // What binds the request now: its key's grant and its headers together.
  static Constraints Of(const RequestFacts& facts);
  friend bool operator==(const Constraints&, const Constraints&) = default;
};

// They only narrow what the context allows. kPermissionDenied when no region is left; the context
// stays closed then.
Result<> Narrow(const Constraints& constraints, RequestContext& ctx);

boost::json::object ConstraintsJson(const Constraints& constraints);
// What ConstraintsJson wrote. kCorruption: it did not.
Result<Constraints> ReadConstraints(const boost::json::value& json);

}  // namespace strata::gateway
