#pragma once
// The attributes of a document whose names are reserved, in whichever way they come: sidecars,
// lines of `kb import`, inline attributes, attributes of a vector store's files.
//   strata_principals: ["user:7", "group:hr"]  who may read it
//   strata_labels: ["pii", "eu-only"]          classifications that answers inherit
// What is not exactly of this form is refused: a document that is indexed without the readers that
// somebody wrote down would be shown to everybody. An empty list of readers is refused as well: it
// says nobody, and what nobody may read is not kept.

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/span.h"

namespace strata::knowledge {

inline constexpr std::string_view kReservedPrefix = "strata_";

struct ReservedAttributes {
  std::vector<std::string> principals;  // empty: it is not said who may read it
  std::vector<std::string> labels;

  bool empty() const { return principals.empty() && labels.empty(); }
};

// Notes one attribute; false when its name is not reserved. kInvalidArgument at `field`.
Result<bool> NoteReserved(std::string_view name, const boost::json::value& value, std::string field,
                          ReservedAttributes& out);

// Takes them out of a flat JSON object, whose other members stay; "" is one without members.
// kInvalidArgument with the attribute; also when one stands inside of another member, where nobody
// would heed it.
Result<ReservedAttributes> TakeReserved(JsonText& metadata);

}  // namespace strata::knowledge
