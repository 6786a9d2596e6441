// Relevance judgements, and the figures that they give a ranking.

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "knowledge/corpus/line_reader.h"
#include "knowledge/evaluation.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kLineBytesMax = 64 * 1024;
constexpr int kGradeMax = 30;
constexpr std::size_t kGainDepth = 10;

// Columns stand between tabs where the line has any, else between spaces.
std::vector<std::string_view> Columns(std::string_view line) {
  const bool tabs = line.find('\t') != std::string_view::npos;
  std::vector<std::string_view> columns;
  while (!line.empty()) {
    const auto end = tabs ? line.find('\t') : line.find(' ');
    const auto column = line.substr(0, end);
    if (tabs || !column.empty()) columns.push_back(column);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return columns;
}

double Gain(int grade, std::size_t rank) {
  return grade / std::log2(static_cast<double>(rank) + 2);
}

double BestGain(const Grades& grades) {
  std::vector<int> sorted;
  for (const auto& [document, grade] : grades) sorted.push_back(std::max(grade, 0));
  std::ranges::sort(sorted, std::greater());
  double sum = 0;
  for (std::size_t i = 0; i < std::min(sorted.size(), kGainDepth); ++i) sum += Gain(sorted[i], i);
  return sum;
}

bool HasRelevant(const Grades& grades) {
  return std::ranges::any_of(grades, [](const auto& entry) { return entry.second > 0; });
}

}  // namespace

Result<JudgementLine> ParseJudgementLine(std::string_view line) {
  if (!IsValidUtf8(line)) return Fail(InvalidArgument("line", "not valid UTF-8"));
  const auto columns = Columns(line);
  if (columns.size() != 3 && columns.size() != 4) {
    return Fail(InvalidArgument(
        "line", "expected query, document and grade between tabs, or TREC's four columns"));
  }
  JudgementLine out;
  out.query = columns[0];
  out.document = columns[columns.size() - 2];
  if (out.query.empty()) return Fail(InvalidArgument("query", "must not be empty"));
  if (out.document.empty()) return Fail(InvalidArgument("document", "must not be empty"));
  const auto grade = columns.back();
  const auto [at, error] = std::from_chars(grade.data(), grade.data() + grade.size(), out.grade);
  if (error != std::errc() || at != grade.data() + grade.size() || out.grade > kGradeMax) {
    return Fail(
        InvalidArgument("grade", "expected a whole number up to " + std::to_string(kGradeMax)));
  }
  return out;
}

Result<Judgements> ReadJudgements(const std::string& path) {
  STRATA_TRY(auto reader, LineReader::Open(path));
  Judgements judgements;
  std::string line;
  for (;;) {
    STRATA_TRY(const bool more, reader.Next(line, kLineBytesMax));
    if (!more) break;
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    auto parsed = ParseJudgementLine(line);
    if (!parsed.has_value()) {
      const bool heading = reader.number() == 1 && parsed.error().field() == "grade" &&
                           line.find_last_of("0123456789") != line.size() - 1;
      if (heading) continue;
      return Fail(
          std::move(parsed.error()).Because(path + " line " + std::to_string(reader.number())));
    }
    judgements[parsed->query][parsed->document] = parsed->grade;
  }
  std::erase_if(judgements, [](const auto& entry) { return !HasRelevant(entry.second); });
  if (judgements.empty()) {
    return Fail(InvalidArgument("qrels", path + " says of no document that it is relevant"));
  }
  return judgements;
}

RankFigures JudgeRanking(std::span<const std::string> ranking, const Grades& grades) {
  double relevant = 0;
  for (const auto& [document, grade] : grades) relevant += grade > 0 ? 1 : 0;
  double gain = 0;
  double first = 0;
  double precisions = 0;  // at each relevant one of the context
  std::array<double, 3> found{};
  constexpr std::array<std::size_t, 3> kDepths = {5, 10, 100};
  for (std::size_t i = 0; i < std::min(ranking.size(), kDepths.back()); ++i) {
    const auto grade = grades.find(ranking[i]);
    if (grade == grades.end() || grade->second <= 0) continue;
    if (i < kGainDepth) gain += Gain(grade->second, i);
    if (i < kGainDepth && first == 0) first = 1 / (static_cast<double>(i) + 1);
    for (std::size_t k = 0; k < kDepths.size(); ++k) found[k] += i < kDepths[k] ? 1 : 0;
    if (i < kDepths[0]) precisions += found[0] / (static_cast<double>(i) + 1);
  }
  return {gain / BestGain(grades),
          found[0] / relevant,
          found[1] / relevant,
          found[2] / relevant,
          first,
          found[0] > 0 ? precisions / found[0] : 0};
}

}  // namespace strata::knowledge
