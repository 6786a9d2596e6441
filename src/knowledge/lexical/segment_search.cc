#include "knowledge/lexical/segment_search.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

namespace strata::knowledge::lexical {
namespace {

class MaxScore {
 public:
  MaxScore(std::vector<PostingCursor>& cursors, const Segment& segment, const MayEnter& may_enter,
           TopHits& hits)
      : segment_(segment), may_enter_(may_enter), hits_(hits) {
    for (PostingCursor& cursor : cursors) {
      words_.push_back({.cursor = &cursor, .rarity = 1 / static_cast<float>(cursor.count())});
    }
  }

  SegmentSearchStats Run() {
    std::uint32_t base = 0;
    while (base < segment_.documents()) base = SearchWindow(base);
    return stats_;
  }

 private:
  struct Word {
    PostingCursor* cursor = nullptr;
    float rarity = 0;
    std::uint32_t bound = 0;  // of the window
  };
  struct Candidate {
    std::uint32_t document = 0;
    std::uint64_t score = 0;
  };

  static std::uint32_t After(std::uint32_t document) {
    return document == kNoDocument ? kNoDocument : document + 1;
  }

  // Searches the documents from `base` on, as many as there are in a window at most; returns the
  // first that is left.
  std::uint32_t SearchWindow(std::uint32_t base) {
    const std::uint32_t end = base + std::min(kWindowDocuments, segment_.documents() - base);
    const std::uint32_t bounded = After(Bound(base, end));
    if (!hits_.CanEnter(bound_)) return bounded;
    const auto leading = Split();
    std::uint32_t first = kNoDocument;
    for (const Word& word : leading) {
      word.cursor->Advance(base);
      first = std::min(first, word.cursor->document());
    }
    // Without the words that lead there is nothing, as long as the bounds are these.
    if (first >= end) return std::min(first, bounded);
    AddLeading(leading, base, end);
    for (std::size_t i = following_; i-- > 0;) AddFollowing(words_[i]);
    for (const Candidate& found : candidates_) Enter(found);
    return end;
  }

  // Sets the bounds of the window. They hold up to the document returned, beyond `end` perhaps.
  std::uint32_t Bound(std::uint32_t base, std::uint32_t end) {
    std::uint32_t last = kNoDocument;
    bound_ = 0;
    for (Word& word : words_) {
      const auto range = word.cursor->LookAtRange(base, end);
      word.bound = range.bound;
      bound_ += range.bound;
      last = std::min(last, range.last);
    }
    return last;
  }

  // Puts words to the front that follow: together they are not enough for the hits, so that a hit
  // has one of the others, which lead. Those with many postings for what they score go first.
  std::span<Word> Split() {
    std::ranges::sort(
        words_, {}, [](const Word& word) { return static_cast<float>(word.bound) * word.rarity; });
    following_ = 0;
    following_bound_ = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const auto with = following_bound_ + words_[i].bound;
      if (hits_.CanEnter(with)) continue;
      following_bound_ = with;
      std::swap(words_[i], words_[following_++]);
    }
    return std::span(words_).subspan(following_);
  }

  // Makes candidates of the documents that have a leading word and may still be hits.
  void AddLeading(std::span<const Word> leading, std::uint32_t base, std::uint32_t end) {
    for (const Word& word : leading) {
      // What is not enough with all that the other words could add.
      const std::uint64_t others = bound_ - word.bound;
      const std::uint64_t needed = hits_.threshold();
      word.cursor->AddScores(base, end, needed > others ? needed - others : 0, window_);
    }
    candidates_.clear();
    window_.Drain([&](std::uint32_t at, std::uint64_t score) {
      stats_.scored += 1;
      if (hits_.CanEnter(score + following_bound_)) {
        candidates_.push_back({.document = base + at, .score = score});
      }
    });
  }

  // Adds a word that follows to the candidates, all of which may be hits with its bound, and drops
  // those that cannot be any more. Its bound is out of following_bound_ then.
  void AddFollowing(const Word& word) {
    PostingCursor& cursor = *word.cursor;
    following_bound_ -= word.bound;
    std::size_t kept = 0;
    for (Candidate found : candidates_) {
      if (cursor.document() < found.document) {
        cursor.LookAt(found.document);
        if (!hits_.CanEnter(found.score + following_bound_ + cursor.block_bound())) continue;
        cursor.Advance(found.document);
      }
      if (cursor.document() == found.document) found.score += cursor.Score();
      if (hits_.CanEnter(found.score + following_bound_)) candidates_[kept++] = found;
    }
    candidates_.resize(kept);
  }

  void Enter(const Candidate& found) {
    if (!hits_.CanEnter(found.score)) return;
    const auto id = segment_.Id(found.document);
    if (hits_.Wants(found.score, id) && may_enter_(found.document)) hits_.Add(found.score, id);
  }

  const Segment& segment_;
  const MayEnter& may_enter_;
  TopHits& hits_;
  std::vector<Word> words_;
  std::size_t following_ = 0;  // how many of the words follow
  std::uint64_t bound_ = 0;    // sum over all words
  std::uint64_t following_bound_ = 0;
  ScoreWindow window_;
  std::vector<Candidate> candidates_;  // by document
  SegmentSearchStats stats_;
};

}  // namespace

SegmentSearchStats SearchSegment(std::vector<PostingCursor>& cursors, const Segment& segment,
                                 const MayEnter& may_enter, TopHits& hits) {
  // Not on the stack for its size.
  return std::make_unique<MaxScore>(cursors, segment, may_enter, hits)->Run();
}

SegmentSearchStats SearchSegmentForAll(std::vector<PostingCursor>& cursors, std::size_t needed,
                                       const Segment& segment, const MayEnter& may_enter,
                                       TopHits& hits) {
  SegmentSearchStats stats;
  std::vector<PostingCursor*> all;
  for (PostingCursor& cursor : std::span(cursors).first(needed)) all.push_back(&cursor);
  std::ranges::sort(all, {}, &PostingCursor::count);
  std::uint32_t target = 0;
  while (true) {
    // The first document at or after `target` that none of them is known to lack.
    auto document = target;
    for (PostingCursor* cursor : all) {
      if (cursor->document() < document) cursor->Advance(document);
      document = cursor->document();
      if (document != target) break;
    }
    if (document == kNoDocument) return stats;
    if (std::exchange(target, document) != document) continue;
    std::uint64_t score = 0;
    for (PostingCursor& cursor : cursors) {
      if (cursor.document() < document) cursor.Advance(document);
      if (cursor.document() == document) score += cursor.Score();
    }
    stats.scored += 1;
    const auto id = segment.Id(document);
    if (hits.Wants(score, id) && may_enter(document)) hits.Add(score, id);
    target = document + 1;
  }
}

SegmentSearchStats SearchSegmentExhaustively(std::vector<PostingCursor>& cursors,
                                             const Segment& segment, const MayEnter& may_enter,
                                             TopHits& hits) {
  SegmentSearchStats stats;
  while (true) {
    std::uint32_t document = kNoDocument;
    for (const PostingCursor& cursor : cursors) document = std::min(document, cursor.document());
    if (document == kNoDocument) return stats;
    std::uint64_t score = 0;
    for (PostingCursor& cursor : cursors) {
      if (cursor.document() != document) continue;
      score += cursor.Score();
      cursor.Advance(document + 1);
    }
    stats.scored += 1;
    const auto id = segment.Id(document);
    if (hits.Wants(score, id) && may_enter(document)) hits.Add(score, id);
  }
}

}  // namespace strata::knowledge::lexical
