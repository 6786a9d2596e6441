#include "knowledge/eval_history.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <string_view>
#include <utility>

#include "base/pool.h"
#include "learn/sign_flips.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

constexpr learn::BootstrapOptions kBootstrap = {.resamples = 2000, .level = 0.95, .seed = 1};
constexpr std::string_view kColumns = "at, depth, filter, index_version, queries, figures, change";

// What is read back was written here: boost's exceptions are damage of the file.
template <class F>
auto Reading(F read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const std::exception& e) {
    return Fail(Code::kCorruption, fmt::format("meta.db: kb_evaluations: {}", e.what()));
  }
}

// A figure that a newer strata added is passed over; one that an older did not have is 0.
json::object FiguresJson(const RankFigures& figures) {
  json::object out;
  for (std::size_t f = 0; f < kRankFigures; ++f) out[kRankFigureNames[f]] = figures[f];
  return out;
}

RankFigures FiguresOf(const json::object& tree) {
  RankFigures figures{};
  for (std::size_t f = 0; f < kRankFigures; ++f) {
    if (const auto* value = tree.if_contains(kRankFigureNames[f])) {
      figures[f] = value->to_number<double>();
    }
  }
  return figures;
}

std::string ChangeText(const std::optional<EvalChange>& change) {
  if (!change) return {};
  json::object difference;
  for (std::size_t f = 0; f < kRankFigures; ++f) {
    const auto& d = change->difference[f];
    difference[kRankFigureNames[f]] = {d.estimate, d.low, d.high};
  }
  return json::serialize(json::object{{"before", ToUnixMicros(change->before)},
                                      {"paired", change->paired},
                                      {"p", change->p},
                                      {"difference", std::move(difference)}});
}

std::optional<EvalChange> ChangeOf(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto tree = json::parse(text).as_object();
  EvalChange change;
  change.before = FromUnixMicros(tree.at("before").to_number<std::int64_t>());
  change.paired = tree.at("paired").to_number<std::int64_t>();
  change.p = tree.at("p").to_number<double>();
  const auto& difference = tree.at("difference").as_object();
  for (std::size_t f = 0; f < kRankFigures; ++f) {
    const auto* values = difference.if_contains(kRankFigureNames[f]);
    if (!values) continue;
    const auto& d = values->as_array();
    change.difference[f] = {.estimate = d.at(0).to_number<double>(),
                            .low = d.at(1).to_number<double>(),
                            .high = d.at(2).to_number<double>()};
  }
  return change;
}

// [[id, hash, {figures}], …]
std::string RowsText(const std::vector<EvaluatedQuery>& rows) {
  json::array out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back({row.id, row.asked, FiguresJson(row.figures)});
  return json::serialize(out);
}

std::vector<EvaluatedQuery> RowsOf(std::string_view text) {
  std::vector<EvaluatedQuery> rows;
  for (const auto& item : json::parse(text).as_array()) {
    const auto& row = item.as_array();
    rows.push_back({.id = json::value_to<std::string>(row.at(0)),
                    .asked = row.at(1).to_number<std::uint64_t>(),
                    .figures = FiguresOf(row.at(2).as_object())});
  }
  return rows;
}

Result<KeptEvaluation> EvaluationOf(const store::Statement& row) {
  KeptEvaluation kept;
  kept.at = FromUnixMicros(row.Integer(0));
  kept.depth = static_cast<int>(row.Integer(1));
  kept.filter = row.Text(2);
  kept.index_version = row.Text(3);
  kept.queries = row.Integer(4);
  STRATA_CHECK_OK(Reading([&] {
    kept.figures = FiguresOf(json::parse(row.Text(5)).as_object());
    kept.change = ChangeOf(row.Text(6));
    return true;
  }));
  return kept;
}

// One that may be compared with.
struct Earlier {
  WallTime at;
  std::vector<EvaluatedQuery> rows;
};

// Newest first.
Result<std::vector<Earlier>> EarlierOf(store::Database& db, const std::string& kb_id, int depth,
                                       const std::string& filter) {
  STRATA_TRY(auto row, db.Prepare("SELECT at, query_figures FROM kb_evaluations WHERE "
                                  "knowledge_base_id = ? AND depth = ? AND filter = ? AND "
                                  "query_figures <> '' ORDER BY at DESC"));
  row.Bind(1, kb_id).Bind(2, depth).Bind(3, filter);
  std::vector<Earlier> out;
  for (;;) {
    STRATA_TRY(const bool more, row.Step());
    if (!more) return out;
    Earlier earlier{.at = FromUnixMicros(row.Integer(0)), .rows = {}};
    STRATA_TRY(earlier.rows, Reading([&] { return RowsOf(row.Text(1)); }));
    out.push_back(std::move(earlier));
  }
}

EvalChange Compare(const Earlier& earlier, const std::vector<EvaluatedQuery>& rows) {
  using Asked = std::pair<std::string_view, std::uint64_t>;
  std::map<Asked, const RankFigures*> known;
  for (const auto& row : earlier.rows) known.emplace(Asked(row.id, row.asked), &row.figures);
  std::array<std::vector<double>, kRankFigures> differences;
  for (const auto& row : rows) {
    const auto at = known.find(Asked(row.id, row.asked));
    if (at == known.end()) continue;
    for (std::size_t f = 0; f < kRankFigures; ++f) {
      differences[f].push_back(row.figures[f] - (*at->second)[f]);
    }
  }
  EvalChange change;
  change.before = earlier.at;
  change.paired = static_cast<std::int64_t>(differences[0].size());
  const std::vector<double> ones(differences[0].size(), 1);
  for (std::size_t f = 0; change.paired > 0 && f < kRankFigures; ++f) {
    change.difference[f] = learn::PairedRatio(differences[f], ones, kBootstrap);
  }
  change.p = learn::SignFlipPValue(differences[0]);
  return change;
}

Result<> Insert(store::Database& db, const std::string& kb_id, const KeptEvaluation& kept,
                const std::string& rows) {
  const auto at = ToUnixMicros(kept.at);
  STRATA_CHECK_OK(db.Run("INSERT OR REPLACE INTO kb_evaluations VALUES (?,?,?,?,?,?,?,?,?)", kb_id,
                         at, kept.depth, kept.filter, kept.index_version, kept.queries,
                         json::serialize(FiguresJson(kept.figures)), ChangeText(kept.change),
                         rows));
  STRATA_CHECK_OK(
      db.Run("UPDATE kb_evaluations SET query_figures = '' WHERE knowledge_base_id = ?1 AND "
             "query_figures <> '' AND at NOT IN (SELECT at FROM kb_evaluations WHERE "
             "knowledge_base_id = ?1 ORDER BY at DESC LIMIT ?2)",
             kb_id, EvalHistory::kWithQueries));
  return db.Run(
      "DELETE FROM kb_evaluations WHERE knowledge_base_id = ?1 AND at NOT IN (SELECT at FROM "
      "kb_evaluations WHERE knowledge_base_id = ?1 ORDER BY at DESC LIMIT ?2)",
      kb_id, EvalHistory::kKept);
}

}  // namespace

Task<Result<KeptEvaluation>> EvalHistory::Keep(std::string kb_id, std::string filter,
                                               EvalReport report, Pool& pool) {
  KeptEvaluation kept;
  kept.at = clock_.Wall();
  kept.depth = report.depth;
  kept.filter = std::move(filter);
  kept.index_version = std::move(report.index_version);
  kept.queries = report.queries;
  for (std::size_t f = 0; f < kRankFigures; ++f) {
    kept.figures[f] = report.variants.at(0).figures[f].estimate;
  }
  auto read = [&](store::Database& db) { return EarlierOf(db, kb_id, kept.depth, kept.filter); };
  STRATA_CO_TRY(const auto earlier, co_await meta_.Read(std::move(read)));
  auto compare = [&]() -> Result<std::string> {
    for (const auto& one : earlier) {
      auto change = Compare(one, report.rows);
      if (change.paired == 0) continue;
      kept.change = change;
      break;
    }
    return RowsText(report.rows);
  };
  STRATA_CO_TRY(const auto rows, co_await RunBlocking(pool, std::move(compare)));
  auto write = [&](store::Database& db) { return Insert(db, kb_id, kept, rows); };
  STRATA_CO_CHECK_OK(co_await meta_.Write(std::move(write)));
  co_return kept;
}

Task<Result<std::vector<KeptEvaluation>>> EvalHistory::List(std::string kb_id) {
  auto read = [&](store::Database& db) -> Result<std::vector<KeptEvaluation>> {
    STRATA_TRY(auto row, db.Prepare(fmt::format("SELECT {} FROM kb_evaluations WHERE "
                                                "knowledge_base_id = ? ORDER BY at DESC",
                                                kColumns)));
    row.Bind(1, kb_id);
    std::vector<KeptEvaluation> out;
    for (;;) {
      STRATA_TRY(const bool more, row.Step());
      if (!more) return out;
      STRATA_TRY(auto kept, EvaluationOf(row));
      out.push_back(std::move(kept));
    }
  };
  co_return co_await meta_.Read(std::move(read));
}

Result<std::vector<BaseStanding>> EvalHistory::StandingsBlocking() {
  return meta_.ReadBlocking([](store::Database& db) -> Result<std::vector<BaseStanding>> {
    STRATA_TRY(auto row,
               db.Prepare(fmt::format(
                   "SELECT {}, b.workspace, b.name FROM kb_evaluations e JOIN knowledge_bases b ON "
                   "b.id = e.knowledge_base_id WHERE at = (SELECT MAX(at) FROM kb_evaluations l "
                   "WHERE l.knowledge_base_id = e.knowledge_base_id) ORDER BY at DESC LIMIT ?",
                   kColumns)));
    row.Bind(1, kStandingsMax);
    std::vector<BaseStanding> out;
    for (;;) {
      STRATA_TRY(const bool more, row.Step());
      if (!more) return out;
      STRATA_TRY(auto newest, EvaluationOf(row));
      BaseStanding standing{
          .workspace = {}, .base = std::string(row.Text(8)), .newest = std::move(newest)};
      standing.workspace.value = row.Text(7);
      out.push_back(std::move(standing));
    }
  });
}

}  // namespace strata::knowledge
