#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <vector>

#include "bench/gen/beir.h"
#include "bench/retrieval/bench.h"
#include "knowledge/lexical/fts5_reference.h"
#include "knowledge/lexical_index.h"

namespace strata::bench {
namespace {

namespace fs = std::filesystem;

// nDCG with gains 2^grade − 1 (Järvelin, Kekäläinen 2002; Burges et al. 2005).
double Ndcg(const std::vector<int>& grades, std::vector<int> all_grades, std::size_t depth) {
  auto gain = [](const std::vector<int>& list, std::size_t size) {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(size, list.size()); ++i) {
      sum += (std::exp2(list[i]) - 1) / std::log2(static_cast<double>(i) + 2);
    }
    return sum;
  };
  std::ranges::sort(all_grades, std::greater());
  double best = gain(all_grades, depth);
  return best > 0 ? gain(grades, depth) / best : 0;
}

Result<void> Fill(const BeirCollection& collection, knowledge::LexicalIndex& index) {
  for (std::size_t i = 0; i < collection.documents.size(); ++i) {
    const BeirDocument& document = collection.documents[i];
    knowledge::LexicalDocument added{.id = i, .title = document.title, .body = document.text};
    STRATA_CHECK_OK(index.Put(std::span(&added, 1)));
  }
  return index.Commit(1);
}

enum class Spelling : std::uint8_t { kAsItIs, kFixed };

Result<void> Judge(const BeirCollection& collection, const knowledge::LexicalIndex& index,
                   const char* name, Spelling spelling) {
  double ndcg = 0;
  double recall = 0;
  std::size_t judged = 0;
  std::size_t fixed = 0;
  for (const BeirQuery& query : collection.queries) {
    auto found = collection.judgements.find(query.id);
    if (found == collection.judgements.end()) continue;
    std::vector<knowledge::SpellingFix> fixes;
    if (spelling == Spelling::kFixed) {
      STRATA_TRY(fixes, index.FixSpelling(query.text));
    }
    for (const knowledge::SpellingFix& fix : fixes) {
      std::printf("  %s: %s -> %s\n", query.id.c_str(), fix.word.c_str(), fix.instead.c_str());
    }
    fixed += fixes.size();
    STRATA_TRY(auto hits, index.Search(query.text, 100, {}, fixes));
    std::vector<int> grades;
    double relevant = 0;
    double reached = 0;
    for (const knowledge::LexicalHit& hit : hits) {
      auto grade = found->second.find(collection.documents[hit.id].id);
      grades.push_back(grade == found->second.end() ? 0 : std::max(grade->second, 0));
      reached += grades.back() > 0 ? 1 : 0;
    }
    std::vector<int> all;
    for (const auto& [id, grade] : found->second) {
      all.push_back(std::max(grade, 0));
      relevant += grade > 0 ? 1 : 0;
    }
    if (relevant == 0) continue;
    ndcg += Ndcg(grades, all, 10);
    recall += reached / relevant;
    judged += 1;
  }
  auto queries = static_cast<double>(std::max<std::size_t>(judged, 1));
  std::printf("%-10s nDCG@10 %.4f  recall@100 %.4f  (%zu queries, %zu words corrected)\n", name,
              ndcg / queries, recall / queries, judged, fixed);
  return {};
}

}  // namespace

Result<void> MeasureQuality(const std::string& data) {
  STRATA_TRY(auto collection, LoadBeir(data));
  std::string folder = (fs::temp_directory_path() / "strata-bench-quality-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return Fail(Code::kUnavailable, "no temporary folder");
  STRATA_TRY(auto index, knowledge::OpenLexicalIndex(folder));
  STRATA_CHECK_OK(Fill(collection, *index));
  STRATA_CHECK_OK(Judge(collection, *index, "strata", Spelling::kAsItIs));
  STRATA_CHECK_OK(Judge(collection, *index, "spelling", Spelling::kFixed));
  knowledge::lexical::Fts5LexicalIndex reference;
  STRATA_CHECK_OK(Fill(collection, reference));
  STRATA_CHECK_OK(Judge(collection, reference, "FTS5", Spelling::kAsItIs));
  index.reset();
  fs::remove_all(folder);
  return {};
}

}  // namespace strata::bench
