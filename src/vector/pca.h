#pragma once
// Principal components of a few ten thousand vectors, in double precision and deterministic.

#include <span>
#include <vector>

namespace strata::vector {

struct PrincipalComponents {
  int dimensions = 0;          // of the input
  std::vector<double> mean;    // `dimensions` values
  std::vector<double> axes;    // one row of `dimensions` values a component, orthonormal
  std::vector<double> values;  // variance along each axis, descending
};

// `rows` holds whole rows of `dimensions` floats, at least one. Axes are in descending order of
// variance; each one's largest coordinate is positive, so that the result does not depend on the
// solver's signs. O(rows · dimensions² + dimensions³).
PrincipalComponents FindPrincipalComponents(std::span<const float> rows, int dimensions);

// Eigenvalues and -vectors of the symmetric n×n `matrix` (row-major; destroyed): ascending values,
// and in row i of the result the vector of value i. Householder reduction, then implicit QL.
// Source: EISPACK tred2 and tql2 (Bowdler, Martin, Reinsch, Wilkinson 1968), public domain.
struct Eigen {
  std::vector<double> values;
  std::vector<double> vectors;
};
Eigen SolveSymmetric(std::vector<double> matrix, int n);

}  // namespace strata::vector
