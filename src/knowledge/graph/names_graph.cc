#include "knowledge/graph/names_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

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
// Larger segments stay apart: places in one are numbers of 32 bits.
constexpr std::size_t kRewriteBytesMax = std::size_t{16} << 30;

using Shares = boost::unordered_flat_map<std::uint64_t, double>;

bool IsStop(const NameWord& word) { return text::IsStopWord(word.normal); }

}  // namespace

void NamesGraph::Remove(std::uint64_t passage) {
  if (buffer_.Remove(passage)) return;
  for (auto& part : parts_) {
    if (const auto ordinal = part.FindLive(passage)) part.Clear(*ordinal);
  }
}

bool NamesGraph::Has(std::uint64_t passage) const {
  return buffer_.Has(passage) || std::ranges::any_of(parts_, [&](const auto& part) {
           return part.FindLive(passage).has_value();
         });
}

void NamesGraph::AddSegment(std::shared_ptr<const NamesSegment> segment, std::uint64_t file) {
  parts_.emplace_back(std::move(segment), file);
}

bool NamesGraph::Claim(std::uint64_t passage, std::uint32_t fingerprint) {
  // After a crash a segment may lie beside those that it was made of.
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    const auto ordinal = part->segment->FindPassage(passage);
    if (!ordinal || part->segment->Fingerprint(*ordinal) != fingerprint) continue;
    part->Set(*ordinal);
    return true;
  }
  return false;
}

Result<> NamesGraph::Seal() {
  STRATA_TRY(auto made, buffer_.MakeSegment());
  auto bytes = std::make_shared<const std::string>(std::move(made));
  STRATA_TRY(auto segment, NamesSegment::Open(*bytes, bytes));
  parts_.emplace_back(std::move(segment), 0);
  parts_.back().SetAll();
  buffer_ = {};
  return {};
}

std::vector<NamesPart> NamesGraph::NextRewrite() const {
  const auto wasteful = [](const NamesPart& part) {
    return part.live() == 0 ||
           part.live() < part.segment->passages() - part.segment->passages() / 3;
  };
  // From the end on: what is not in a file, and what is no larger than all behind it.
  auto from = parts_.size();
  std::size_t behind = 0;
  std::size_t bytes = 0;
  for (auto i = parts_.size(); i-- > 0;) {
    bytes += parts_[i].segment->bytes();
    if (bytes > kRewriteBytesMax) break;
    const bool grown = i + 1 < parts_.size() && parts_[i].live() <= behind;
    if (parts_[i].file == 0 || grown) from = i;
    behind += parts_[i].live();
  }
  if (from < parts_.size())
    return {parts_.begin() + static_cast<std::ptrdiff_t>(from), parts_.end()};
  const auto found = std::ranges::find_if(parts_, wasteful);
  if (found == parts_.end()) return {};
  return {*found};
}

void NamesGraph::Replace(std::span<const NamesPart> parts,
                         std::shared_ptr<const NamesSegment> fresh, std::uint64_t file) {
  std::optional<NamesPart> one;
  if (fresh) {
    one.emplace(std::move(fresh), file);
    one->SetAll();
  }
  auto place = parts_.size();
  for (const auto& was : parts) {
    const auto now = std::ranges::find(parts_, was.segment, &NamesPart::segment);
    for (const auto passage : was.GoneIn(*now)) {
      if (const auto ordinal = one->segment->FindPassage(passage)) one->Clear(*ordinal);
    }
    place = std::min(place, static_cast<std::size_t>(now - parts_.begin()));
    parts_.erase(now);
  }
  if (one) parts_.insert(parts_.begin() + static_cast<std::ptrdiff_t>(place), std::move(*one));
}

NamesGraph::Stats NamesGraph::stats() const {
  Stats stats{.passages = buffer_.passages(),
              .names = buffer_.names(),
              .segments = parts_.size(),
              .memory_bytes = buffer_.memory_bytes()};
  for (const auto& part : parts_) {
    stats.passages += part.live();
    stats.names += part.segment->names();
    stats.file_bytes += part.file == 0 ? 0 : part.segment->bytes();
    stats.memory_bytes += part.memory_bytes();
  }
  return stats;
}

std::vector<NamesGraph::PassageMention> NamesGraph::PassagesOf(NameId name, std::size_t max) const {
  std::vector<PassageMention> out;
  for (const auto& part : parts_) {
    const auto place = part.segment->FindName(name);
    if (!place) continue;
    const auto range = part.segment->MentionsOfName(*place);
    for (auto at = range.begin; at < range.end; ++at) {
      const auto mention = part.segment->MentionOfName(at);
      if (!part.IsLive(mention.ordinal)) continue;
      if (out.size() == max) return {};
      out.push_back({.passage = part.segment->Passage(mention.ordinal), .hold = mention.hold});
    }
  }
  const auto buffered = buffer_.PassagesOf(name);
  if (out.size() + buffered.size() > max) return {};
  for (const auto mention : buffered) {
    out.push_back({.passage = mention >> 2, .hold = HoldOfMention(mention)});
  }
  const auto place = [](const auto& end) { return std::pair(end.passage, end.hold); };
  if (!std::ranges::is_sorted(out, {}, place)) std::ranges::sort(out, {}, place);
  return out;
}

template <class Take>
void NamesGraph::ForEachNameOf(std::uint64_t passage, const Take& take) const {
  for (const auto mention : buffer_.NamesOf(passage)) take(mention);
  for (const auto& part : parts_) {
    const auto ordinal = part.FindLive(passage);
    if (!ordinal) continue;
    const auto range = part.segment->MentionsOfPassage(*ordinal);
    for (auto at = range.begin; at < range.end; ++at) take(part.segment->PassageMention(at));
  }
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
    for (auto& [passage, share] : sum) share *= 1 - kDamping;
    double kept = 1 - kDamping;
    for (int step = 1; step <= kSteps; ++step) {
      kept *= kDamping;
      Shares next_passages = FromNames(names);
      Shares next_names = FromPassages(passages);
      for (const auto& [passage, share] : next_passages) sum[passage] += kept * share;
      names = std::move(next_names);
      passages = std::move(next_passages);
    }
    for (const auto& [passage, share] : sum) {
      if (share > 0) answer.passages.push_back({.passage = passage, .share = share});
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
    const auto name = NameIdOf(normal);
    const auto& view = ViewOf(name);
    if (view.ends.empty() || (only_titles && !view.titled)) return false;
    // The rarer, the more it says.
    restart_[name] += 1 / std::sqrt(static_cast<double>(view.ends.size()));
    texts.push_back(question.substr(words.front().begin, words.back().end - words.front().begin));
    titles += view.titled ? 1 : 0;
    return true;
  }

  // What the caller may see of a name: nothing of it comes from other passages.
  struct View {
    std::vector<PassageMention> ends;
    bool titled = false;
  };
  const View& ViewOf(NameId name) {
    const auto [found, fresh] = views_.try_emplace(name);
    auto& view = found->second;
    if (!fresh) return view;
    view.ends = graph_.PassagesOf(name, kPassagesMax);
    std::erase_if(view.ends, [this](const auto& end) { return !Allowed(end.passage); });
    view.titled =
        std::ranges::any_of(view.ends, [](const auto& end) { return end.hold == Hold::kTitle; });
    if (!view.titled) {
      std::erase_if(view.ends, [](const auto& end) { return end.hold == Hold::kPart; });
    }
    return view;
  }

  static double WeightOf(Hold hold) { return hold == Hold::kTitle ? kTitleWeight : 1; }

  bool Allowed(std::uint64_t passage) {
    ++edges_;
    if (!filter_) return true;
    const auto [at, fresh] = allowed_.emplace(passage, false);
    if (fresh) at->second = filter_(passage);
    return at->second;
  }

  void Seed(std::span<const PassageShare> seeds) {
    double sum = 0;
    for (const auto& seed : seeds.first(std::min(seeds.size(), kSeedsMax))) {
      if (seed.share <= 0 || !graph_.Has(seed.passage)) continue;
      found_[seed.passage] = seed.share;
      seeds_[seed.passage] = seed.share;
      sum += seed.share;
    }
    for (auto& [passage, share] : seeds_) share *= kSeedShare / sum;
    double names = 0;
    for (const auto& [name, share] : restart_) names += share;
    const double all = seeds_.empty() ? 1 : 1 - kSeedShare;
    for (auto& [name, share] : restart_) share *= all / names;
  }

  // What a passage weighs at the end of an edge.
  double PassageWeight(const PassageMention& end) const {
    const auto score = found_.find(end.passage);
    return WeightOf(end.hold) * (kUnfoundWeight + (score == found_.end() ? 0 : score->second));
  }

  Shares FromNames(const Shares& names) {
    Shares out;
    for (const auto& [name, share] : names) {
      if (share < kShareMin) continue;
      const auto& view = ViewOf(name);
      double sum = 0;
      for (const auto& end : view.ends) sum += PassageWeight(end);
      for (const auto& end : view.ends) out[end.passage] += share * PassageWeight(end) / sum;
    }
    return out;
  }

  Shares FromPassages(const Shares& passages) {
    Shares out;
    std::vector<std::uint64_t> ends;
    for (const auto& [passage, share] : passages) {
      if (share < kShareMin) continue;
      ends.clear();
      double sum = 0;
      graph_.ForEachNameOf(passage, [&](std::uint64_t mention) {
        const auto& view = ViewOf(NameOfMention(mention));
        const auto hold = HoldOfMention(mention);
        // A name of this passage alone leads back to it only.
        const bool leads_on = view.ends.size() > 1 || (view.titled && view.ends.size() == 1);
        if (!leads_on || (hold == Hold::kPart && !view.titled)) return;
        ends.push_back(mention);
        sum += WeightOf(hold);
      });
      for (const auto mention : ends) {
        out[NameOfMention(mention)] += share * WeightOf(HoldOfMention(mention)) / sum;
      }
    }
    return out;
  }

  const NamesGraph& graph_;
  const PassageFilter& filter_;
  Shares restart_;  // names
  Shares seeds_;    // passages
  Shares found_;    // scores of the passages that search found
  boost::unordered_flat_map<std::uint64_t, bool> allowed_;
  std::unordered_map<NameId, View> views_;  // references to its values stay good
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
