#include "vector/graph_index.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "base/check.h"
#include "vector/coded_rows.h"
#include "vector/fair_shared_mutex.h"
#include "vector/hnsw_graph.h"
#include "vector/indexed_rows.h"

namespace strata::vector {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kDimensionsMax = 8192;       // what Kernels::dot_rows allows
constexpr std::size_t kCandidatesExtra = 32;       // scored again beside limit × oversampling
constexpr std::size_t kCodeCandidatesForEach = 8;  // of the rows asked for, at least
// Rows whose codes are read at least: fewer take no time worth a miss.
constexpr std::size_t kCodesReadMin = 50'000;
constexpr std::size_t kSample = 256;       // rows asked for to estimate what a filter passes
constexpr std::size_t kRepairNodes = 256;  // led around removed ones at a time
constexpr std::size_t kRepairMin = 64;     // removed rows that are not worth a pass
// When more than this share of a graph is removed it is built again.
constexpr double kRebuildShare = 0.4;
// A file that knows fewer of its rows here is of another time.
constexpr double kKnownShareMin = 0.5;

}  // namespace

struct GraphIndex::State {
  explicit State(const GraphIndexOptions& given)
      : options(given), rows(given.dimensions), codes(rows, given.seed) {}

  const GraphIndexOptions options;
  // Held by whoever changes anything. Links of the graph are changed under it alone, everything
  // else under `mutex` as well, which searches share.
  std::mutex change;
  std::atomic<int> waiting = 0;  // for `change`, while Tend holds it over and over
  mutable FairSharedMutex mutex;
  IndexedRows rows;
  CodedRows codes;
  std::unique_ptr<HnswGraph> graph;  // null: rows are few, or memory is
  std::vector<Slot> pending;         // rows that the graph does not know, from `pending_done`
  std::atomic<std::size_t> pending_done = 0;
  std::vector<Slot> buried;  // removed, and not free yet
  std::atomic<std::size_t> unsaved = 0;

  struct Repairing {
    std::vector<Slot> slots;
    std::vector<bool> gone;
    std::size_t next = 0;
  };
  std::optional<Repairing> repairing;

  std::unique_lock<std::mutex> Changing() {
    waiting.fetch_add(1);
    std::unique_lock lock(change);
    waiting.fetch_sub(1);
    return lock;
  }

  std::span<const Slot> Pending() const {
    return std::span(pending).subspan(pending_done.load(std::memory_order_acquire));
  }
  std::uint64_t BytesWithCodes() const {
    return rows.memory_bytes() + rows.slots() * (options.dimensions / 8 + 4 * sizeof(float));
  }
  std::uint64_t BytesWithGraph() const {
    return BytesWithCodes() + (graph ? graph->memory_bytes() : rows.live() * options.links * 9);
  }

  // --- Changes, with both locks held.
  void Add(std::uint64_t id, std::span<const float> row) {
    const Slot slot = rows.Add(id, row);
    codes.Changed(slot);
    if (!graph) return;
    graph->Grow(rows.slots());
    graph->Prepare(slot);
    pending.push_back(slot);
  }

  void Remove(Slot slot) {
    if (!graph) {
      rows.RemoveBySwap(slot);
      codes.Changed(slot);
      return;
    }
    rows.Bury(slot);
    codes.Changed(slot);
    // A twin leads nowhere and nothing leads to it.
    if (graph->DropTwin(slot)) {
      rows.Free(slot);
    } else {
      buried.push_back(slot);
    }
  }

  void StartGraph() {
    graph = std::make_unique<HnswGraph>(rows, HnswOptions{.links = options.links,
                                                          .build_effort = options.build_effort,
                                                          .seed = options.seed});
    graph->Grow(rows.slots());
    pending.resize(rows.slots());
    for (Slot slot = 0; slot < rows.slots(); ++slot) {
      graph->Prepare(slot);
      pending[slot] = slot;
    }
    pending_done = 0;
  }

  void DropGraph() {
    graph.reset();
    pending = {};
    pending_done = 0;
    buried = {};
    repairing.reset();
    codes.Drop();  // rows move
    rows.Compact();
  }

  // --- Tend's steps, with `change` held. false: nothing to do.
  bool Step();
  bool StepOfCodes();
  bool StepOfGraph();
  void LinkOne();
  void StartRepair();
  void RepairSome();

  // --- Searching, with `mutex` shared.
  double PassingShare(const IdFilter& filter) const;
  std::vector<ScoredSlot> SearchCodes(std::span<const float> query, const QuantizedQuery& prepared,
                                      std::size_t wanted, std::size_t candidates,
                                      const IdFilter& filter) const;
  std::vector<ScoredSlot> SearchGraph(const QuantizedQuery& query, std::size_t wanted,
                                      std::size_t effort, const IdFilter& filter,
                                      Expansion expansion) const;
  Result<void> SaveTo(std::int64_t generation, const GraphWriter& write) const;
};

// Codes first: they are there after seconds, and answer until the graph is.
bool GraphIndex::State::Step() { return StepOfCodes() || StepOfGraph(); }

bool GraphIndex::State::StepOfCodes() {
  const bool has = codes.ready() != nullptr || codes.InProgress();
  if (!WantsCodes(options.tier, rows.live(), has, BytesWithCodes())) {
    if (!has) return false;
    std::unique_lock lock(mutex);
    codes.Drop();
    return true;
  }
  if (!codes.InProgress()) {
    if (codes.ready() != nullptr && !codes.IsStale()) return false;
    codes.Start();
    return true;
  }
  if (codes.Step()) return true;
  std::unique_lock lock(mutex);
  codes.Publish();
  return true;
}

bool GraphIndex::State::StepOfGraph() {
  const bool wanted = WantsGraph(options.tier, rows.live(), graph != nullptr, BytesWithGraph());
  if (!graph && !wanted) return false;
  if (!graph || !wanted) {
    std::unique_lock lock(mutex);
    if (graph) {
      DropGraph();
    } else {
      StartGraph();
    }
    return true;
  }
  if (repairing.has_value()) {
    RepairSome();
    return true;
  }
  const std::size_t removed = buried.size();
  const auto share = static_cast<double>(removed) / static_cast<double>(rows.slots());
  if (removed > kRepairMin && share > kRebuildShare) {
    std::unique_lock lock(mutex);
    DropGraph();
    return true;
  }
  if (!Pending().empty()) {
    LinkOne();
    return true;
  }
  if (!pending.empty()) {
    std::unique_lock lock(mutex);
    pending = {};
    pending_done = 0;
  }
  if (removed <= kRepairMin || share <= options.repair_share) return false;
  StartRepair();
  return repairing.has_value();
}

void GraphIndex::State::LinkOne() {
  const Slot slot = Pending().front();
  if (rows.alive(slot) && !graph->IsLinked(slot)) {
    if (!graph->Link(slot)) {
      std::unique_lock lock(mutex);
      graph->AddTwin(slot, graph->twin_of());
    }
    unsaved += 1;
  }
  pending_done.fetch_add(1, std::memory_order_release);
}

void GraphIndex::State::StartRepair() {
  Repairing started;
  started.gone.resize(rows.slots());
  for (const Slot slot : buried) {
    if (graph->HasTwins(slot)) continue;
    started.gone[slot] = true;
    started.slots.push_back(slot);
  }
  if (!started.slots.empty()) repairing = std::move(started);
}

void GraphIndex::State::RepairSome() {
  // Rows that came since it began are linked when it is done, so that they cannot know those that
  // go.
  const std::size_t slots = repairing->gone.size();
  const std::size_t end = std::min(repairing->next + kRepairNodes, slots);
  graph->Repair(repairing->next, end, repairing->gone);
  repairing->next = end;
  if (end < slots) return;
  std::unique_lock lock(mutex);
  graph->Erase(repairing->slots, repairing->gone);
  for (const Slot slot : repairing->slots) rows.Free(slot);
  std::erase_if(buried,
                [&](Slot slot) { return slot < repairing->gone.size() && repairing->gone[slot]; });
  unsaved += repairing->slots.size();
  repairing.reset();
}

double GraphIndex::State::PassingShare(const IdFilter& filter) const {
  std::size_t asked = 0;
  std::size_t passed = 0;
  for (std::uint64_t i = 1; i <= kSample; ++i) {
    // Weyl's sequence with the golden ratio: spread evenly, and no pattern of ids survives it.
    const std::uint64_t spread = (i * 0x9E3779B97F4A7C15U) >> 32;
    const auto slot = static_cast<Slot>(spread * rows.slots() >> 32);
    if (!rows.alive(slot)) continue;
    asked += 1;
    passed += filter(rows.id(slot)) ? 1 : 0;
  }
  return asked == 0 ? 1 : static_cast<double>(passed) / static_cast<double>(asked);
}

std::vector<ScoredSlot> GraphIndex::State::SearchCodes(std::span<const float> query,
                                                       const QuantizedQuery& prepared,
                                                       std::size_t wanted, std::size_t candidates,
                                                       const IdFilter& filter) const {
  const BitCodes& bits = *codes.ready();
  std::function<bool(Slot)> passes;
  std::size_t read = rows.live();
  if (filter) {
    // What passes may lie anywhere, so every list is read.
    passes = [&](Slot slot) { return filter(rows.id(slot)); };
  } else {
    read = std::max(kCodesReadMin,
                    static_cast<std::size_t>(static_cast<double>(read) * options.code_share));
  }
  std::vector<Slot> among;
  for (const ScoredSlot& found : bits.Scan(query, candidates, read, passes)) {
    among.push_back(found.slot);
  }
  return rows.ScanSome(prepared, wanted, {}, among);
}

std::vector<ScoredSlot> GraphIndex::State::SearchGraph(const QuantizedQuery& query,
                                                       std::size_t wanted, std::size_t effort,
                                                       const IdFilter& filter,
                                                       Expansion expansion) const {
  // Before the graph: a row that is linked in between is found twice, not missed.
  const std::span<const Slot> unlinked = Pending();
  SlotFilter passes;
  if (filter) {
    passes = [&](Slot slot) { return rows.alive(slot) && filter(rows.id(slot)); };
  } else if (!buried.empty()) {
    passes = [&](Slot slot) { return rows.alive(slot); };
  }
  std::vector<ScoredSlot> found = graph->Search(query, effort, passes, expansion);
  if (!unlinked.empty()) {
    const std::vector<ScoredSlot> more = rows.ScanSome(query, wanted, filter, unlinked);
    found.insert(found.end(), more.begin(), more.end());
  }
  std::ranges::sort(found, Better);
  const auto [first, last] = std::ranges::unique(found, {}, &ScoredSlot::slot);
  found.erase(first, last);
  // Equal scores at the cut stay: their order is that of ids, which comes with the second pass.
  std::size_t kept = std::min(wanted, found.size());
  while (kept > 0 && kept < found.size() && found[kept].score == found[kept - 1].score) ++kept;
  found.resize(kept);
  return found;
}

GraphIndex::GraphIndex(const GraphIndexOptions& options)
    : state_(std::make_unique<State>(options)) {
  STRATA_CHECK(options.dimensions >= 1 && options.dimensions <= kDimensionsMax,
               "dimensions of a vector index must be 1..8192");
  STRATA_CHECK(options.links >= 4 && options.links <= 64, "links of a graph must be 4..64");
}
GraphIndex::~GraphIndex() = default;

const GraphIndexOptions& GraphIndex::options() const { return state_->options; }
std::size_t GraphIndex::dimensions() const { return state_->options.dimensions; }

Result<void> GraphIndex::Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) {
  STRATA_CHECK_OK(CheckValues(rows, ids.size() * dimensions(), "rows"));
  auto change = state_->Changing();
  std::unique_lock lock(state_->mutex);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int64_t known = state_->rows.Find(ids[i]);
    if (known >= 0) state_->Remove(static_cast<Slot>(known));
    state_->Add(ids[i], rows.subspan(i * dimensions(), dimensions()));
  }
  return {};
}

void GraphIndex::Remove(std::span<const std::uint64_t> ids) {
  auto change = state_->Changing();
  std::unique_lock lock(state_->mutex);
  for (const std::uint64_t id : ids) {
    const std::int64_t known = state_->rows.Find(id);
    if (known >= 0) state_->Remove(static_cast<Slot>(known));
  }
}

Result<std::vector<VectorHit>> GraphIndex::Search(std::span<const float> query, std::size_t limit,
                                                  const IdFilter& filter) const {
  STRATA_CHECK_OK(CheckValues(query, dimensions(), "query"));
  const State& state = *state_;
  std::shared_lock lock(state.mutex);
  limit = std::min(limit, state.rows.live());
  if (limit == 0) return std::vector<VectorHit>();
  const QuantizedQuery prepared = state.rows.rows().Prepare(query);
  const std::size_t wanted =
      std::min(limit * state.options.oversampling + kCandidatesExtra, state.rows.live());
  const std::size_t effort = std::max(state.options.search_effort, 2 * limit);
  const std::size_t candidates = std::min(
      std::max(state.options.code_candidates, limit * kCodeCandidatesForEach), state.rows.live());
  const TierFacts facts{.rows = state.rows.live(),
                        .coded = state.codes.ready() != nullptr,
                        .candidates = candidates,
                        .unlinked = state.graph ? state.Pending().size() : state.rows.live(),
                        .passing = filter ? state.PassingShare(filter) : 1,
                        .effort = effort,
                        .links = 2 * state.options.links};
  const Tier tier = ChooseTier(state.options.tier, facts);
  if (tier == Tier::kGraph || tier == Tier::kGraphTwoHops) {
    const auto found =
        state.SearchGraph(prepared, wanted, effort, filter,
                          tier == Tier::kGraph ? Expansion::kAll : Expansion::kTwoHops);
    // Fewer than asked for: rows that pass do not hang together, only a scan knows them all.
    if (found.size() >= limit) return state.rows.Finish(prepared, limit, found);
  }
  if (tier == Tier::kCodes) {
    return state.rows.Finish(prepared, limit,
                             state.SearchCodes(query, prepared, wanted, candidates, filter));
  }
  const auto order = tier == Tier::kScan ? FilterOrder::kAfterScore : FilterOrder::kBeforeScore;
  return state.rows.Finish(prepared, limit, state.rows.Scan(prepared, wanted, filter, order));
}

Result<ScoreSpread> GraphIndex::Spread(std::span<const float> query, std::size_t sample,
                                       const IdFilter& filter) const {
  STRATA_CHECK_OK(CheckValues(query, dimensions(), "query"));
  std::shared_lock lock(state_->mutex);
  const auto& rows = state_->rows;
  return rows.Spread(rows.rows().Prepare(query), sample, filter);
}

std::vector<float> GraphIndex::Rows(std::span<const std::uint64_t> ids) const {
  std::shared_lock lock(state_->mutex);
  return state_->rows.Copy(ids);
}

VectorStats GraphIndex::Stats() const {
  const State& state = *state_;
  std::shared_lock lock(state.mutex);
  std::size_t bytes = state.rows.memory_bytes() + state.pending.capacity() * sizeof(Slot) +
                      state.buried.capacity() * sizeof(Slot);
  if (state.graph) bytes += state.graph->memory_bytes();
  bytes += state.codes.memory_bytes();
  return {.rows = state.rows.live(), .dimensions = dimensions(), .memory_bytes = bytes};
}

GraphIndex::GraphStats GraphIndex::graph_stats() const {
  const State& state = *state_;
  std::shared_lock lock(state.mutex);
  const bool coded = state.codes.ready() != nullptr;
  if (!state.graph) return {.coded = coded, .unlinked = state.rows.live()};
  return {.coded = coded,
          .linked = state.graph->linked(),
          .unlinked = state.Pending().size(),
          .buried = state.buried.size(),
          .unsaved = state.unsaved,
          .memory_bytes = state.graph->memory_bytes()};
}

bool GraphIndex::Tend(std::chrono::milliseconds budget) {
  const auto end = Clock::now() + budget;
  for (;;) {
    while (state_->waiting.load() > 0) std::this_thread::yield();
    std::lock_guard change(state_->change);
    if (!state_->Step()) return false;
    if (Clock::now() >= end) return true;
  }
}

Result<void> GraphIndex::State::SaveTo(std::int64_t generation, const GraphWriter& write) const {
  // Slots become nodes by counting those that the graph knows and that live.
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> node_of(rows.slots(), kNone);
  std::vector<Slot> slots;
  for (Slot slot = 0; slot < rows.slots(); ++slot) {
    if (!rows.alive(slot) || !graph->IsLinked(slot)) continue;
    node_of[slot] = static_cast<std::uint32_t>(slots.size());
    slots.push_back(slot);
  }
  auto each_list = [&](Slot slot, auto take) -> Result<void> {
    const bool twin = graph->twins().contains(slot);
    const int level = twin ? 0 : graph->Level(slot);
    STRATA_CHECK_OK(take(static_cast<std::uint32_t>(level)));
    for (int at = 0; at <= level; ++at) {
      std::vector<Slot> links = twin ? std::vector<Slot>() : graph->Links(slot, at);
      std::erase_if(links, [&](Slot link) { return node_of[link] == kNone; });
      STRATA_CHECK_OK(take(static_cast<std::uint32_t>(links.size())));
      for (const Slot link : links) STRATA_CHECK_OK(take(node_of[link]));
    }
    return {};
  };
  GraphHeader header{.dimensions = static_cast<std::uint32_t>(options.dimensions),
                     .links = static_cast<std::uint32_t>(options.links),
                     .seed = options.seed,
                     .generation = generation,
                     .nodes = slots.size()};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> twins;
  for (const auto& [twin, node] : graph->twins()) {
    if (node_of[twin] != kNone && node_of[node] != kNone) {
      twins.emplace_back(node_of[twin], node_of[node]);
    }
  }
  std::ranges::sort(twins);
  header.twins = twins.size();
  header.numbers = 2 * twins.size();
  auto count = [&](std::uint32_t) -> Result<void> {
    header.numbers += 1;
    return {};
  };
  for (const Slot slot : slots) STRATA_CHECK_OK(each_list(slot, count));
  GraphFileWriter file(write);
  STRATA_CHECK_OK(file.Header(header));
  for (const Slot slot : slots) STRATA_CHECK_OK(file.Number64(rows.id(slot)));
  for (const Slot slot : slots) {
    STRATA_CHECK_OK(file.Number32(rows.rows().Fingerprint(slot)));
  }
  auto put = [&](std::uint32_t number) { return file.Number32(number); };
  for (const Slot slot : slots) STRATA_CHECK_OK(each_list(slot, put));
  for (const auto& [twin, node] : twins) {
    STRATA_CHECK_OK(file.Number32(twin));
    STRATA_CHECK_OK(file.Number32(node));
  }
  return file.Finish();
}

Result<void> GraphIndex::Save(std::int64_t generation, const GraphWriter& write) {
  auto change = state_->Changing();
  if (!state_->graph) return Fail(Code::kNotFound, "there is no graph to save");
  STRATA_CHECK_OK(state_->SaveTo(generation, write));
  state_->unsaved = 0;
  return {};
}

Result<void> GraphIndex::Load(const GraphFile& file) {
  State& state = *state_;
  const GraphHeader& header = file.header();
  if (header.dimensions != dimensions() || header.links != state.options.links ||
      header.seed != state.options.seed) {
    return Fail(InvalidArgument("file", "a graph of other dimensions, links or seed"));
  }
  auto change = state.Changing();
  if (state.graph) return Fail(Code::kConflict, "there is a graph already");
  constexpr Slot kNone = 0xFFFFFFFF;
  std::vector<Slot> slot_of(file.nodes(), kNone);
  std::size_t known = 0;
  for (std::size_t node = 0; node < file.nodes(); ++node) {
    const std::int64_t slot = state.rows.Find(file.id(node));
    if (slot < 0) continue;
    const auto here = static_cast<Slot>(slot);
    if (state.rows.rows().Fingerprint(here) != file.fingerprint(node)) continue;
    slot_of[node] = here;
    known += 1;
  }
  if (static_cast<double>(known) < kKnownShareMin * static_cast<double>(file.nodes())) {
    return Fail(Code::kConflict, "a graph of other rows");
  }
  if (!WantsGraph(state.options.tier, state.rows.live(), true, state.BytesWithGraph())) return {};
  std::unique_lock lock(state.mutex);
  state.StartGraph();
  std::vector<bool> twin(file.nodes());
  file.ForEachTwin([&](std::uint32_t node, std::uint32_t) { twin[node] = true; });
  file.ForEachNode([&](std::uint32_t node, const std::vector<std::vector<Slot>>& from) {
    if (slot_of[node] == kNone || twin[node]) return;
    std::vector<std::vector<Slot>> links(from.size());
    for (std::size_t level = 0; level < from.size(); ++level) {
      for (const std::uint32_t link : from[level]) {
        if (slot_of[link] != kNone && !twin[link]) links[level].push_back(slot_of[link]);
      }
    }
    // Without half of its links it would be hard to find: it is linked again.
    if (2 * links[0].size() >= from[0].size()) state.graph->Restore(slot_of[node], links);
  });
  file.ForEachTwin([&](std::uint32_t node, std::uint32_t of) {
    if (slot_of[node] == kNone || slot_of[of] == kNone) return;
    const bool same = state.rows.rows().SameRough(slot_of[node], slot_of[of]);
    const bool fresh = !state.graph->IsLinked(slot_of[node]) && state.graph->IsLinked(slot_of[of]);
    if (same && fresh) state.graph->AddTwin(slot_of[node], slot_of[of]);
  });
  state.graph->RestoreEntry();
  std::erase_if(state.pending, [&](Slot slot) { return state.graph->IsLinked(slot); });
  state.pending.shrink_to_fit();
  state.unsaved = 0;
  return {};
}

}  // namespace strata::vector
