#include "vector/static_embedder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "base/encoding.h"
#include "text/word_pieces.h"
#include "vector/mapped_file.h"
#include "vector/pca.h"

namespace strata::vector {
namespace {

static_assert(std::endian::native == std::endian::little);

// The file: this header, the teacher's name, the vocabulary (one piece a line), zero bytes up to
// `rows_at`, then one row of `dimensions` little-endian floats a piece, weight included.
struct Header {
  char magic[8];
  std::uint32_t format;
  std::uint32_t dimensions;
  std::uint64_t pieces;
  std::uint64_t teacher_bytes;
  std::uint64_t vocabulary_bytes;
  std::uint64_t rows_at;   // multiple of 64
  std::uint64_t checksum;  // Hash64 of everything after the header
};
static_assert(sizeof(Header) == 56);

constexpr std::string_view kMagic = "strstemb";
constexpr std::uint32_t kFormat = 1;
constexpr std::uint64_t kDimensionsMax = 4096;
constexpr std::uint64_t kPiecesMax = 1 << 20;
constexpr std::uint64_t kTextBytesMax = 64 << 20;

std::unexpected<Error> Corrupt(const std::string& path, std::string_view what) {
  return Fail(Code::kCorruption, fmt::format("static embedder {}: {}", path, what));
}

// The header, when every size in it fits the file.
Result<Header> ReadHeader(const std::string& path, std::string_view bytes) {
  Header header{};
  if (bytes.size() < sizeof(header)) return Corrupt(path, "shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::string_view(header.magic, sizeof(header.magic)) != kMagic) {
    return Corrupt(path, "not a static embedder");
  }
  if (header.format != kFormat) {
    return Corrupt(path, fmt::format("format {}; this program reads {}", header.format, kFormat));
  }
  bool sane = header.dimensions >= 1 && header.dimensions <= kDimensionsMax && header.pieces >= 1 &&
              header.pieces <= kPiecesMax && header.teacher_bytes <= kTextBytesMax &&
              header.vocabulary_bytes <= kTextBytesMax && header.rows_at % 64 == 0 &&
              header.rows_at >= sizeof(header) + header.teacher_bytes + header.vocabulary_bytes &&
              header.rows_at <= bytes.size() &&
              bytes.size() - header.rows_at == header.pieces * header.dimensions * sizeof(float);
  if (!sane) return Corrupt(path, "sizes in the header do not fit the file");
  return header;
}

// One piece a line, `pieces` of them, with those that every vocabulary has. The index over them,
// which the first text needs, is not made for that: it would leave megabytes behind.
bool HoldsPieces(std::string_view vocabulary, std::uint64_t pieces) {
  bool unknown = false;
  bool start = false;
  bool end = false;
  bool padding = false;
  std::uint64_t lines = 0;
  for (; !vocabulary.empty(); ++lines) {
    const auto stop = std::min(vocabulary.find('\n'), vocabulary.size());
    const auto piece = vocabulary.substr(0, stop);
    if (piece.empty()) return false;
    unknown |= piece == "[UNK]";
    start |= piece == "[CLS]";
    end |= piece == "[SEP]";
    padding |= piece == "[PAD]";
    vocabulary.remove_prefix(std::min(stop + 1, vocabulary.size()));
  }
  return lines == pieces && unknown && start && end && padding;
}

// Weight of each piece. Source: model2vec's SIF by Zipf's law. The rank of a piece is its place
// among the pieces that text can hold, as BERT's vocabulary is in order of frequency; only its
// leading block of single characters is not, so letters and signs beyond ASCII get the middle of
// the list, and ASCII ones stay in front.
std::vector<double> Weights(const std::vector<std::string>& vocabulary, double sif) {
  std::vector<std::size_t> rank(vocabulary.size(), 0);
  std::size_t used = 0;
  auto is_reserved = [](const std::string& piece) {
    return piece.size() > 2 && piece.front() == '[' && piece.back() == ']';
  };
  auto is_rare_character = [](const std::string& piece) {
    auto letters = piece.starts_with("##") ? piece.substr(2) : piece;
    auto first = letters.empty() ? 0U : static_cast<unsigned char>(letters.front());
    return first >= 0x80 && letters.size() <= 4;
  };
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    if (!is_reserved(vocabulary[i]) && !is_rare_character(vocabulary[i])) rank[i] = ++used;
  }
  double harmonic = 0;
  for (std::size_t r = 1; r <= used; ++r) harmonic += 1.0 / static_cast<double>(r + 1);
  std::vector<double> weights(vocabulary.size(), 0);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    if (is_reserved(vocabulary[i])) continue;
    auto place = rank[i] == 0 ? std::max<std::size_t>(1, used / 2) : rank[i];
    double p = 1 / (static_cast<double>(place + 1) * harmonic);
    weights[i] = sif / (sif + p);
  }
  return weights;
}

Result<> CheckRecipe(const StaticRecipe& recipe) {
  auto width = static_cast<std::size_t>(std::max(0, recipe.teacher_dimensions));
  if (recipe.vocabulary.empty() || recipe.vocabulary.size() > kPiecesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("static embedder: the vocabulary has {} pieces; 1..{} are possible",
                            recipe.vocabulary.size(), kPiecesMax));
  }
  if (recipe.dimensions < 1 || recipe.dimensions > recipe.teacher_dimensions ||
      width > kDimensionsMax || recipe.token_vectors.size() != recipe.vocabulary.size() * width) {
    return Fail(Code::kInvalidArgument,
                fmt::format("static embedder: {} floats are not {} rows of {} to keep {} of",
                            recipe.token_vectors.size(), recipe.vocabulary.size(),
                            recipe.teacher_dimensions, recipe.dimensions));
  }
  if (!(recipe.sif > 0)) return Fail(Code::kInvalidArgument, "static embedder: sif must be > 0");
  for (const auto& piece : recipe.vocabulary) {
    if (piece.find('\n') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "static embedder: a word piece holds a line end");
    }
  }
  return {};
}

// The rows to store: centred, projected, weighted.
std::vector<float> Project(const StaticRecipe& recipe) {
  // Reserved tokens say nothing about text; left in, they would bend the axes.
  auto weights = Weights(recipe.vocabulary, recipe.sif);
  auto width = static_cast<std::size_t>(recipe.teacher_dimensions);
  std::vector<float> used;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    auto row = std::span(recipe.token_vectors).subspan(i * width, width);
    used.insert(used.end(), row.begin(), row.end());
  }
  auto kept = static_cast<std::size_t>(recipe.dimensions);
  std::vector<float> rows(weights.size() * kept);
  if (used.empty()) return rows;
  auto components = FindPrincipalComponents(used, recipe.teacher_dimensions);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    const float* from = recipe.token_vectors.data() + i * width;
    for (std::size_t c = 0; c < kept; ++c) {
      const double* axis = components.axes.data() + c * width;
      double sum = 0;
      for (std::size_t k = 0; k < width; ++k) sum += axis[k] * (from[k] - components.mean[k]);
      rows[i * kept + c] = static_cast<float>(weights[i] * sum);
    }
  }
  return rows;
}

Result<> WriteWhole(const std::string& path, std::string_view bytes) {
  auto fresh = path + ".new";
  FILE* file = std::fopen(fresh.c_str(), "wb");
  if (file == nullptr) return Fail(Code::kUnavailable, fmt::format("cannot write {}", fresh));
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  good = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0 && good;
  good = std::fclose(file) == 0 && good;
  std::error_code error;
  if (good) std::filesystem::rename(fresh, path, error);
  if (good && !error) return {};
  std::filesystem::remove(fresh, error);
  return Fail(Code::kUnavailable, fmt::format("cannot write {} (disk full?)", path));
}

}  // namespace

Result<> DistillStaticEmbedder(const StaticRecipe& recipe, const std::string& path) {
  STRATA_CHECK_OK(CheckRecipe(recipe));
  auto rows = Project(recipe);
  std::string body = recipe.teacher;
  for (const auto& piece : recipe.vocabulary) body += piece + "\n";
  Header header{};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.format = kFormat;
  header.dimensions = static_cast<std::uint32_t>(recipe.dimensions);
  header.pieces = recipe.vocabulary.size();
  header.teacher_bytes = recipe.teacher.size();
  header.vocabulary_bytes = body.size() - recipe.teacher.size();
  header.rows_at = (sizeof(header) + body.size() + 63) / 64 * 64;
  body.resize(header.rows_at - sizeof(header), '\0');
  body.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float));
  header.checksum = Hash64(body);
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file += body;
  return WriteWhole(path, file);
}

struct StaticEmbedder::State {
  std::shared_ptr<const MappedFile> file;
  std::string_view vocabulary;
  const float* rows;
  std::size_t dimensions;
  std::string version;
  std::once_flag once = {};
  std::optional<text::WordPieces> pieces = {};

  // Made by the first text: a process that embeds none does without these megabytes.
  const text::WordPieces& Pieces() {
    std::call_once(once, [this] {
      auto parsed = text::WordPieces::Parse(vocabulary);
      STRATA_CHECK(parsed.has_value(), "a vocabulary that was looked at has changed");
      pieces = std::move(*parsed);
    });
    return *pieces;
  }
};

StaticEmbedder::StaticEmbedder(std::unique_ptr<State> state) : state_(std::move(state)) {}
StaticEmbedder::~StaticEmbedder() = default;

Result<std::shared_ptr<const StaticEmbedder>> StaticEmbedder::Open(const std::string& path) {
  STRATA_TRY(auto file, MappedFile::Open(path));
  auto bytes = file->bytes();
  STRATA_TRY(auto header, ReadHeader(path, bytes));
  if (Hash64(bytes.substr(sizeof(header))) != header.checksum) {
    return Corrupt(path, "the checksum does not match");
  }
  auto teacher = bytes.substr(sizeof(header), header.teacher_bytes);
  auto vocabulary = bytes.substr(sizeof(header) + header.teacher_bytes, header.vocabulary_bytes);
  if (!HoldsPieces(vocabulary, header.pieces)) {
    return Corrupt(path, "the vocabulary has another size, or lacks a token");
  }
  // Looked at, and not kept: see Pieces().
  if (auto parsed = text::WordPieces::Parse(vocabulary); !parsed.has_value()) {
    return Corrupt(path, parsed.error().message());
  }
  auto version = fmt::format("static-{}-{}:{:016x}", teacher, header.dimensions, header.checksum);
  file->LetGo();
  auto state = std::make_unique<State>(
      file, vocabulary, reinterpret_cast<const float*>(bytes.data() + header.rows_at),
      header.dimensions, std::move(version));
  return std::shared_ptr<const StaticEmbedder>(new StaticEmbedder(std::move(state)));
}

int StaticEmbedder::dimensions() const { return static_cast<int>(state_->dimensions); }
const std::string& StaticEmbedder::version() const { return state_->version; }

std::size_t StaticEmbedder::Embed(std::string_view text, std::span<float> out) const {
  STRATA_CHECK(out.size() == state_->dimensions, "the output has another size");
  thread_local std::vector<std::int32_t> ids;  // kept: no allocation a text
  ids.clear();
  state_->Pieces().EncodeIds(text, ids);
  std::fill(out.begin(), out.end(), 0.0F);
  float* sum = out.data();
  auto width = state_->dimensions;
  for (auto id : ids) {  // the row of [UNK] is zero
    const float* row = state_->rows + static_cast<std::size_t>(id) * width;
    for (std::size_t i = 0; i < width; ++i) sum[i] += row[i];
  }
  double square = 0;
  for (std::size_t i = 0; i < width; ++i) square += static_cast<double>(sum[i]) * sum[i];
  if (square > 0) {
    auto scale = static_cast<float>(1 / std::sqrt(square));
    for (std::size_t i = 0; i < width; ++i) sum[i] *= scale;
  }
  return ids.size();
}

std::vector<float> StaticEmbedder::EmbedAll(std::span<const std::string> texts) const {
  std::vector<float> out(texts.size() * state_->dimensions);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Embed(texts[i], std::span(out).subspan(i * state_->dimensions, state_->dimensions));
  }
  return out;
}

std::size_t StaticEmbedder::CountTokens(std::string_view text) const {
  return state_->Pieces().Count(text);
}

}  // namespace strata::vector
