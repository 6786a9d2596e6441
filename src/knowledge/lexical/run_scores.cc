#include "knowledge/lexical/run_scores.h"

#include <algorithm>
#include <cmath>

namespace strata::knowledge::lexical {
namespace {

// Which documents of a segment the runs touch.
struct Places {
  std::vector<std::uint32_t> ordinals;                    // ascending, live ones
  std::vector<std::pair<std::size_t, std::size_t>> runs;  // begin and end in `ordinals`
};

Places PlacesOf(const LiveSegment& live, std::span<const ChunkRun> runs) {
  Places places;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  const Segment& segment = *live.segment;
  for (const ChunkRun& run : runs) {
    // Rows are handed out in order, so that most runs lie in one segment.
    const bool apart = segment.documents() == 0 || run.last < segment.Id(0) ||
                       run.first > segment.Id(segment.documents() - 1);
    const auto first = apart ? 0 : segment.LowerBound(run.first);
    auto last = first;
    while (!apart && last < segment.documents() && segment.Id(last) <= run.last) ++last;
    ranges.emplace_back(first, last);
    for (auto ordinal = first; ordinal < last; ++ordinal) {
      if (!live.IsDeleted(ordinal)) places.ordinals.push_back(ordinal);
    }
  }
  std::ranges::sort(places.ordinals);
  const auto repeated = std::ranges::unique(places.ordinals);
  places.ordinals.erase(repeated.begin(), repeated.end());
  const auto at = [&](std::uint32_t ordinal) {
    return static_cast<std::size_t>(std::ranges::lower_bound(places.ordinals, ordinal) -
                                    places.ordinals.begin());
  };
  for (const auto& [first, last] : ranges) places.runs.emplace_back(at(first), at(last));
  return places;
}

// Of how many documents the first `postings` ones from `target` on are: chunks of a document follow
// one another.
struct Sample {
  std::size_t postings = 0;
  std::size_t documents = 0;
};
void TakeSample(PostingCursor& cursor, const Segment& segment, std::size_t postings,
                const DocumentsOfChunks& documents, Sample& sample) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < postings && cursor.document() != kNoDocument; ++i) {
    const auto document = documents.of(segment.Id(cursor.document()));
    if (i == 0 || document != last) ++sample.documents;
    ++sample.postings;
    last = document;
    cursor.Advance(cursor.document() + 1);
  }
}

// A word's list in one segment.
struct List {
  std::size_t segment = 0;
  TermEntry entry;
};

// Of a list, or of all of it when it is shorter. Postings that follow one another are taken
// together, as a document whose chunks are cut by an end of them counts too often.
constexpr std::size_t kSampledTogether = 128;
Sample SampleList(const LiveSegment& live, const TermEntry& entry, std::size_t postings,
                  const DocumentsOfChunks& documents) {
  Sample sample;
  PostingCursor cursor(entry.postings, entry.document_frequency, live.segment->lengths());
  if (entry.document_frequency <= postings) {
    TakeSample(cursor, *live.segment, postings, documents, sample);
    return sample;
  }
  const auto places = std::max<std::uint64_t>(postings / kSampledTogether, 1);
  for (std::uint64_t place = 0; place < places; ++place) {
    cursor.Advance(static_cast<std::uint32_t>(live.segment->documents() * place / places));
    TakeSample(cursor, *live.segment, kSampledTogether, documents, sample);
  }
  return sample;
}

class RunScorer {
 public:
  RunScorer(const Snapshot& snapshot, const Bm25Options& options, std::span<const ChunkRun> runs,
            const DocumentsOfChunks& documents)
      : snapshot_(snapshot), documents_(documents), options_(options), lengths_(runs.size()) {
    CorpusStats chunks;
    for (const LiveSegment& live : snapshot.segments) {
      chunks.documents += live.segment->documents();
      chunks.length += live.segment->length();
      places_.push_back(PlacesOf(live, runs));
      for (std::size_t run = 0; run < runs.size(); ++run) {
        const auto [begin, end] = places_.back().runs[run];
        for (auto i = begin; i < end; ++i) lengths_[run] += LengthOf(live, i);
      }
    }
    count_ = documents.of ? documents.count : chunks.documents;
    const auto average = static_cast<double>(chunks.length) /
                         static_cast<double>(std::max<std::uint64_t>(chunks.documents, 1));
    typical_length_ = std::max(average * (documents.of ? documents.typical_chunks : 1), 1.0);
    scores_.resize(runs.size());
  }

  Result<void> Add(const std::string& word, std::uint32_t repeats, double share) {
    std::vector<List> lists;
    std::uint64_t postings = 0;
    for (std::size_t number = 0; number < snapshot_.segments.size(); ++number) {
      STRATA_TRY(const auto entry, snapshot_.segments[number].segment->FindTerm(word));
      if (!entry) continue;
      lists.push_back({.segment = number, .entry = *entry});
      postings += entry->document_frequency;
    }
    std::vector<double> frequencies(scores_.size());
    double in_documents = 0;
    for (const List& list : lists) {
      STRATA_TRY(const auto share_of, DocumentsOfPostings(list, postings));
      in_documents += static_cast<double>(list.entry.document_frequency) * share_of;
      STRATA_CHECK_OK(Count(list, frequencies));
    }
    const CorpusStats corpus{.documents = count_, .length = 0};
    const auto weight = share * kScoreUnit *
                        TermWeight(corpus, static_cast<std::uint64_t>(std::llround(in_documents)),
                                   repeats, options_.k1);
    for (std::size_t run = 0; run < scores_.size(); ++run) {
      if (frequencies[run] == 0) continue;
      const auto length = static_cast<double>(lengths_[run]) / typical_length_;
      const double norm = options_.k1 * (1 - options_.b + options_.b * length);
      scores_[run] += weight * frequencies[run] / (frequencies[run] + norm);
    }
    return {};
  }

  std::vector<float> Take() const { return {scores_.begin(), scores_.end()}; }

 private:
  static std::unexpected<Error> Damaged() {
    return Fail(Code::kCorruption, "a lexical segment has a damaged list of postings");
  }

  // How many documents there are for each of a word's postings, of which all segments together have
  // `postings`.
  Result<double> DocumentsOfPostings(const List& list, std::uint64_t postings) const {
    if (!documents_.of) return 1.0;
    // Each list gives its part of the sample.
    const auto part = kSampledPostings * list.entry.document_frequency / postings;
    const auto wanted = postings <= kSampledPostings ? kSampledPostings : part;
    const LiveSegment& live = snapshot_.segments[list.segment];
    const auto sample = SampleList(live, list.entry, wanted, documents_);
    if (sample.postings == 0) return Damaged();
    return static_cast<double>(sample.documents) / static_cast<double>(sample.postings);
  }

  std::uint32_t LengthOf(const LiveSegment& live, std::size_t place) const {
    const auto ordinal = places_.back().ordinals[place];
    return DecodeLength(static_cast<std::uint8_t>(live.segment->lengths()[ordinal]));
  }

  // Adds how often each run has the word.
  Result<void> Count(const List& list, std::vector<double>& frequencies) const {
    const Places& places = places_[list.segment];
    if (places.ordinals.empty()) return {};
    const LiveSegment& live = snapshot_.segments[list.segment];
    PostingCursor cursor(list.entry.postings, list.entry.document_frequency,
                         live.segment->lengths());
    std::vector<std::uint32_t> counts(places.ordinals.size());
    for (std::size_t i = 0; i < counts.size(); ++i) {
      cursor.Advance(places.ordinals[i]);
      if (cursor.document() == places.ordinals[i]) counts[i] = cursor.frequency();
    }
    if (cursor.damaged()) return Damaged();
    for (std::size_t run = 0; run < frequencies.size(); ++run) {
      const auto [begin, end] = places.runs[run];
      for (auto i = begin; i < end; ++i) frequencies[run] += counts[i];
    }
    return {};
  }

  const Snapshot& snapshot_;
  const DocumentsOfChunks& documents_;
  const Bm25Options options_;
  std::vector<Places> places_;          // by segment
  std::vector<std::uint64_t> lengths_;  // by run, in words
  std::vector<double> scores_;
  std::uint64_t count_ = 0;  // of documents
  double typical_length_ = 1;
};

}  // namespace

Result<std::vector<float>> ScoreRunsOf(const Snapshot& snapshot,
                                       const std::map<std::string, std::uint32_t>& words,
                                       const Bm25Options& options, std::span<const ChunkRun> runs,
                                       const DocumentsOfChunks& documents,
                                       const std::set<std::string>& guessed) {
  RunScorer scorer(snapshot, options, runs, documents);
  for (const auto& [word, repeats] : words) {
    STRATA_CHECK_OK(scorer.Add(word, repeats, guessed.contains(word) ? kGuessedWeight : 1));
  }
  return scorer.Take();
}

}  // namespace strata::knowledge::lexical
