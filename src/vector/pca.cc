#include "vector/pca.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace strata::vector {
namespace {

constexpr int kIterationsMax = 60;

// A square matrix by rows, and the tridiagonal form that it is reduced to.
struct Work {
  int n;
  std::vector<double> a;  // becomes the accumulated transformation
  std::vector<double> d;  // diagonal
  std::vector<double> e;  // sub-diagonal, e[0] unused

  double& at(int i, int j) { return a[static_cast<std::size_t>(i) * n + j]; }
};

// One Householder step on row `i`, whose first `i` entries have length `scale`·√h. Leaves the
// reflection's vector in row i.
double ReduceRow(Work& w, int i, double scale) {
  double h = 0;
  for (int k = 0; k < i; ++k) {
    w.at(i, k) /= scale;
    h += w.at(i, k) * w.at(i, k);
  }
  double f = w.at(i, i - 1);
  double g = f >= 0 ? -std::sqrt(h) : std::sqrt(h);
  w.e[i] = scale * g;
  h -= f * g;
  w.at(i, i - 1) = f - g;
  f = 0;
  for (int j = 0; j < i; ++j) {
    w.at(j, i) = w.at(i, j) / h;
    g = 0;
    for (int k = 0; k <= j; ++k) g += w.at(j, k) * w.at(i, k);
    for (int k = j + 1; k < i; ++k) g += w.at(k, j) * w.at(i, k);
    w.e[j] = g / h;
    f += w.e[j] * w.at(i, j);
  }
  double hh = f / (h + h);
  for (int j = 0; j < i; ++j) {
    f = w.at(i, j);
    w.e[j] = g = w.e[j] - hh * f;
    for (int k = 0; k <= j; ++k) w.at(j, k) -= f * w.e[k] + g * w.at(i, k);
  }
  return h;
}

// Multiplies the reflections up, so that `a` holds the transformation and `d` the diagonal.
void Accumulate(Work& w) {
  for (int i = 0; i < w.n; ++i) {
    if (w.d[i] != 0) {
      for (int j = 0; j < i; ++j) {
        double g = 0;
        for (int k = 0; k < i; ++k) g += w.at(i, k) * w.at(k, j);
        for (int k = 0; k < i; ++k) w.at(k, j) -= g * w.at(k, i);
      }
    }
    w.d[i] = w.at(i, i);
    w.at(i, i) = 1;
    for (int j = 0; j < i; ++j) w.at(j, i) = w.at(i, j) = 0;
  }
}

// tred2: symmetric to tridiagonal.
void Tridiagonalise(Work& w) {
  for (int i = w.n - 1; i > 0; --i) {
    double scale = 0;
    if (i > 1) {
      for (int k = 0; k < i; ++k) scale += std::abs(w.at(i, k));
    }
    if (scale == 0) {
      w.e[i] = w.at(i, i - 1);
      w.d[i] = 0;
    } else {
      w.d[i] = ReduceRow(w, i, scale);
    }
  }
  w.d[0] = 0;
  w.e[0] = 0;
  Accumulate(w);
}

// One implicit QL sweep between `low` and `high`.
void Sweep(Work& w, int low, int high) {
  double g = (w.d[low + 1] - w.d[low]) / (2 * w.e[low]);
  double r = std::hypot(g, 1.0);
  g = w.d[high] - w.d[low] + w.e[low] / (g + (g >= 0 ? std::abs(r) : -std::abs(r)));
  double s = 1;
  double c = 1;
  double p = 0;
  int i = high - 1;
  for (; i >= low; --i) {
    double f = s * w.e[i];
    double b = c * w.e[i];
    r = std::hypot(f, g);
    w.e[i + 1] = r;
    if (r == 0) {
      w.d[i + 1] -= p;
      w.e[high] = 0;
      break;
    }
    s = f / r;
    c = g / r;
    g = w.d[i + 1] - p;
    r = (w.d[i] - g) * s + 2 * c * b;
    p = s * r;
    w.d[i + 1] = g + p;
    g = c * r - b;
    for (int k = 0; k < w.n; ++k) {
      f = w.at(k, i + 1);
      w.at(k, i + 1) = s * w.at(k, i) + c * f;
      w.at(k, i) = c * w.at(k, i) - s * f;
    }
  }
  if (r == 0 && i >= low) return;
  w.d[low] -= p;
  w.e[low] = g;
  w.e[high] = 0;
}

// tql2: eigenvalues to `d`, vectors to the columns of `a`.
void Diagonalise(Work& w) {
  for (int i = 1; i < w.n; ++i) w.e[i - 1] = w.e[i];
  w.e[w.n - 1] = 0;
  for (int low = 0; low < w.n; ++low) {
    for (int iteration = 0;; ++iteration) {
      int high = low;
      for (; high < w.n - 1; ++high) {
        double size = std::abs(w.d[high]) + std::abs(w.d[high + 1]);
        if (std::abs(w.e[high]) <= std::numeric_limits<double>::epsilon() * size) break;
      }
      if (high == low) break;
      STRATA_FATAL(iteration < kIterationsMax, "the eigenvalue iteration does not converge");
      Sweep(w, low, high);
    }
  }
}

}  // namespace

Eigen SolveSymmetric(std::vector<double> matrix, int n) {
  auto size = static_cast<std::size_t>(n);
  STRATA_CHECK(n >= 1 && matrix.size() == size * size, "not a square matrix");
  Work w{.n = n,
         .a = std::move(matrix),
         .d = std::vector<double>(size),
         .e = std::vector<double>(size)};
  Tridiagonalise(w);
  Diagonalise(w);
  std::vector<int> order(size);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int x, int y) { return w.d[x] < w.d[y]; });
  Eigen eigen{.values = std::vector<double>(size), .vectors = std::vector<double>(size * size)};
  for (int i = 0; i < n; ++i) {
    eigen.values[i] = w.d[order[i]];
    for (int k = 0; k < n; ++k) {
      eigen.vectors[static_cast<std::size_t>(i) * size + k] = w.at(k, order[i]);
    }
  }
  return eigen;
}

PrincipalComponents FindPrincipalComponents(std::span<const float> rows, int dimensions) {
  auto width = static_cast<std::size_t>(dimensions);
  STRATA_CHECK(dimensions >= 1 && !rows.empty() && rows.size() % width == 0, "not whole rows");
  auto count = rows.size() / width;
  PrincipalComponents out{.dimensions = dimensions,
                          .mean = std::vector<double>(width),
                          .axes = std::vector<double>(width * width),
                          .values = std::vector<double>(width)};
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t i = 0; i < width; ++i) out.mean[i] += rows[r * width + i];
  }
  for (double& m : out.mean) m /= static_cast<double>(count);
  std::vector<double> covariance(width * width);
  std::vector<double> centred(width);
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t i = 0; i < width; ++i) centred[i] = rows[r * width + i] - out.mean[i];
    for (std::size_t i = 0; i < width; ++i) {
      double x = centred[i];
      double* row = covariance.data() + i * width;
      for (std::size_t j = 0; j <= i; ++j) row[j] += x * centred[j];
    }
  }
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      covariance[i * width + j] /= static_cast<double>(count);
      covariance[j * width + i] = covariance[i * width + j];
    }
  }
  auto eigen = SolveSymmetric(std::move(covariance), dimensions);
  for (std::size_t i = 0; i < width; ++i) {
    auto from = width - 1 - i;
    const double* axis = eigen.vectors.data() + from * width;
    auto largest = std::max_element(axis, axis + width,
                                    [](double x, double y) { return std::abs(x) < std::abs(y); });
    double sign = *largest < 0 ? -1 : 1;
    out.values[i] = eigen.values[from];
    for (std::size_t k = 0; k < width; ++k) out.axes[i * width + k] = sign * axis[k];
  }
  return out;
}

}  // namespace strata::vector
