#include "knowledge/graph/names_graph.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "text/search_words.h"

namespace strata::knowledge::graph {
namespace {

constexpr double kDamping = 0.85;
constexpr double kSeedShare = 0.05;  // of the restart, given to what search found
constexpr int kSteps = 6;            // half of them from names to passages
constexpr double kShareMin = 1e-5;
// Weight of a title against a mention: a document is about what it is called.
constexpr double kTitleWeight = 8;
// A passage that search did not find takes this much beside one that it found with score 1.
constexpr double kUnfoundWeight = 0.3;
// A name in more passages than this leads nowhere in particular and is not walked.
constexpr std::size_t kPassagesMax = 2000;
constexpr std::size_t kQuestionWordsMax = 200;
constexpr std::size_t kNameWordsMax = 12;
constexpr std::size_t kSeedsMax = 100;

using Shares = boost::unordered_flat_map<std::uint32_t, double>;

bool IsStop(const NameWord& word) { return text::IsStopWord(word.normal); }

}  // namespace

void NamesGraph::Connect(std::uint32_t slot, NameId name, Kind kind) {
  const auto [at, fresh] = node_of_.emplace(name, 0);
  if (fresh) {
    if (free_nodes_.empty()) {
      at->second = static_cast<std::uint32_t>(nodes_.size());
      nodes_.emplace_back();
    } else {
      at->second = free_nodes_.back();
      free_nodes_.pop_back();
    }
    nodes_[at->second].id = name;
  }
  auto& node = nodes_[at->second];
  node.edges.push_back(MakeEdge(slot, kind));
  slots_[slot].edges.push_back(MakeEdge(at->second, kind));
}

void NamesGraph::Add(std::uint64_t passage, const PassageNames& names) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slot_of_.emplace(passage, slot);
  slots_[slot].id = passage;
  slots_[slot].edges.reserve(names.titles.size() + names.text.names.size() +
                             names.text.parts.size());
  for (const auto name : names.titles) Connect(slot, name, Kind::kTitle);
  const auto is_title = [&](NameId name) { return std::ranges::binary_search(names.titles, name); };
  for (const auto name : names.text.names) {
    if (!is_title(name)) Connect(slot, name, Kind::kMention);
  }
  for (const auto name : names.text.parts) {
    if (!is_title(name)) Connect(slot, name, Kind::kPart);
  }
}

void NamesGraph::Remove(std::uint64_t passage) {
  const auto found = slot_of_.find(passage);
  if (found == slot_of_.end()) return;
  const auto slot = found->second;
  slot_of_.erase(found);
  for (const auto edge : slots_[slot].edges) {
    auto& node = nodes_[To(edge)];
    std::erase(node.edges, MakeEdge(slot, KindOf(edge)));
    if (!node.edges.empty()) continue;
    node_of_.erase(node.id);
    node = Node();
    free_nodes_.push_back(To(edge));
  }
  slots_[slot] = Passage();
  free_slots_.push_back(slot);
}

std::size_t NamesGraph::memory_bytes() const {
  std::size_t bytes = node_of_.bucket_count() * 17 + slot_of_.bucket_count() * 17;
  bytes += nodes_.capacity() * sizeof(Node) + slots_.capacity() * sizeof(Passage);
  constexpr std::size_t kAllocatorHeader = 16;
  for (const auto& node : nodes_) bytes += node.edges.capacity() * sizeof(Edge) + kAllocatorHeader;
  for (const auto& slot : slots_) bytes += slot.edges.capacity() * sizeof(Edge) + kAllocatorHeader;
  return bytes;
}

// One walk.
class NamesGraph::Walker {
 public:
  Walker(const NamesGraph& graph, const PassageFilter& filter) : graph_(graph), filter_(filter) {}

  // The names of the question that are known to passages the caller may see: the longest first,
  // not overlapping.
  void FindNames(std::string_view question) {
    auto words = NameWords(question);
    words.resize(std::min(words.size(), kQuestionWordsMax));
    // Who writes no capitals at all names things without them.
    const bool no_capitals =
        std::ranges::none_of(words, [](const auto& word) { return word.capitalised; });
    std::vector<bool> used(words.size(), false);
    for (auto size = std::min(kNameWordsMax, words.size()); size > 0; --size) {
      for (std::size_t i = 0; i + size <= words.size(); ++i) {
        const auto taken = std::span(words).subspan(i, size);
        const auto begin = used.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end = begin + static_cast<std::ptrdiff_t>(size);
        if (std::find(begin, end, true) != end) continue;
        if (!MayName(taken, i == 0, no_capitals)) continue;
        if (TakeName(question, taken, no_capitals)) std::fill(begin, end, true);
      }
    }
  }

  bool found() const { return !restart_.empty(); }

  void Run(std::span<const PassageShare> seeds, GraphAnswer& answer) {
    Seed(seeds);
    Shares names = restart_;
    Shares passages = seeds_;
    Shares sum = seeds_;
    for (auto& [slot, share] : sum) share *= 1 - kDamping;
    double kept = 1 - kDamping;
    for (int step = 1; step <= kSteps; ++step) {
      kept *= kDamping;
      Shares next_passages = FromNames(names);
      Shares next_names = FromPassages(passages);
      for (const auto& [slot, share] : next_passages) sum[slot] += kept * share;
      names = std::move(next_names);
      passages = std::move(next_passages);
    }
    for (const auto& [slot, share] : sum) {
      if (share > 0) answer.passages.push_back({.passage = graph_.slots_[slot].id, .share = share});
    }
    std::ranges::sort(answer.passages, [](const auto& a, const auto& b) {
      return a.share != b.share ? a.share > b.share : a.passage < b.passage;
    });
    answer.edges = edges_;
  }

  std::vector<std::string_view> texts;
  std::size_t titles = 0;

 private:
  static bool MayName(std::span<const NameWord> words, bool first, bool no_capitals) {
    if (words.size() == 1) {
      const auto& word = words.front();
      return !first && (word.capitalised || word.digit) && !IsStop(word);
    }
    if (no_capitals) return !IsStop(words.front()) && !IsStop(words.back());
    return std::ranges::any_of(words, [](const auto& word) { return word.capitalised; });
  }

  bool TakeName(std::string_view question, std::span<const NameWord> words, bool only_titles) {
    std::string normal;
    for (const auto& word : words) {
      if (word.normal.empty()) continue;
      normal += normal.empty() ? word.normal : " " + word.normal;
    }
    const auto node = graph_.node_of_.find(NameIdOf(normal));
    if (node == graph_.node_of_.end()) return false;
    const auto& view = ViewOf(node->second);
    if (view.ends.empty() || (only_titles && !view.titled)) return false;
    // The rarer, the more it says.
    restart_[node->second] += 1 / std::sqrt(static_cast<double>(view.ends.size()));
    texts.push_back(question.substr(words.front().begin, words.back().end - words.front().begin));
    titles += view.titled ? 1 : 0;
    return true;
  }

  // What the caller may see of a name: nothing of it comes from other passages.
  struct View {
    std::vector<Edge> ends;
    bool titled = false;
  };
  const View& ViewOf(std::uint32_t at) {
    const auto [found, fresh] = views_.try_emplace(at);
    auto& view = found->second;
    const auto& node = graph_.nodes_[at];
    if (!fresh || node.edges.size() > kPassagesMax) return view;
    for (const auto edge : node.edges) {
      if (!Allowed(To(edge))) continue;
      view.ends.push_back(edge);
      view.titled = view.titled || KindOf(edge) == Kind::kTitle;
    }
    if (!view.titled) {
      std::erase_if(view.ends, [](Edge edge) { return KindOf(edge) == Kind::kPart; });
    }
    return view;
  }

  static double WeightOf(Edge edge) { return KindOf(edge) == Kind::kTitle ? kTitleWeight : 1; }

  bool Allowed(std::uint32_t slot) {
    ++edges_;
    if (!filter_) return true;
    const auto [at, fresh] = allowed_.emplace(slot, false);
    if (fresh) at->second = filter_(graph_.slots_[slot].id);
    return at->second;
  }

  void Seed(std::span<const PassageShare> seeds) {
    double sum = 0;
    for (const auto& seed : seeds.first(std::min(seeds.size(), kSeedsMax))) {
      const auto slot = graph_.slot_of_.find(seed.passage);
      if (slot == graph_.slot_of_.end() || seed.share <= 0) continue;
      found_[slot->second] = seed.share;
      seeds_[slot->second] = seed.share;
      sum += seed.share;
    }
    for (auto& [slot, share] : seeds_) share *= kSeedShare / sum;
    double names = 0;
    for (const auto& [node, share] : restart_) names += share;
    const double all = seeds_.empty() ? 1 : 1 - kSeedShare;
    for (auto& [node, share] : restart_) share *= all / names;
  }

  // What a passage weighs at the end of an edge.
  double PassageWeight(Edge edge) const {
    const auto score = found_.find(To(edge));
    return WeightOf(edge) * (kUnfoundWeight + (score == found_.end() ? 0 : score->second));
  }

  Shares FromNames(const Shares& names) {
    Shares out;
    for (const auto& [at, share] : names) {
      if (share < kShareMin) continue;
      const auto& view = ViewOf(at);
      double sum = 0;
      for (const auto edge : view.ends) sum += PassageWeight(edge);
      for (const auto edge : view.ends) out[To(edge)] += share * PassageWeight(edge) / sum;
    }
    return out;
  }

  Shares FromPassages(const Shares& passages) {
    Shares out;
    std::vector<Edge> ends;
    for (const auto& [at, share] : passages) {
      if (share < kShareMin) continue;
      ends.clear();
      double sum = 0;
      for (const auto edge : graph_.slots_[at].edges) {
        const auto& view = ViewOf(To(edge));
        // A name of this passage alone leads back to it only.
        const bool leads_on = view.ends.size() > 1 || (view.titled && view.ends.size() == 1);
        if (!leads_on || (KindOf(edge) == Kind::kPart && !view.titled)) continue;
        ends.push_back(edge);
        sum += WeightOf(edge);
      }
      for (const auto edge : ends) out[To(edge)] += share * WeightOf(edge) / sum;
    }
    return out;
  }

  const NamesGraph& graph_;
  const PassageFilter& filter_;
  Shares restart_;  // names
  Shares seeds_;    // passages
  Shares found_;    // scores of the passages that search found
  boost::unordered_flat_map<std::uint32_t, bool> allowed_;
  std::unordered_map<std::uint32_t, View> views_;  // references to its values stay good
  std::size_t edges_ = 0;
};

GraphAnswer NamesGraph::Walk(std::string_view question, std::span<const PassageShare> seeds,
                             const PassageFilter& filter) const {
  GraphAnswer answer;
  Walker walker(*this, filter);
  walker.FindNames(question);
  answer.names = std::move(walker.texts);
  answer.titles = walker.titles;
  if (walker.found()) walker.Run(seeds, answer);
  return answer;
}

}  // namespace strata::knowledge::graph
