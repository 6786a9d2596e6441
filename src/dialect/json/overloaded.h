#pragma once
// std::visit over several lambdas.

namespace strata::dialect {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace strata::dialect
