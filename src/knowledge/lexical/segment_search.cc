#include "knowledge/lexical/segment_search.h"

#include <algorithm>

namespace strata::knowledge::lexical {
namespace {

class BlockMaxWand {
 public:
  BlockMaxWand(std::vector<PostingCursor>& cursors,
               const std::function<std::uint64_t(std::uint32_t)>& id_of, const MayEnter& may_enter,
               TopHits& hits)
      : id_of_(id_of), may_enter_(may_enter), hits_(hits) {
    for (PostingCursor& cursor : cursors) order_.push_back(&cursor);
    std::ranges::sort(order_, {}, &PostingCursor::document);
  }

  SegmentSearchStats Run() {
    while (FindPivot()) {
      if (!LookAtBlocks()) {
        MoveOne(std::max(next_candidate_, pivot_document_ + 1));
      } else if (order_[0]->document() == pivot_document_) {
        ScorePivot();
      } else {
        MoveOne(pivot_document_);
      }
    }
    return stats_;
  }

 private:
  // The first document that the words up to it could lift into the hits. False: there is none left.
  bool FindPivot() {
    std::uint64_t bound = 0;
    for (pivot_ = 0; pivot_ < order_.size(); ++pivot_) {
      if (order_[pivot_]->document() == kNoDocument) return false;
      bound += order_[pivot_]->bound();
      if (hits_.CanEnter(bound)) break;
    }
    if (pivot_ == order_.size()) return false;
    pivot_document_ = order_[pivot_]->document();
    while (pivot_ + 1 < order_.size() && order_[pivot_ + 1]->document() == pivot_document_) {
      ++pivot_;
    }
    return true;
  }

  // Whether the blocks around the pivot allow enough; sets where it is worth looking next when they
  // do not.
  bool LookAtBlocks() {
    block_bound_ = 0;
    next_candidate_ = pivot_ + 1 < order_.size() ? order_[pivot_ + 1]->document() : kNoDocument;
    for (std::size_t i = 0; i <= pivot_; ++i) {
      order_[i]->LookAt(pivot_document_);
      block_bound_ += order_[i]->block_bound();
      std::uint32_t last = order_[i]->block_last();
      if (last != kNoDocument) next_candidate_ = std::min(next_candidate_, last + 1);
    }
    return hits_.CanEnter(block_bound_);
  }

  // The first cursor is at the pivot's document, and hence, as they are sorted, all up to the pivot
  // are.
  void ScorePivot() {
    stats_.scored += 1;
    // From a sure bound to the score, word by word, until it is too low.
    std::uint64_t score = block_bound_;
    bool enough = true;
    for (std::size_t i = 0; i <= pivot_ && enough; ++i) {
      score = score - order_[i]->block_bound() + order_[i]->Score();
      enough = hits_.CanEnter(score);
    }
    if (enough && hits_.Wants(score, id_of_(pivot_document_)) && may_enter_(pivot_document_)) {
      hits_.Add(score, id_of_(pivot_document_));
    }
    for (std::size_t i = 0; i <= pivot_; ++i) order_[i]->Advance(pivot_document_ + 1);
    for (std::size_t i = pivot_ + 1; i-- > 0;) Sink(i);
  }

  // Moves one word that lies before `target` there: the one that promises most, as it skips most.
  void MoveOne(std::uint32_t target) {
    std::size_t chosen = 0;
    for (std::size_t i = 1; i <= pivot_; ++i) {
      if (order_[i]->document() < target && order_[i]->bound() > order_[chosen]->bound()) {
        chosen = i;
      }
    }
    order_[chosen]->Advance(target);
    Sink(chosen);
  }

  // Puts cursor `at`, which has moved on, where it belongs among the later ones.
  void Sink(std::size_t at) {
    PostingCursor* moved = order_[at];
    while (at + 1 < order_.size() && order_[at + 1]->document() < moved->document()) {
      order_[at] = order_[at + 1];
      ++at;
    }
    order_[at] = moved;
  }

  const std::function<std::uint64_t(std::uint32_t)>& id_of_;
  const MayEnter& may_enter_;
  TopHits& hits_;
  std::vector<PostingCursor*> order_;  // by document
  std::size_t pivot_ = 0;              // the last cursor at the pivot's document
  std::uint32_t pivot_document_ = 0;
  std::uint64_t block_bound_ = 0;
  std::uint32_t next_candidate_ = 0;
  SegmentSearchStats stats_;
};

}  // namespace

SegmentSearchStats SearchSegment(std::vector<PostingCursor>& cursors,
                                 const std::function<std::uint64_t(std::uint32_t)>& id_of,
                                 const MayEnter& may_enter, TopHits& hits) {
  return BlockMaxWand(cursors, id_of, may_enter, hits).Run();
}

SegmentSearchStats SearchSegmentExhaustively(
    std::vector<PostingCursor>& cursors, const std::function<std::uint64_t(std::uint32_t)>& id_of,
    const MayEnter& may_enter, TopHits& hits) {
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
    if (hits.Wants(score, id_of(document)) && may_enter(document)) hits.Add(score, id_of(document));
  }
}

}  // namespace strata::knowledge::lexical
