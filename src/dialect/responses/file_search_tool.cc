#include "dialect/responses/file_search_tool.h"

#include "base/format_message.h"

namespace strata::dialect::responses {
namespace {

constexpr std::size_t kStoresMax = 16;
constexpr std::int64_t kResultsMax = 50;

// How the two rankings are blended is a matter of each knowledge base; that one of them does not
// count can be had.
Result<std::string> DecodeHybrid(const JsonField& hybrid) {
  STRATA_CHECK_OK(hybrid.OnlyMembers({"embedding_weight", "text_weight"}));
  auto dense_field = hybrid.Get("embedding_weight");
  auto lexical_field = hybrid.Get("text_weight");
  STRATA_TRY(const double dense, dense_field.Double(0, 1e6));
  STRATA_TRY(const double lexical, lexical_field.Double(0, 1e6));
  if (dense > 0 && lexical > 0) {
    return Fail(hybrid.Wrong(
        "both weights above 0: how they are blended is set for each knowledge base; leave "
        "hybrid_search out, or set one of them to 0"));
  }
  if (dense == 0 && lexical == 0) return Fail(hybrid.Wrong("expected a weight above 0"));
  return std::string(dense > 0 ? "dense" : "lexical");
}

Result<> DecodeRanking(const JsonField& ranking, FileSearchTool& out) {
  STRATA_CHECK_OK(ranking.OnlyMembers({"ranker", "score_threshold", "hybrid_search"}));
  if (auto ranker = ranking.Get("ranker"); ranker.present()) {
    STRATA_CHECK_OK(ranker.OneOf({"auto", "default-2024-11-15"}));
  }
  if (auto threshold = ranking.Get("score_threshold"); threshold.present()) {
    STRATA_TRY(out.score_threshold, threshold.Double(0, 1));
  }
  if (auto hybrid = ranking.Get("hybrid_search"); hybrid.present()) {
    STRATA_TRY(out.mode, DecodeHybrid(hybrid));
  }
  return {};
}

}  // namespace

Result<FileSearchTool> DecodeFileSearch(const JsonField& tool) {
  STRATA_CHECK_OK(tool.OnlyMembers(
      {"type", "vector_store_ids", "filters", "max_num_results", "ranking_options"}));
  FileSearchTool out;
  out.field = tool.Path();
  auto ids = tool.Get("vector_store_ids");
  if (!ids.ExpectArray() || ids.size() == 0 || ids.size() > kStoresMax) {
    return Fail(ids.Wrong(FormatMessage("expected 1 to {} ids of vector stores", kStoresMax)));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto id = ids.Item(i);
    STRATA_TRY(auto text, id.NonEmptyString());
    out.vector_store_ids.push_back(std::move(text));
  }
  if (auto results = tool.Get("max_num_results"); results.present()) {
    STRATA_TRY(out.results, results.Integer(1, kResultsMax));
  }
  if (auto filters = tool.Get("filters"); filters.present()) {
    STRATA_TRY(out.filters, filters.ObjectText());
  }
  if (auto ranking = tool.Get("ranking_options"); ranking.present()) {
    STRATA_CHECK_OK(DecodeRanking(ranking, out));
  }
  return out;
}

}  // namespace strata::dialect::responses
