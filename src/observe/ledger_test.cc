#include "observe/ledger.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/log.h"
#include "base/run_task.h"
#include "observe/drain.h"
#include "observe/ledger_rows.h"
#include "observe/tag_costs.h"
#include "store/sqlite.h"
#include "store/testing.h"

namespace strata::observe {
namespace {

using store::CallRow;
using store::CallStatus;
using store::TempFolder;

CallRow Row(const std::string& id, std::uint32_t call = 0) {
  CallRow row;
  row.intent.request_id = {id};
  row.intent.call_number = call;
  row.intent.time = FromUnixMicros(1'700'000'000'000'000);
  row.intent.workspace = {"default"};
  row.intent.key = {"key_1"};
  row.intent.model = "m1";
  row.outcome.status = CallStatus::kOk;
  row.outcome.usage = {.input_tokens = 10, .output_tokens = 5};
  row.outcome.cost = domain::Money{1'000'000'000};
  return row;
}

std::unique_ptr<Ledger> OpenLedger(const std::string& path) {
  auto ledger = Ledger::Open(path);
  EXPECT_TRUE(ledger.has_value()) << ledger.error().message();
  return std::move(*ledger);
}

TEST(Ledger, KeepsEveryFieldOfACall) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  auto row = Row("r");
  row.intent.tags = {{"team", "bl\"ue"}};
  row.intent.kb = "kb";
  row.outcome.error_code = "unavailable";
  row.outcome.status = CallStatus::kError;
  row.outcome.usage = {1, 2, 3, 4, 5, true};
  row.outcome.price_date = "2026-11-01";
  row.outcome.latency_ms = 9;
  row.outcome.ttft_ms = 8;
  row.outcome.decided_by = {"r", "g", "p", "c", "i"};
  ASSERT_EQ(*ledger->Append(std::vector{row}), 1);
  auto rows = ledger->OfRequestBlocking({"r"});
  ASSERT_TRUE(rows.has_value() && rows->size() == 1U);
  EXPECT_EQ(EncodeFinal(rows->front().call), EncodeFinal(row));
  EXPECT_EQ(rows->front().sequence, 1);
  EXPECT_EQ(rows->front().hash.size(), 64U);
}

TEST(Ledger, TheSameCallTwiceIsOneRow) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  EXPECT_EQ(*ledger->Append(std::vector{Row("a"), Row("a"), Row("a", 1)}), 2);
  auto changed = Row("a");
  changed.outcome.cost = domain::Money{7};
  EXPECT_EQ(*ledger->Append(std::vector{changed, Row("b")}), 1);
  EXPECT_EQ(ledger->OfRequestBlocking({"a"})->front().call.outcome.cost,
            domain::Money{1'000'000'000});
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 3);
}

TEST(Ledger, AnotherCallOfATakenNumberIsWarnedOf) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  std::vector<std::string> lines;
  SetLogSink([&](Level level, std::string_view event, std::string_view line) {
    EXPECT_EQ(level, Level::kWarning);
    EXPECT_EQ(event, "observe.ledger.number_taken");
    lines.emplace_back(line);
  });
  auto tagged = Row("a");
  tagged.intent.trace_id = "a";
  tagged.intent.tags = {{"team", "blue"}};
  tagged.outcome.ttft_ms = 8;
  EXPECT_EQ(*ledger->Append(std::vector{tagged, Row("b")}), 2);
  EXPECT_EQ(*ledger->Append(std::vector{Row("b"), tagged}), 0);
  EXPECT_EQ(lines.size(), 0U) << "the journal may bring rows again";
  EXPECT_EQ(ledger->rows_lost(), 0U);
  auto other = Row("a");
  other.intent.model = "m2";
  EXPECT_EQ(*ledger->Append(std::vector{other, Row("c")}), 1);
  SetLogSink(nullptr);
  EXPECT_EQ(ledger->rows_lost(), 1U);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("\"model\":\"m2\""), std::string::npos) << lines[0];
}

TEST(Ledger, AChangedRemovedOrInsertedRowBreaksTheChain) {
  TempFolder folder;
  auto tampered = [&](const std::string& sql) {
    auto path = folder / "l.db";
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    {
      EXPECT_TRUE(OpenLedger(path)->Append(std::vector{Row("a"), Row("b"), Row("c")}));
    }
    auto db = store::Database::Open(path);
    EXPECT_TRUE(
        (*db)->Execute("DROP TRIGGER call_rows_keep; DROP TRIGGER call_rows_stay; "
                       "DROP TRIGGER call_facts_keep"));
    auto done = (*db)->Execute(sql);
    EXPECT_TRUE(done.has_value()) << done.error().message();
    return OpenLedger(path)->VerifyBlocking();
  };
  EXPECT_EQ(tampered("SELECT 1")->rows, 3);
  for (const char* sql :
       {"UPDATE call_rows SET cost_picousd = 1 WHERE sequence = 2",
        "DELETE FROM call_rows WHERE sequence = 1", "DELETE FROM call_rows WHERE sequence = 2",
        "UPDATE call_rows SET cost_picousd = NULL WHERE sequence = 3",
        "UPDATE call_facts SET workspace = workspace || key, key = ''"}) {
    auto report = tampered(sql);
    ASSERT_FALSE(report.has_value()) << sql;
    EXPECT_EQ(report.error().code(), Code::kCorruption);
  }
  auto report = tampered("UPDATE call_rows SET cost_picousd = 1 WHERE sequence = 2");
  EXPECT_NE(report.error().message().find("row 2"), std::string::npos);
}

TEST(Ledger, RowsCannotBeChangedOrRemovedBySlip) {
  TempFolder folder;
  {
    ASSERT_TRUE(OpenLedger(folder / "l.db")->Append(std::vector{Row("a")}));
  }
  auto db = store::Database::Open(folder / "l.db");
  EXPECT_FALSE((*db)->Run("UPDATE calls SET kb = 'x'").has_value());
  EXPECT_FALSE((*db)->Run("DELETE FROM calls").has_value());
  for (const char* table : {"call_rows", "call_facts"}) {
    EXPECT_FALSE((*db)->Run(fmt::format("UPDATE {} SET facts = 7", table)).has_value()) << table;
    EXPECT_FALSE((*db)->Run(fmt::format("DELETE FROM {}", table)).has_value()) << table;
  }
}

TEST(Ledger, WhatCallsHaveInCommonIsWrittenOnce) {
  TempFolder folder;
  auto other = Row("c");
  other.intent.model = "m2";
  auto again = Row("d");
  again.intent.trace_id = "d";
  again.intent.tags = {{"team", "blue"}};
  {
    auto ledger = OpenLedger(folder / "l.db");
    ASSERT_EQ(*ledger->Append(std::vector{Row("a"), Row("b"), other}), 3);
  }
  auto ledger = OpenLedger(folder / "l.db");  // what it has written is found again
  ASSERT_EQ(*ledger->Append(std::vector{again}), 1);
  EXPECT_EQ(EncodeFinal(ledger->OfRequestBlocking({"d"})->front().call), EncodeFinal(again));
  EXPECT_EQ(ledger->OfRequestBlocking({"c"})->front().call.intent.model, "m2");
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 4);
  auto db = store::Database::Open(folder / "l.db", {.mode = store::OpenMode::kReadOnly});
  EXPECT_EQ(*(*db)->Integer("SELECT count(*) FROM call_facts"), 2);
}

TEST(Ledger, FactsOfATransactionThatWasTakenBackAreWrittenAgain) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  auto db = store::Database::Open(folder / "l.db");
  ASSERT_TRUE(
      (*db)->Execute("CREATE TRIGGER full BEFORE INSERT ON call_rows WHEN "
                     "new.request_id = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END"));
  EXPECT_FALSE(ledger->Append(std::vector{Row("a"), Row("b")}).has_value());
  ASSERT_TRUE((*db)->Execute("DROP TRIGGER full"));
  EXPECT_EQ(*ledger->Append(std::vector{Row("a"), Row("b")}), 2);
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 2);
}

TEST(Ledger, CostIsGroupedAndUnknownPricesAreCountedBesideTheSum) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  std::vector<CallRow> rows;
  for (std::uint32_t i = 0; i < 6; ++i) {
    auto row = Row("r", i);
    row.intent.model = i < 4 ? "dear" : "un,known";
    row.intent.tags = {{"te\"am", i % 2 == 0 ? "blue" : "red"}};
    if (i < 2) row.intent.tags["task"] = "sum";
    row.intent.time = FromUnixMicros((1'700'000'000 + i * 86'400LL) * 1'000'000);
    row.intent.workspace = {i == 5 ? "other" : "default"};
    if (i == 3 || i >= 4) row.outcome.cost = std::nullopt;
    rows.push_back(row);
  }
  ASSERT_TRUE(ledger->Append(rows));

  auto by_model = RunTask(ledger->Cost({.by = CostQuery::By::kModel}));
  ASSERT_TRUE(by_model.has_value()) << by_model.error().message();
  ASSERT_EQ(by_model->size(), 2U);
  EXPECT_EQ((*by_model)[0].group, "dear");
  EXPECT_EQ((*by_model)[0].calls, 4);
  EXPECT_EQ((*by_model)[0].unpriced_calls, 1);
  EXPECT_EQ((*by_model)[0].cost, domain::Money{3'000'000'000});
  EXPECT_EQ((*by_model)[0].input_tokens, 40);
  EXPECT_EQ((*by_model)[1].unpriced_calls, 2);

  auto by_tag = ledger->CostBlocking({.by = CostQuery::By::kTag, .tag = "te\"am"});
  ASSERT_EQ(by_tag->size(), 2U);
  EXPECT_EQ((*by_tag)[0].group, "blue");
  EXPECT_EQ(ledger->CostBlocking({.by = CostQuery::By::kDay})->size(), 6U);
  auto every_tag = ledger->CostBlocking({.by = CostQuery::By::kTag});
  ASSERT_TRUE(every_tag.has_value()) << every_tag.error().message();
  std::map<std::string, std::int64_t> calls;
  for (const auto& line : *every_tag) calls[line.group] = line.calls;
  EXPECT_EQ(calls, (std::map<std::string, std::int64_t>{
                       {"te\"am=blue", 3}, {"te\"am=red", 3}, {"task=sum", 2}}));
  EXPECT_EQ(TagCostTable(*every_tag).find("total"), std::string::npos);
  auto filtered = ledger->CostBlocking({.by = CostQuery::By::kKey,
                                        .workspace = WorkspaceId{"default"},
                                        .from = rows[1].intent.time,
                                        .until = rows[4].intent.time});
  ASSERT_EQ(filtered->size(), 1U);
  EXPECT_EQ(filtered->front().calls, 3);
  auto tag_filtered = ledger->CostBlocking(
      {.by = CostQuery::By::kTag, .tag = "te\"am", .workspace = WorkspaceId{"other"}});
  ASSERT_EQ(tag_filtered->size(), 1U);
  EXPECT_EQ(tag_filtered->front().group, "red");

  EXPECT_EQ(CostCsv(*by_model),
            "group,calls,unpriced_calls,input_tokens,output_tokens,cache_read_tokens,"
            "cache_write_tokens,cost_usd,estimated_calls,estimated_usd\r\n"
            "dear,4,1,40,20,0,0,0.003,0,0.00\r\n"
            "\"un,known\",2,2,20,10,0,0,unknown,0,0.00\r\n");
  auto table = CostTable(*by_model);
  EXPECT_EQ(table.find("estimated"), std::string::npos) << table;
  EXPECT_NE(table.find("0.003 + 1 unpriced"), std::string::npos) << table;
  EXPECT_NE(table.find("unknown"), std::string::npos);
  EXPECT_NE(table.find("total"), std::string::npos);
  auto spent = RunTask(ledger->SpentByDay(rows[1].intent.time, rows[3].intent.time));
  ASSERT_EQ(spent->size(), 2U) << "a line a day";
  EXPECT_EQ((*spent)[0].key.value, "key_1");
  EXPECT_EQ((*spent)[0].spent, domain::Money{1'000'000'000});
}

TEST(Ledger, WhatOfACostIsEstimatedIsSaid) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  auto counted = Row("a");
  auto killed = store::InterruptedRow(Row("b").intent);
  killed.outcome.cost = domain::Money{2'000'000'000};
  auto unpriced = store::InterruptedRow(Row("c").intent);
  auto other = Row("d");
  other.intent.model = "m2";
  ASSERT_TRUE(ledger->Append(std::vector{counted, killed, unpriced, other}));
  auto lines = *ledger->CostBlocking({.by = CostQuery::By::kModel});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].estimated_calls, 2);
  EXPECT_EQ(lines[0].estimated, domain::Money{2'000'000'000});
  EXPECT_EQ(lines[1].estimated_calls, 0);
  auto table = CostTable(lines);
  EXPECT_NE(table.find("  0.003 + 1 unpriced (0.002 of it estimated, 2 calls)\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("  0.004 + 1 unpriced (0.002 of it estimated, 2 calls)\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("\nestimated: no provider counted"), std::string::npos) << table;
  EXPECT_NE(CostCsv(lines).find("\r\nm1,3,1,10,5,0,0,0.003,2,0.002\r\n"), std::string::npos)
      << CostCsv(lines);
}

// Of a provider that reports nonsense: the other costs are still answered.
TEST(Ledger, SumsThatDoNotFitStopWhereTheNumberEnds) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  std::vector<store::CallRow> rows;
  for (const auto* id : {"a", "b", "c"}) {
    rows.push_back(Row(id));
    rows.back().outcome.cost = domain::Money{std::numeric_limits<std::int64_t>::max() / 2};
    rows.back().outcome.usage.input_tokens = std::numeric_limits<std::int64_t>::max() / 2;
  }
  ASSERT_TRUE(ledger->Append(rows));
  auto lines = ledger->CostBlocking({.by = CostQuery::By::kModel});
  ASSERT_TRUE(lines.has_value()) << lines.error().message();
  EXPECT_GT(lines->front().cost.picousd, std::numeric_limits<std::int64_t>::max() / 10 * 9);
  EXPECT_GT(lines->front().input_tokens, std::numeric_limits<std::int64_t>::max() / 10 * 9);
  auto spent =
      RunTask(ledger->SpentByDay(WallTime(), SystemClock().Wall() + std::chrono::hours(1)));
  ASSERT_TRUE(spent.has_value()) << spent.error().message();
  EXPECT_GT(spent->front().spent.picousd, 0);
}

TEST(Ledger, AnEstimateOfUnknownPriceIsUnknown) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  ASSERT_TRUE(ledger->Append(std::vector{store::InterruptedRow(Row("a").intent)}));
  const auto lines = *ledger->CostBlocking({.by = CostQuery::By::kModel});
  EXPECT_NE(CostTable(lines).find("  unknown (1 estimated)\n"), std::string::npos)
      << CostTable(lines);
  EXPECT_NE(CostCsv(lines).find(",unknown,1,unknown\r\n"), std::string::npos) << CostCsv(lines);
}

TEST(Ledger, CostIsUtf8WhateverWasStored) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  auto row = Row("a");
  row.intent.model = "m\xff";
  ASSERT_EQ(*ledger->Append(std::vector{row}), 1);
  auto lines = RunTask(ledger->Cost({.by = CostQuery::By::kModel}));
  ASSERT_TRUE(lines.has_value() && lines->size() == 1U);
  EXPECT_EQ(lines->front().group, "m\ufffd");
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 1);
}

TEST(Ledger, ASavingHasAnInterval) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  std::vector<CallRow> rows;
  for (int i = 0; i < 100; ++i) {
    auto row = Row("r" + std::to_string(i));
    row.intent.tags = {{"task", i < 20 ? "math" : "code"}};
    // Every second request at a fifth of the strong one's price, which is always 1,000.
    row.outcome.cost = domain::Money{i % 2 == 0 ? 1000 : 200};
    row.outcome.always_strong = domain::Money{1000};
    row.outcome.decided_by.router = "router/mix:1";
    rows.push_back(row);
  }
  ASSERT_EQ(*ledger->Append(rows), 100);
  auto lines = *ledger->CostBlocking({.by = CostQuery::By::kRouter});
  // Costs of mean 600 and standard deviation 402: 1.96 · 402 / √100 / 1000.
  EXPECT_NEAR(*lines.at(0).compared->saving_error, 0.0788, 0.0002);
  EXPECT_NE(CostTable(lines).find("40.0 % (32.1 to 47.9)"), std::string::npos) << CostTable(lines);
  auto by_task = *ledger->CostBlocking({.by = CostQuery::By::kTag, .tag = "task"});
  ASSERT_EQ(by_task.size(), 2U);
  EXPECT_EQ(by_task[0].group, "code");
  EXPECT_EQ(by_task[0].compared->requests, 80);
  EXPECT_TRUE(by_task[0].compared->saving_error.has_value());
  EXPECT_EQ(by_task[1].compared->requests, 20);
  EXPECT_FALSE(by_task[1].compared->saving_error.has_value());
}

TEST(Ledger, RoutersAreComparedWithTheirStrongestAndCheapestModel) {
  TempFolder folder;
  auto ledger = OpenLedger(folder / "l.db");
  auto routed = [](const std::string& id, std::uint32_t call, std::int64_t cost) {
    auto row = Row(id, call);
    row.outcome.cost = domain::Money{cost};
    row.outcome.decided_by.router = "router/mix:1";
    return row;
  };
  auto asked = routed("a", 0, 100);
  asked.intent.role = "ask";
  asked.outcome.always_strong = domain::Money{5000};  // the escalation knows better
  auto escalated = routed("a", 1000, 900);
  escalated.outcome.always_strong = domain::Money{900};
  escalated.outcome.always_cheap = domain::Money{90};
  auto direct = routed("b", 0, 100);
  direct.outcome.always_strong = domain::Money{1100};
  direct.outcome.always_cheap = domain::Money{100};
  auto named = Row("c");
  named.outcome.decided_by.router = "direct/1";
  ASSERT_EQ(*ledger->Append(std::vector{asked, escalated, direct, named}), 4);
  auto lines = *ledger->CostBlocking({.by = CostQuery::By::kRouter});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].group, "direct/1");
  EXPECT_FALSE(lines[0].compared.has_value());
  ASSERT_TRUE(lines[1].compared.has_value());
  EXPECT_EQ(lines[1].compared->requests, 2);
  EXPECT_EQ(lines[1].compared->spent, domain::Money{1100});
  EXPECT_EQ(lines[1].compared->strong, domain::Money{2000});
  EXPECT_EQ(lines[1].compared->cheap, domain::Money{190});
  EXPECT_NE(CostTable(lines).find("45.0 %"), std::string::npos);
  EXPECT_FALSE(lines[1].compared->saving_error.has_value()) << "two requests say nothing of others";
  auto by_key = *ledger->CostBlocking({.by = CostQuery::By::kKey});
  ASSERT_EQ(by_key.size(), 1U);
  EXPECT_EQ(by_key[0].compared->requests, 2) << "of its three";
  EXPECT_FALSE(ledger->CostBlocking({.by = CostQuery::By::kModel})->at(0).compared.has_value())
      << "a cascade's calls are of several models";
  EXPECT_TRUE(ledger->VerifyBlocking().has_value());
  auto rows = ledger->OfRequestBlocking({"a"});
  EXPECT_EQ(EncodeFinal(rows->front().call), EncodeFinal(asked));
}

TEST(Ledger, NamesOfCostGroupsAreChecked) {
  EXPECT_EQ(*ParseCostBy("kb"), CostQuery::By::kKb);
  auto refused = ParseCostBy("colour");
  EXPECT_EQ(refused.error().field(), "by");
  EXPECT_NE(refused.error().message().find("workspace"), std::string::npos);
}

TEST(Ledger, TheJournalDrainsIntoIt) {
  TempFolder folder;
  OptionTable table = store::Journal::JournalOptionTable();
  auto options = Options::Build(std::span(&table, 1), {});
  auto dir = store::DataDir::Open(folder / "d");
  ASSERT_TRUE(dir.has_value());
  {
    auto books = OpenAccounting(*dir, *options);
    ASSERT_TRUE(books.has_value()) << books.error().message();
    auto call = books->journal->Begin(Row("a").intent);
    call->outcome() = Row("a").outcome;
    ASSERT_TRUE(call->Finish(CallStatus::kOk));
    ASSERT_TRUE(books->journal->Flush());
    EXPECT_EQ(books->ledger->OfRequestBlocking({"a"})->size(), 1U);
    ASSERT_TRUE(books->journal->Begin(Row("b").intent)->Finish(CallStatus::kBlocked));
  }
  auto ledger = OpenLedger(dir->ledger_db());
  EXPECT_EQ(ledger->OfRequestBlocking({"b"})->front().call.outcome.status, CallStatus::kBlocked);
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 2);
}

// Computed apart from this code, after the description of LedgerHash.
constexpr std::string_view kFirstHash =
    "efe989a98457e089f4e0cbb5167015496d909d189509a9c56a8bfc91861650ec";

// The first released schema, as its file was written then.
TEST(Ledger, AFileOfTheFirstSchemaOpensAndItsChainHolds) {
  TempFolder folder;
  auto path = folder / "l.db";
  {
    auto db = store::Database::Open(path);
    ASSERT_TRUE((*db)->Execute(
        "CREATE TABLE calls(sequence INTEGER PRIMARY KEY, request_id TEXT NOT NULL, call_number "
        "INTEGER NOT NULL, time INTEGER NOT NULL, workspace TEXT NOT NULL, key TEXT NOT NULL, "
        "trace_id TEXT NOT NULL, tags TEXT NOT NULL, dialect TEXT NOT NULL, operation TEXT NOT "
        "NULL, route TEXT NOT NULL, model_asked TEXT NOT NULL, model TEXT NOT NULL, provider TEXT "
        "NOT NULL, kb TEXT NOT NULL, status TEXT NOT NULL, error_code TEXT NOT NULL, "
        "model_answered TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT "
        "NULL, cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, "
        "reasoning_tokens INTEGER NOT NULL, usage_estimated INTEGER NOT NULL, cost_picousd "
        "INTEGER, price_date TEXT NOT NULL, latency_ms INTEGER NOT NULL, ttft_ms INTEGER, "
        "router_version TEXT NOT NULL, guardrail_version TEXT NOT NULL, prompt_version TEXT NOT "
        "NULL, catalog_version TEXT NOT NULL, index_version TEXT NOT NULL, hash BLOB NOT NULL, "
        "UNIQUE(request_id, call_number)) STRICT; PRAGMA user_version = 1; "
        "INSERT INTO calls VALUES(1,'r',0,1700000000000000,'default','key_1','','{}','','','','',"
        "'m1','','','ok','','',10,5,0,0,0,0,1000000000,'',0,NULL,'','','','','',"
        "x'" +
        std::string(kFirstHash) + "')"));
  }
  auto ledger = OpenLedger(path);
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 1);
  EXPECT_EQ(EncodeFinal(ledger->OfRequestBlocking({"r"})->front().call), EncodeFinal(Row("r")));
  EXPECT_EQ(*ledger->Append(std::vector{Row("r"), Row("s")}), 1);
  EXPECT_EQ(ledger->VerifyBlocking()->rows, 2);
}

}  // namespace
}  // namespace strata::observe
