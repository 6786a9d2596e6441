#pragma once
// What `strata kb evaluations` shows: how well a base ranked each time that it was evaluated.

#include <boost/json/fwd.hpp>
#include <string>

namespace strata::server {

// How one kept evaluation stands to the one before, a line; "" when there was none.
std::string EvalChangeText(const boost::json::object& kept);

// One row an evaluation, newest first, of /strata/v1/kbs/NAME/evaluations.
std::string EvalHistoryTable(const boost::json::object& history);

// nDCG@10 over time, those that fell marked; a whole SVG file.
std::string EvalHistoryPlot(const boost::json::object& history);

}  // namespace strata::server
