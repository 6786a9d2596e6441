#include "server/page_query.h"

#include <charconv>
#include <string_view>

#include "base/format_message.h"

namespace strata::server {
namespace {

Result<std::size_t> Number(const Exchange& exchange, std::string_view name, std::size_t fallback) {
  const auto text = net::QueryParameter(exchange.http.query(), name).value_or("");
  if (text.empty()) return fallback;
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(InvalidArgument(std::string(name), "expected a number that this server gave"));
  }
  return value;
}

}  // namespace

Result<PageQuery> ReadPageQuery(const Exchange& exchange, std::size_t size, std::size_t size_max) {
  PageQuery page;
  STRATA_TRY(page.size, Number(exchange, "maxResults", size));
  STRATA_TRY(page.start, Number(exchange, "nextToken", 0));
  if (page.size == 0 || page.size > size_max) {
    return Fail(InvalidArgument("maxResults", FormatMessage("expected 1 to {}", size_max)));
  }
  return page;
}

}  // namespace strata::server
