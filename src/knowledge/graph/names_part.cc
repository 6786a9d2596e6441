#include "knowledge/graph/names_part.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <utility>

namespace strata::knowledge::graph {
namespace {

constexpr std::uint32_t kGone = std::numeric_limits<std::uint32_t>::max();

std::unexpected<Error> OutOfOrder() {
  return Fail(Code::kCorruption, "a names segment has its numbers in no order");
}

// Goes through several parts at once, in the order of passages or names.
class Merger {
 public:
  Merger(std::span<const NamesPart> parts, const NamesSink& sink) : parts_(parts), writer_(sink) {
    for (const auto& part : parts_) new_ordinals_.emplace_back(part.segment->passages(), kGone);
  }

  Result<> Run() {
    std::uint32_t next = 0;
    STRATA_CHECK_OK(ForEachPassage([&](const NamesPart& part, std::size_t of, std::uint32_t old) {
      new_ordinals_[of][old] = next++;
      const auto range = part.segment->MentionsOfPassage(old);
      writer_.Passage(part.segment->Passage(old), part.segment->Fingerprint(old),
                      range.end - range.begin);
    }));
    STRATA_CHECK_OK(ForEachPassage([&](const NamesPart& part, std::size_t, std::uint32_t old) {
      const auto range = part.segment->MentionsOfPassage(old);
      for (auto at = range.begin; at < range.end; ++at) {
        writer_.PassageMention(part.segment->PassageMention(at));
      }
    }));
    STRATA_CHECK_OK(ForEachName([&](NameId name, const std::vector<Mention>& mentions) {
      writer_.Name(name, static_cast<std::uint32_t>(mentions.size()));
    }));
    STRATA_CHECK_OK(ForEachName([&](NameId, const std::vector<Mention>& mentions) {
      for (const auto& mention : mentions) writer_.NameMention(mention.ordinal, mention.hold);
    }));
    return writer_.Finish();
  }

 private:
  using Mention = NamesSegment::NameMention;

  // Calls `take` for each live passage, ascending.
  Result<> ForEachPassage(
      const std::function<void(const NamesPart&, std::size_t of, std::uint32_t ordinal)>& take) {
    std::vector<std::uint32_t> at(parts_.size());
    std::optional<std::uint64_t> last;
    for (;;) {
      std::size_t first = parts_.size();
      std::uint64_t row = 0;
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto& part = parts_[i];
        while (at[i] < part.segment->passages() && !part.IsLive(at[i])) ++at[i];
        if (at[i] == part.segment->passages()) continue;
        const auto candidate = part.segment->Passage(at[i]);
        if (first != parts_.size() && candidate >= row) continue;
        first = i;
        row = candidate;
      }
      if (first == parts_.size() || writer_.failed()) return {};
      if (last && row <= *last) return OutOfOrder();
      last = row;
      take(parts_[first], first, at[first]++);
    }
  }

  // Calls `take` for each name that live passages hold, ascending, with those who do.
  Result<> ForEachName(const std::function<void(NameId, const std::vector<Mention>&)>& take) {
    std::vector<std::uint32_t> at(parts_.size());
    std::vector<Mention> mentions;
    std::optional<NameId> last;
    for (;;) {
      std::optional<NameId> name;
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (at[i] == parts_[i].segment->names()) continue;
        const auto candidate = parts_[i].segment->Name(at[i]);
        if (!name || candidate < *name) name = candidate;
      }
      if (!name || writer_.failed()) return {};
      if (last && *name <= *last) return OutOfOrder();
      last = name;
      mentions.clear();
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto& segment = *parts_[i].segment;
        if (at[i] == segment.names() || segment.Name(at[i]) != *name) continue;
        const auto range = segment.MentionsOfName(at[i]++);
        for (auto j = range.begin; j < range.end; ++j)
          Collect(segment.MentionOfName(j), i, mentions);
      }
      if (mentions.empty()) continue;
      std::ranges::sort(mentions, {},
                        [](const Mention& held) { return std::pair(held.ordinal, held.hold); });
      take(*name, mentions);
    }
  }

  void Collect(Mention mention, std::size_t of, std::vector<Mention>& mentions) const {
    const auto& ordinals = new_ordinals_[of];
    if (mention.ordinal >= ordinals.size() || ordinals[mention.ordinal] == kGone) return;
    mention.ordinal = ordinals[mention.ordinal];
    mentions.push_back(mention);
  }

  std::span<const NamesPart> parts_;
  NamesSegmentWriter writer_;
  std::vector<std::vector<std::uint32_t>> new_ordinals_;  // by part and old ordinal
};

}  // namespace

void NamesPart::SetAll() {
  for (std::uint32_t i = 0; i < segment->passages(); ++i) Set(i);
}

std::optional<std::uint32_t> NamesPart::FindLive(std::uint64_t passage) const {
  const auto ordinal = segment->FindPassage(passage);
  return ordinal && IsLive(*ordinal) ? ordinal : std::nullopt;
}

std::vector<std::uint64_t> NamesPart::GoneIn(const NamesPart& later) const {
  std::vector<std::uint64_t> gone;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    for (auto word = live_[i] & ~later.live_[i]; word != 0; word &= word - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(word));
      gone.push_back(segment->Passage(static_cast<std::uint32_t>(i * 64) + bit));
    }
  }
  return gone;
}

std::size_t NamesPart::memory_bytes() const {
  return live_.capacity() * sizeof(std::uint64_t) + (file == 0 ? segment->bytes() : 0);
}

Result<> MergeNames(std::span<const NamesPart> parts, const NamesSink& sink) {
  return Merger(parts, sink).Run();
}

}  // namespace strata::knowledge::graph
