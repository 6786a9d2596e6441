#pragma once
// What `strata kb eval` shows of a report, the last line of /strata/v1/kbs/NAME/eval.

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

namespace strata::server {

// One row a variant: each figure, and its difference to the default with the 95 % interval.
std::string EvalTable(const boost::json::object& report);

// nDCG@10, R@5 and MRR@10 of all variants as points with their intervals; a whole SVG file.
std::string EvalPlot(std::string_view name, const boost::json::object& report);

}  // namespace strata::server
