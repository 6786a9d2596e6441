#include "provider/cut_vectors.h"

#include <cmath>

namespace strata::provider {

void CutVectors(Embeddings& vectors, int dimensions) {
  std::vector<float> cut;
  const auto keep = static_cast<std::size_t>(dimensions);
  cut.reserve(vectors.count() * keep);
  for (std::size_t i = 0; i < vectors.count(); ++i) {
    const auto row = vectors.row(i).first(keep);
    double squares = 0;
    for (float v : row) squares += static_cast<double>(v) * v;
    const auto scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0F;
    for (float v : row) cut.push_back(v * scale);
  }
  vectors.values = std::move(cut);
  vectors.dimensions = dimensions;
}

}  // namespace strata::provider
