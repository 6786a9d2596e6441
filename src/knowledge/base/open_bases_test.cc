#include "knowledge/base/open_bases.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

constexpr int kDimensions = 8;

class OpenBasesTest : public ::testing::Test {
 protected:
  std::shared_ptr<OpenBase> Open(const std::string& id) {
    EXPECT_TRUE(CreateKbFile(bases_.PathOf(id)).has_value());  // stays as it is when it is there
    auto base = bases_.GetBlocking(id, kDimensions);
    EXPECT_TRUE(base.has_value());
    return base.has_value() ? *base : nullptr;
  }

  TempFolder data_;
  Pool pool_{"test", 1, 100};
  OpenBases bases_{data_.path(), pool_, {}, /*open_max=*/2};
};

TEST_F(OpenBasesTest, OfTooManyTheLeastRecentlyUsedIsClosed) {
  std::weak_ptr<OpenBase> a = Open("a");
  std::weak_ptr<OpenBase> b = Open("b");
  Open("a");
  std::weak_ptr<OpenBase> c = Open("c");
  EXPECT_EQ(bases_.open_count(), 2U);
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
  EXPECT_FALSE(c.expired());
}

TEST_F(OpenBasesTest, BasesInUseStayOpenAndAreClosedLater) {
  auto a = Open("a");
  auto b = Open("b");
  auto c = Open("c");
  EXPECT_EQ(bases_.open_count(), 3U);
  EXPECT_EQ(Open("a"), a);  // never a second one of the same file
  a.reset();
  b.reset();
  c.reset();
  Open("d");
  EXPECT_EQ(bases_.open_count(), 2U);
}

TEST_F(OpenBasesTest, ARemovedBaseIsNoLongerCounted) {
  Open("a");
  ASSERT_TRUE(bases_.RemoveBlocking("a").has_value());
  EXPECT_EQ(bases_.open_count(), 0U);
  EXPECT_FALSE(std::filesystem::exists(bases_.PathOf("a")));
  EXPECT_EQ(bases_.GetBlocking("a", kDimensions).error().code(), Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(bases_.PathOf("a"))) << "made anew by a late user";
}

class ClosedBasesTest : public ServiceFixture {
 protected:
  void SetUp() override {
    given_["kb.open_max"] = {"1", "test"};
    OpenService();
  }
};

TEST_F(ClosedBasesTest, ABaseThatWasClosedAnswersAsBefore) {
  const auto rivers = MakeBase("rivers");
  const auto rivers_source = MakeCustom(rivers);
  const auto peaks = MakeBase("peaks");
  const auto peaks_source = MakeCustom(peaks);
  for (int round = 0; round < 3; ++round) {
    const auto n = std::to_string(round);
    Index(rivers, rivers_source, {Document("river" + n, "The river Aare, part " + n)});
    Index(peaks, peaks_source, {Document("peak" + n, "The peak Eiger, part " + n)});
  }
  EXPECT_EQ(Uris(Search(rivers, "Aare part 1", SearchMode::kLexical)).front(), "river1");
  EXPECT_EQ(Uris(Search(peaks, "Eiger part 2", SearchMode::kLexical)).front(), "peak2");
  EXPECT_EQ(Search(rivers, "Aare", SearchMode::kDense).size(), 3U);
}

TEST_F(ClosedBasesTest, QuestionsToManyBasesAtOnceAreAllAnswered) {
  std::vector<KnowledgeBase> bases;
  for (int i = 0; i < 4; ++i) {
    bases.push_back(MakeBase("base" + std::to_string(i)));
    Index(bases.back(), MakeCustom(bases.back()),
          {Document("document" + std::to_string(i), "The river Aare flows here.")});
  }
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      RequestContext ctx;
      for (int turn = 0; turn < 25; ++turn) {
        const auto which = static_cast<std::size_t>((caller + turn) % 4);
        RetrieveRequest request;
        request.knowledge_base_id = bases[which].id;
        request.query = "Aare";
        request.mode = SearchMode::kHybrid;
        auto found = Run(bases_->Retrieve(std::move(request), ctx));
        if (!found.has_value() || found->results.size() != 1) continue;
        right += found->results[0].uri == "document" + std::to_string(which) ? 1 : 0;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(right, 100);
}

}  // namespace
}  // namespace strata::knowledge
