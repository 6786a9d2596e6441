// Searches of a base that is being loaded do not hold the threads that searches of all bases share.

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "knowledge/base/service_fixture.h"
#include "knowledge/retrieve/retriever.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::chrono::seconds kSoon{20};

class WaitingSearchesTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    const auto base = MakeBase();
    Index(base, MakeCustom(base), {Document("a", "Glaciers are made of ice.")});
    CloseService();
    bases_open_ =
        std::make_unique<OpenBases>(data_.path(), shared_, vector::GraphIndexOptions{}, 4);
    open_ = *bases_open_->GetBlocking(base.id, base.dimensions);
  }
  void TearDown() override {
    open_.reset();
    bases_open_.reset();
  }

  // Whoever loads the base waits for a connection until the latch is down, as others hold all.
  std::vector<std::thread> HoldConnections(std::latch& until) {
    const store::SqlFileOptions defaults;
    std::latch held(static_cast<std::ptrdiff_t>(defaults.readers));
    std::vector<std::thread> holders;
    for (std::size_t i = 0; i < defaults.readers; ++i) {
      holders.emplace_back([this, &held, &until] {
        std::ignore = open_->file->ReadBlocking([&](store::Database&) -> Result<> {
          held.count_down();
          until.wait();
          return {};
        });
      });
    }
    held.wait();
    return holders;
  }
  Task<Result<RetrieveResponse>> SearchOnce() {
    RequestContext ctx;
    RetrieveRequest request;
    request.query = "glaciers";
    request.mode = SearchMode::kHybrid;
    STRATA_CO_TRY(const auto query, co_await Retriever::Embed(*embedder_, request, ctx));
    co_return co_await retriever_.Run(open_, query, std::move(request), ctx);
  }
  std::future<Result<RetrieveResponse>> Search() {
    return std::async(std::launch::async, [this] { return runtime_.Run(SearchOnce()); });
  }

  Pool shared_{"shared", kThreads, 100};
  Retriever retriever_{shared_, RetrieverOptions{}, RerankerLookup{}};
  std::unique_ptr<OpenBases> bases_open_;
  std::shared_ptr<OpenBase> open_;
};

TEST_F(WaitingSearchesTest, OneLoadsAndTheOthersLeaveTheThreads) {
  std::latch until(1);
  auto holders = HoldConnections(until);
  const int before = embedder_->calls();
  std::vector<std::future<Result<RetrieveResponse>>> searches;
  for (std::size_t i = 0; i < 2 * kThreads; ++i) searches.push_back(Search());
  while (embedder_->calls() < before + static_cast<int>(searches.size())) std::this_thread::yield();
  // Work for another base, again and again: the searches come to the pool meanwhile.
  bool served = true;
  for (int i = 0; i < 20 && served; ++i) {
    auto other = std::async(std::launch::async, [this] {
      return runtime_.Run(RunBlocking(shared_, []() -> Result<int> { return 1; }));
    });
    served = other.wait_for(kSoon) == std::future_status::ready;
    if (!served) until.count_down();  // or nobody would ever be
  }
  EXPECT_TRUE(served);
  if (served) until.count_down();
  for (auto& search : searches) {
    const auto found = search.get();
    EXPECT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found.has_value() ? found->results.size() : 0, 1U);
  }
  for (auto& holder : holders) holder.join();
}

}  // namespace
}  // namespace strata::knowledge
