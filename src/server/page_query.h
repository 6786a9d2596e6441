#pragma once
// maxResults and nextToken of Bedrock's lists. Where a list is whole in memory, a token says how
// many of its entries were given out.

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/result.h"
#include "server/router.h"

namespace strata::server {

struct PageQuery {
  std::size_t start = 0;
  std::size_t size = 0;

  // The entries of a list of `count` that the page holds: [begin, end).
  std::size_t begin(std::size_t count) const { return std::min(start, count); }
  std::size_t end(std::size_t count) const {
    return begin(count) + std::min(size, count - begin(count));
  }
  // "" on the last page.
  std::string next(std::size_t count) const {
    return end(count) < count ? std::to_string(end(count)) : std::string();
  }
};

// Of the request's query; `size` without maxResults, which is 1 to `size_max`. kInvalidArgument
// names the parameter.
Result<PageQuery> ReadPageQuery(const Exchange& exchange, std::size_t size, std::size_t size_max);

}  // namespace strata::server
