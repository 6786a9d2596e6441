#include "server/cli/bases.h"

#include <algorithm>
#include <boost/json.hpp>

#include "server/cli/print.h"

namespace strata::server {

Result<bool> HasBase(Caller& caller, const std::string& name) {
  STRATA_TRY(auto reply, caller.Call("GET", "/strata/v1/kbs"));
  auto parsed = boost::json::parse(reply);
  return std::ranges::any_of(parsed.at("kbs").as_array(), [&](const boost::json::value& kb) {
    return TextOf(kb.as_object(), "name") == name;
  });
}

}  // namespace strata::server
