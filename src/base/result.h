#pragma once
// Result<T> and the TRY macros: errors that a correct program expects travel as values.

#include <expected>
#include <utility>

#include "base/error.h"

namespace strata {

template <class T = void>
using Result = std::expected<T, Error>;

// `return Fail(Code::kNotFound, "…");`
inline std::unexpected<Error> Fail(Error error) { return std::unexpected<Error>(std::move(error)); }
inline std::unexpected<Error> Fail(Code code, Message message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}

}  // namespace strata

#define STRATA_CONCAT_INNER(a, b) a##b
#define STRATA_CONCAT(a, b) STRATA_CONCAT_INNER(a, b)

// STRATA_TRY(auto x, F());  assigns the value or returns the error.
#define STRATA_TRY(decl, expr) STRATA_TRY_IMPL(STRATA_CONCAT(result_, __LINE__), decl, expr, return)
// The coroutine twin: STRATA_CO_TRY(auto x, co_await F());
#define STRATA_CO_TRY(decl, expr) \
  STRATA_TRY_IMPL(STRATA_CONCAT(result_, __LINE__), decl, expr, co_return)
// For Result<void>: STRATA_CHECK_OK(F());  STRATA_CO_CHECK_OK(co_await F());
#define STRATA_CHECK_OK(expr) STRATA_OK_IMPL(STRATA_CONCAT(result_, __LINE__), expr, return)
#define STRATA_CO_CHECK_OK(expr) STRATA_OK_IMPL(STRATA_CONCAT(result_, __LINE__), expr, co_return)

// NOLINTBEGIN(bugprone-macro-parentheses): names, declarations and a keyword cannot stand in them.
#define STRATA_TRY_IMPL(tmp, decl, expr, leave)                        \
  auto tmp = (expr);                                                   \
  if (!tmp.has_value()) leave std::unexpected(std::move(tmp.error())); \
  decl = std::move(*tmp)
#define STRATA_OK_IMPL(tmp, expr, leave) \
  if (auto tmp = (expr); !tmp.has_value()) leave std::unexpected(std::move(tmp.error()))
// NOLINTEND(bugprone-macro-parentheses)
