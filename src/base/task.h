#pragma once
// Task<T>: everything that waits is a coroutine of this type. Includes <boost/asio/awaitable.hpp>
// only: the rest of Asio belongs in .cc files.

#include <boost/asio/awaitable.hpp>

#include "base/result.h"

namespace strata {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace strata
