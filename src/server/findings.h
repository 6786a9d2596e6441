#pragma once
// What is wrong with a configuration, all of it at once: a place, the key, and what was expected.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::server {

struct Finding {
  std::string place;  // "strata.yaml:12"; the file alone when no line says it
  std::string text;   // "server.listen: 'here' is not ADDRESS:PORT"
  std::string Line() const;
};

class Findings {
 public:
  // Refuses the configuration.
  void Problem(std::string_view place, std::string_view text);
  // What may be wrong and cannot be known from here, or hurts only a part.
  void Warning(std::string_view place, std::string_view text);

  // In the order of their lines.
  const std::vector<Finding>& problems() const { return problems_; }
  const std::vector<Finding>& warnings() const { return warnings_; }

  // kInvalidArgument with every problem, one a line.
  Result<> Verdict() const;

 private:
  std::vector<Finding> problems_;
  std::vector<Finding> warnings_;
};

}  // namespace strata::server
