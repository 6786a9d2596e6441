// Nothing is found, reached, fetched or cited that its reader may not read: seeded tries of a
// random reader, question and filter over every path, while documents change their readers, come
// and go. Who may read what is worked out here anew, not by the product's code; and each path is
// run once more as if it forgot who asks, which must be noticed.

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <thread>

#include "base/rng.h"
#include "knowledge/base/kb_cache.h"
#include "knowledge/base/service_fixture.h"
#include "knowledge/retrieve/phrases.h"
#include "knowledge/retrieve_and_generate.h"
#include "provider/registry.h"

namespace strata::knowledge {
namespace {

constexpr std::uint64_t kSeed = 20261129;
constexpr int kPapers = 120;
constexpr int kTriesBetweenChanges = 500;
// A sanitizer looks for other faults than leaks, and needs ten times as long for each try.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRATA_FEWER_TRIES
#endif
#endif
#ifdef STRATA_FEWER_TRIES
constexpr std::size_t kTries = 10'000;
#else
constexpr std::size_t kTries = 100'000;
#endif

constexpr std::array<std::string_view, 12> kFirstNames = {"Mara",  "Ivo",  "Lena",  "Tarek",
                                                          "Ruth",  "Olaf", "Nadia", "Piet",
                                                          "Greta", "Hugo", "Selma", "Ben"};
constexpr std::array<std::string_view, 10> kLastNames = {"Keller", "Brandt", "Okafor", "Lindqvist",
                                                         "Moreau", "Tanaka", "Varga",  "Nunes",
                                                         "Haddad", "Roth"};
constexpr std::array<std::string_view, 8> kTopics = {"salaries",  "the merger", "a harbour",
                                                     "turbines",  "a lawsuit",  "vaccines",
                                                     "the audit", "layoffs"};
constexpr std::array<std::string_view, 3> kTeams = {"north", "south", "east"};
constexpr std::array<std::string_view, 9> kPrincipals = {
    "user:1", "user:2", "user:3", "user:4", "group:a", "group:b", "group:c", "group:d", "group:e"};

// What a document was given last.
struct Paper {
  AccessList access;
  LabelSet labels;
  std::string team;
  int year = 0;
  int version = 0;
  bool there = false;
};

// A filter, and what it means.
struct Condition {
  const char* filter;
  bool (*holds)(const Paper& paper);
};
constexpr Condition kConditions[] = {
    {"", [](const Paper&) { return true; }},
    {"", [](const Paper&) { return true; }},
    {"", [](const Paper&) { return true; }},
    {R"({"equals": {"key": "team", "value": "north"}})",
     [](const Paper& p) { return p.team == "north"; }},
    {R"({"notEquals": {"key": "team", "value": "south"}})",
     [](const Paper& p) { return p.team != "south"; }},
    {R"({"andAll": [{"in": {"key": "team", "value": ["north", "east"]}},
                    {"greaterThan": {"key": "year", "value": 2020}}]})",
     [](const Paper& p) { return p.team != "south" && p.year > 2020; }},
    {R"({"orAll": [{"equals": {"key": "year", "value": 2019}},
                   {"stringContains": {"key": "team", "value": "out"}}]})",
     [](const Paper& p) { return p.year == 2019 || p.team == "south"; }},
};

enum class Path : std::uint8_t {
  kWords,
  kPhrase,
  kVectors,
  kNames,
  kRetrieve,
  kChunk,
  kOriginal,
  kAccessCheck,
  kSpelling,
  kAnswer
};
struct PathShare {
  Path path;
  const char* name;
  int tries;      // of 100,000
  bool filtered;  // takes a filter
};
constexpr PathShare kPaths[] = {
    {Path::kWords, "words", 32'000, true},       {Path::kVectors, "vectors", 30'000, true},
    {Path::kPhrase, "phrase", 4'000, true},      {Path::kNames, "names", 15'000, true},
    {Path::kRetrieve, "retrieve", 5'000, true},  {Path::kChunk, "chunk", 6'000, false},
    {Path::kOriginal, "original", 2'000, false}, {Path::kAccessCheck, "access", 2'000, false},
    {Path::kSpelling, "spelling", 3'500, false}, {Path::kAnswer, "answer", 500, true},
};

struct Try {
  std::vector<std::string> principals;
  const Condition* condition = &kConditions[0];
  std::string question;
  std::uint64_t pick = 0;  // of what is fetched
};

// A version of a document, of which something came out.
struct Seen {
  int paper = 0;
  int version = 0;
};

struct Tally {
  int tries = 0;
  int seen = 0;
  int restricted = 0;  // of them, of documents that not everybody may read
  int leaks = 0;
  std::string first_leak;
};

bool Holds(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

// The rule of kb_types.h in other words.
bool MayBeReadBy(const AccessList& access, const std::vector<std::string>& reader) {
  if (access.allow.empty() && access.deny.empty()) return true;
  const auto denied = [&](const std::string& p) { return Holds(access.deny, p); };
  const auto allowed = [&](const std::string& p) { return Holds(access.allow, p); };
  if (reader.empty() || std::ranges::any_of(reader, denied)) return false;
  return access.allow.empty() || std::ranges::any_of(reader, allowed);
}

std::string NameOf(int paper) {
  const auto i = static_cast<std::size_t>(paper);
  return std::string(kFirstNames[i % kFirstNames.size()]) + " " +
         std::string(kLastNames[i / kFirstNames.size()]);
}

// The word that all of a version's sentences hold: "zq17v3".
std::string MarkOf(int paper, int version) {
  return "zq" + std::to_string(paper) + "v" + std::to_string(version);
}

// A word of plain letters that no other version has and that no stemmer changes.
std::string SecretOf(int paper, int version) {
  constexpr std::string_view kConsonants = "bcdfghjklmnpqrvz";
  Rng rng(static_cast<std::uint64_t>(paper) * 100'000 + static_cast<std::uint64_t>(version));
  std::string word;
  for (int i = 0; i < 9; ++i) word += kConsonants[rng.Below(kConsonants.size())];
  return word;
}

// All marks of a text.
std::vector<Seen> MarksIn(std::string_view text) {
  std::vector<Seen> marks;
  for (std::size_t at = 0; (at = text.find("zq", at)) != text.npos; ++at) {
    Seen seen;
    const char* end = text.data() + text.size();
    const auto paper = std::from_chars(text.data() + at + 2, end, seen.paper);
    if (paper.ec != std::errc() || paper.ptr == end || *paper.ptr != 'v') continue;
    if (std::from_chars(paper.ptr + 1, end, seen.version).ec != std::errc()) continue;
    marks.push_back(seen);
  }
  return marks;
}

class PermissionTrials : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    for (const auto& condition : kConditions) {
      filters_.push_back(*condition.filter == '\0' ? std::nullopt
                                                   : std::optional(*ParseFilter(condition.filter)));
    }
    annex_ = MakeBase("annex");
    base_ = MakeBase();
    CreateDataSourceInput input;
    input.name = "papers";
    input.recipe = ChunkRecipe{.strategy = ChunkStrategy::kFixedSize,
                               .tokens_target = 24,
                               .tokens_max = 48,
                               .overlap_percent = 0};
    source_ = Get(bases_->CreateSource(base_.id, std::move(input), ctx_));
    for (int paper = 0; paper < kPapers; ++paper) Give(paper);
    OpenCache();
    answerer_ =
        std::make_unique<Answerer>(std::make_shared<Extractor>(nullptr), models_, DefaultOptions());
    answers_ =
        std::make_unique<RetrieveAndGenerate>(*bases_, *answerer_, parser_, DefaultOptions());
    Refresh();
  }
  void TearDown() override {
    answers_.reset();
    cache_.reset();
    file_.reset();
    ServiceFixture::TearDown();
  }

  // The legs alone, beside the service's own: there nothing behind them hides what they let out.
  void OpenCache() {
    const auto path = data_.path() + "/kb-" + base_.id + ".db";
    auto file = OpenKbFile(path);
    ASSERT_TRUE(file.has_value()) << file.error().message();
    file_ = std::move(*file);
    // Names lie in files, in many small segments.
    KbCacheOptions options{
        .lexical_folder = data_.path() + "/trial.lex",
        .names = {.database = path, .folder = data_.path() + "/trial.names", .sealed_passages = 5},
        .vectors = {.database = path, .graph_file = data_.path() + "/trial.graph", .index = {}}};
    options.vectors.index.dimensions = static_cast<std::size_t>(base_.dimensions);
    auto cache = KbCache::Open(*file_, std::move(options), &background_);
    ASSERT_TRUE(cache.has_value()) << cache.error().message();
    cache_ = std::move(*cache);
    ASSERT_TRUE(cache_->CatchUp().has_value());
    // There is no trial of words before there are any.
    while (cache_->building_words()) std::this_thread::yield();
  }

  template <class List>
  auto& OneOf(const List& list) {
    return list[rng_.Below(list.size())];
  }
  std::vector<std::string> SomePrincipals(std::uint64_t at_most) {
    std::vector<std::string> out;
    for (auto count = rng_.Below(at_most + 1); count > 0; --count) {
      const std::string one(OneOf(kPrincipals));
      if (!Holds(out, one)) out.push_back(one);
    }
    return out;
  }

  // Writes a new version, with other readers, labels and metadata.
  void Give(int number) {
    auto& paper = papers_[static_cast<std::size_t>(number)];
    paper.access = {};
    if (rng_.Below(10) >= 3) paper.access.allow = SomePrincipals(3);
    if (rng_.Below(10) >= 7) paper.access.deny = SomePrincipals(2);
    paper.labels = {};
    if (rng_.Below(4) == 0) paper.labels.Add("label-" + std::to_string(rng_.Below(3)));
    paper.team = OneOf(kTeams);
    paper.year = 2018 + static_cast<int>(rng_.Below(6));
    paper.version += 1;
    paper.there = true;
    std::string text;
    for (int i = 0; i < 6; ++i) {
      text += NameOf(number) + " wrote to " + NameOf(static_cast<int>(rng_.Below(kPapers))) +
              " about " + std::string(OneOf(kTopics)) + " under the mark " +
              MarkOf(number, paper.version) + ". ";
    }
    const auto secret = SecretOf(number, paper.version);
    secrets_[secret] = {.paper = number, .version = paper.version};
    text += "The word of " + MarkOf(number, paper.version) + " is " + secret + ".";
    auto document = Document("paper-" + std::to_string(number), std::move(text));
    document.title = NameOf(number);
    document.access = paper.access;
    document.labels = paper.labels;
    document.metadata.text =
        R"({"team": ")" + paper.team + R"(", "year": )" + std::to_string(paper.year) + "}";
    ASSERT_EQ(Index(base_, source_, {std::move(document)}).indexed, 1);
  }

  void Change() {
    const int number = static_cast<int>(rng_.Below(kPapers));
    auto& paper = papers_[static_cast<std::size_t>(number)];
    if (paper.there && rng_.Below(4) == 0) {
      Get(bases_->DeleteDocuments(base_.id, source_.id, {"paper-" + std::to_string(number)}, ctx_));
      paper.there = false;
    } else {
      Give(number);
    }
    Refresh();
  }

  // Which row and which chunk id is whose. Ids of what is gone stay: they are tried too.
  void Refresh() {
    ASSERT_TRUE(cache_->CatchUp().has_value());
    rows_.clear();
    auto read = [&](store::Database& db) -> Result<> {
      STRATA_TRY(auto rows, db.Prepare("SELECT row, chunk_id, text FROM chunks"));
      for (;;) {
        STRATA_TRY(bool found, rows.Step());
        if (!found) return {};
        const auto marks = MarksIn(rows.Text(2));
        if (marks.empty()) return Fail(Code::kInternal, "a chunk without a mark");
        rows_[static_cast<std::uint64_t>(rows.Integer(0))] = marks.front();
        const std::string id(rows.Text(1));
        if (chunk_owner_.emplace(id, marks.front()).second) chunk_ids_.push_back(id);
      }
    };
    const auto done = file_->ReadBlocking(read);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }

  Try NextTry(bool filtered) {
    Try next;
    next.principals = SomePrincipals(4);
    if (filtered) next.condition = &OneOf(std::span(kConditions));
    const int paper = static_cast<int>(rng_.Below(kPapers));
    next.question = "What did " + NameOf(paper) + " write to " +
                    NameOf(static_cast<int>(rng_.Below(kPapers))) + " about " +
                    std::string(OneOf(kTopics)) + "?";
    // Somebody who knows what to look for.
    if (rng_.Below(3) == 0) {
      next.question += " " + MarkOf(paper, papers_[static_cast<std::size_t>(paper)].version);
    }
    // Words of every paper about it, in the order of all, which leads to a leg of its own.
    if (rng_.Below(4) == 0) next.question += " \"under the mark\"";
    next.pick = rng_.Next();
    return next;
  }

  const Filter* FilterOf(const Try& asked) const {
    const auto& filter = filters_[static_cast<std::size_t>(asked.condition - kConditions)];
    return filter ? &*filter : nullptr;
  }

  // --- What a path lets out.

  std::vector<Seen> OfRows(const std::vector<std::uint64_t>& rows) const {
    std::vector<Seen> out;
    for (const auto row : rows) {
      const auto found = rows_.find(row);
      out.push_back(found == rows_.end() ? Seen{.paper = 0, .version = -1} : found->second);
    }
    return out;
  }
  std::vector<Seen> OfHits(const Result<std::vector<LegHit>>& hits) const {
    EXPECT_TRUE(hits.has_value());
    std::vector<std::uint64_t> rows;
    for (const auto& hit : hits.value_or(std::vector<LegHit>())) rows.push_back(hit.row);
    return OfRows(rows);
  }
  // A letter of somebody's secret is missing: the correction would tell it.
  std::vector<Seen> OfSpelling(const Try& asked, const SearchScope& scope) const {
    const int number = static_cast<int>(asked.pick % kPapers);
    auto word = SecretOf(number, papers_[static_cast<std::size_t>(number)].version);
    word.erase(4, 1);
    const auto fixes = cache_->FixSpelling(asked.question + " " + word, scope);
    EXPECT_TRUE(fixes.has_value());
    std::vector<Seen> seen;
    for (const auto& fix : fixes.value_or(std::vector<SpellingFix>())) {
      const auto told = secrets_.find(fix.instead);
      if (told != secrets_.end()) seen.push_back(told->second);
    }
    return seen;
  }
  // The leg of quoted phrases: the names of two who may have written to each other.
  std::vector<Seen> OfPhrase(const Try& asked, const SearchScope& scope) {
    const auto phrase = NameOf(static_cast<int>(asked.pick % kPapers)) + " wrote to";
    const auto query = asked.question + " \"" + phrase + "\"";
    const auto phrases = QuotedPhrases(query);
    PhraseSearch search(*cache_, *file_, query, phrases);
    return OfHits(search.Find(20, scope, {}));
  }
  std::vector<Seen> OfNames(const Try& asked, const SearchScope& scope) const {
    // Seeds are what search found, for the same reader.
    const auto hits = cache_->SearchWords(asked.question, 20, scope);
    std::vector<graph::PassageShare> seeds;
    for (const auto& hit : *hits) seeds.push_back({.passage = hit.row, .share = hit.score});
    std::vector<std::uint64_t> rows;
    for (const auto& passage : cache_->WalkNames(asked.question, seeds, scope).passages) {
      rows.push_back(passage.passage);
    }
    return OfRows(rows);
  }

  // Text, place and labels: a document whose labels are lost counts as one that may not be seen.
  void AddChunk(const RetrievedChunk& chunk, std::vector<Seen>& seen) const {
    const auto marks = MarksIn(chunk.text);
    EXPECT_FALSE(marks.empty());
    for (auto mark : marks) {
      const auto& paper = papers_[static_cast<std::size_t>(mark.paper)];
      if (chunk.labels != paper.labels || chunk.uri != "paper-" + std::to_string(mark.paper)) {
        mark.version = -1;
      }
      seen.push_back(mark);
    }
  }

  // Documents that the trace names.
  void AddTraced(std::string_view field, std::vector<Seen>& seen) const {
    for (std::size_t at = 0; (at = field.find("\"paper-", at)) != field.npos; ++at) {
      int number = 0;
      std::from_chars(field.data() + at + 7, field.data() + field.size(), number);
      seen.push_back(
          {.paper = number, .version = papers_[static_cast<std::size_t>(number)].version});
    }
  }

  std::vector<Seen> Retrieve(const Try& asked, RequestContext& ctx) {
    constexpr std::array kModes = {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid};
    RetrieveRequest request;
    request.knowledge_base_id = base_.id;
    request.query = asked.question;
    request.results = 1 + static_cast<int>(asked.pick % 8);
    request.mode = kModes[asked.pick / 8 % kModes.size()];
    request.join = static_cast<int>(asked.pick / 24 % 3);
    if (asked.pick / 72 % 4 == 0) request.more_bases = {annex_.id};
    if (const auto* filter = FilterOf(asked)) request.filter = *filter;
    auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
    ctx.span = Span(trace, "trial");
    const auto found = Get(bases_->Retrieve(std::move(request), ctx));
    ctx.span = Span();
    std::vector<Seen> seen;
    for (const auto& chunk : found.results) AddChunk(chunk, seen);
    for (const auto& record : trace->TakeEnded()) {
      for (const auto& [key, value] : record.fields) {
        if (const auto* json = std::get_if<JsonText>(&value)) AddTraced(json->text, seen);
        if (const auto* text = std::get_if<std::string>(&value)) AddTraced(*text, seen);
      }
    }
    return seen;
  }

  std::vector<Seen> FetchChunk(const Try& asked, RequestContext& ctx) {
    const auto& id = chunk_ids_[asked.pick % chunk_ids_.size()];
    std::vector<Seen> seen;
    const auto chunk = Run(bases_->FetchChunk(base_.id, id, ctx));
    if (chunk.has_value()) AddChunk(*chunk, seen);
    return seen;
  }

  // A text has no pages, which only who may read it is told.
  std::vector<Seen> FetchOriginal(const Try& asked, RequestContext& ctx) {
    const int number = static_cast<int>(asked.pick % kPapers);
    const auto id = DocumentIdOf(source_.id, "paper-" + std::to_string(number));
    const auto original = Run(bases_->FetchOriginal(base_.id, id, ctx));
    EXPECT_FALSE(original.has_value());
    if (original.error().code() == Code::kNotFound) return {};
    return {{.paper = number, .version = papers_[static_cast<std::size_t>(number)].version}};
  }

  std::vector<Seen> CheckAccess(const Try& asked, RequestContext& ctx) {
    const int number = static_cast<int>(asked.pick % kPapers);
    const auto& paper = papers_[static_cast<std::size_t>(number)];
    const auto readable =
        Run(bases_->CheckAccess(base_.id, source_.id, "paper-" + std::to_string(number), ctx));
    EXPECT_EQ(readable.has_value(), paper.there);
    if (!readable.has_value() || !*readable) return {};
    return {{.paper = number, .version = paper.version}};
  }

  std::vector<Seen> Answer(const Try& asked, RequestContext& ctx) {
    RetrieveAndGenerateRequest request;
    request.question = asked.question;
    request.retrieve.knowledge_base_id = base_.id;
    if (const auto* filter = FilterOf(asked)) request.retrieve.filter = *filter;
    const auto answer = Get(answers_->Answer(std::move(request), ctx));
    std::vector<Seen> seen = MarksIn(answer.text);
    for (const auto& citation : answer.citations) {
      for (const auto& chunk : citation.references) AddChunk(chunk, seen);
      for (const auto& quote : citation.quotes) {
        for (const auto mark : MarksIn(quote.quoted)) seen.push_back(mark);
      }
    }
    return seen;
  }

  std::vector<Seen> Follow(Path path, const Try& asked) {
    const SearchScope scope{.filter = FilterOf(asked), .principals = &asked.principals};
    RequestContext ctx;
    ctx.principals = asked.principals;
    switch (path) {
      case Path::kWords:
        return OfHits(cache_->SearchWords(asked.question, 20, scope));
      case Path::kPhrase:
        return OfPhrase(asked, scope);
      case Path::kVectors:
        return OfHits(cache_->SearchVectors(embedder_->VectorOf(asked.question), 20, scope));
      case Path::kNames:
        return OfNames(asked, scope);
      case Path::kSpelling:
        return OfSpelling(asked, scope);
      case Path::kRetrieve:
        return Retrieve(asked, ctx);
      case Path::kChunk:
        return FetchChunk(asked, ctx);
      case Path::kOriginal:
        return FetchOriginal(asked, ctx);
      case Path::kAccessCheck:
        return CheckAccess(asked, ctx);
      case Path::kAnswer:
        return Answer(asked, ctx);
    }
    return {};
  }

  // --- The verdict.

  void Judge(const Try& asked, const std::vector<Seen>& seen, Tally& tally) const {
    ++tally.tries;
    for (const auto& one : seen) {
      const auto& paper = papers_[static_cast<std::size_t>(one.paper)];
      ++tally.seen;
      tally.restricted += paper.access == AccessList{} ? 0 : 1;
      const bool right = paper.there && paper.version == one.version &&
                         MayBeReadBy(paper.access, asked.principals) &&
                         asked.condition->holds(paper);
      if (right) continue;
      ++tally.leaks;
      if (!tally.first_leak.empty()) continue;
      tally.first_leak = MarkOf(one.paper, one.version) + " for";
      for (const auto& principal : asked.principals) tally.first_leak += " " + principal;
      tally.first_leak += " with filter '" + std::string(asked.condition->filter) + "'";
    }
  }

  Rng rng_{kSeed};
  std::array<Paper, kPapers> papers_;
  std::vector<std::optional<Filter>> filters_;  // of kConditions
  KnowledgeBase base_;
  KnowledgeBase annex_;  // searched with it at times; it holds nothing
  DataSource source_;
  std::unique_ptr<store::SqlFile> file_;
  Pool background_{"trials", 1, 1 << 10};
  std::unique_ptr<KbCache> cache_;
  std::unordered_map<std::uint64_t, Seen> rows_;
  std::map<std::string, Seen> chunk_owner_;
  std::map<std::string, Seen> secrets_;
  std::vector<std::string> chunk_ids_;
  provider::Registry models_;
  std::unique_ptr<Answerer> answerer_;
  std::unique_ptr<RetrieveAndGenerate> answers_;
};

TEST_F(PermissionTrials, NothingLeaksInAHundredThousandTries) {
  std::vector<const PathShare*> bag;
  for (const auto& path : kPaths)
    bag.insert(bag.end(), static_cast<std::size_t>(path.tries), &path);
  ASSERT_EQ(bag.size(), 100'000U);
  for (auto i = bag.size() - 1; i > 0; --i) std::swap(bag[i], bag[rng_.Below(i + 1)]);
  bag.resize(kTries);
  std::map<Path, Tally> tallies;
  for (std::size_t i = 0; i < bag.size(); ++i) {
    if (i % kTriesBetweenChanges == 0) Change();
    const auto& path = *bag[i];
    const auto asked = NextTry(path.filtered);
    Judge(asked, Follow(path.path, asked), tallies[path.path]);
  }
  for (const auto& path : kPaths) {
    const auto& tally = tallies[path.path];
    EXPECT_EQ(tally.leaks, 0) << path.name << ": " << tally.first_leak;
    // A path on which nothing comes out would prove nothing.
    EXPECT_GT(tally.seen, tally.tries / 20) << path.name;
    EXPECT_GT(tally.restricted, tally.tries / 100) << path.name;
  }
}

// Each path runs as it would if it forgot who asks: for one who is everybody.
TEST_F(PermissionTrials, APathThatForgetsWhoAsksIsNoticed) {
  for (const auto& path : kPaths) {
    Tally tally;
    for (int i = 0; i < 300; ++i) {
      const auto asked = NextTry(path.filtered);
      auto forgetful = asked;
      forgetful.principals.assign(kPrincipals.begin(), kPrincipals.end());
      Judge(asked, Follow(path.path, forgetful), tally);
    }
    EXPECT_GT(tally.leaks, 0) << path.name;
  }
}

TEST_F(PermissionTrials, APathThatForgetsTheFilterIsNoticed) {
  for (const auto& path : kPaths) {
    if (!path.filtered) continue;
    Tally tally;
    for (int i = 0; i < 300; ++i) {
      const auto asked = NextTry(true);
      auto forgetful = asked;
      forgetful.condition = &kConditions[0];
      Judge(asked, Follow(path.path, forgetful), tally);
    }
    EXPECT_GT(tally.leaks, 0) << path.name;
  }
}

// A cache that is one change behind is as bad as no check.
TEST_F(PermissionTrials, ACacheThatMissesChangesIsNoticed) {
  Tally tally;
  for (int paper = 0; paper < kPapers; ++paper) Give(paper);
  for (int i = 0; i < 300; ++i) {
    const auto asked = NextTry(true);
    Judge(asked, Follow(Path::kWords, asked), tally);
  }
  EXPECT_GT(tally.leaks, 0);
}

// What one reader was answered is not told another who asks with the same key.
TEST_F(PermissionTrials, SessionsBelongToWhoBeganThem) {
  RequestContext first;
  first.principals = {"user:1", "group:a"};
  first.labels.Add("secret");
  RetrieveAndGenerateRequest request;
  request.question = "What did Mara Keller write about?";
  request.retrieve.knowledge_base_id = base_.id;
  request.session_id = Get(answers_->Answer(request, first)).session_id;
  RequestContext other;
  other.principals = {"user:2"};
  EXPECT_EQ(Run(answers_->Answer(request, other)).error().field(), "sessionId");
  RequestContext nobody;
  EXPECT_EQ(Run(answers_->Answer(request, nobody)).error().field(), "sessionId");
  RequestContext again;
  again.principals = {"group:a", "user:1"};
  EXPECT_TRUE(Run(answers_->Answer(request, again)).has_value());
  EXPECT_TRUE(again.labels.Has("secret"));  // of what the earlier answers came from
}

TEST_F(PermissionTrials, AccessOfWhatIsNotThereIsNotAnswered) {
  EXPECT_EQ(Run(bases_->CheckAccess(base_.id, source_.id, "paper-999", ctx_)).error().code(),
            Code::kNotFound);
  const auto other = MakeCustom(base_, "other");
  EXPECT_EQ(Run(bases_->CheckAccess(base_.id, other.id, "paper-1", ctx_)).error().code(),
            Code::kNotFound);
  const auto by_hash = DocumentIdOf(source_.id, "paper-1");
  EXPECT_EQ(Run(bases_->CheckAccess(base_.id, other.id, by_hash, ctx_)).error().code(),
            Code::kNotFound);
  const auto one = Run(bases_->CheckAccess(base_.id, source_.id, by_hash, ctx_));
  const auto same = Run(bases_->CheckAccess(base_.id, source_.id, "paper-1", ctx_));
  ASSERT_TRUE(one.has_value() && same.has_value());
  EXPECT_EQ(*one, *same);
}

}  // namespace
}  // namespace strata::knowledge
