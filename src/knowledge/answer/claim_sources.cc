#include "knowledge/answer/claim_sources.h"

#include <string_view>
#include <utility>

namespace strata::knowledge {
namespace {

// Whether a sentence is a line of its own that ends as no sentence does.
bool IsHeading(std::string_view text, const PoolSentence& sentence) {
  constexpr std::size_t kBytesMax = 120;
  const auto [begin, end] = sentence.span;
  if (!sentence.label.empty() || sentence.features.complete > 0 || end - begin > kBytesMax) {
    return false;
  }
  const auto line = text.substr(begin, end - begin);
  if (line.starts_with("- ") || line.starts_with("* ") || line.find('\n') != line.npos)
    return false;
  const bool begins = begin == 0 || text.substr(0, begin).ends_with("\n\n");
  return begins && text.substr(end).starts_with("\n\n");
}

bool SameDocument(const SourcePassage& a, const SourcePassage& b) {
  return a.origin.document_id == b.origin.document_id &&
         a.origin.source_uri == b.origin.source_uri && a.title == b.title;
}

}  // namespace

ClaimSources::ClaimSources(std::vector<SourcePassage> passages) : passages_(std::move(passages)) {
  for (std::size_t i = 0; i < passages_.size(); ++i) {
    auto numbers = NumbersOf(passages_[i].title);
    for (const auto& heading : passages_[i].headings) {
      for (auto& number : NumbersOf(heading)) numbers.push_back(std::move(number));
    }
    around_.push_back(std::move(numbers));
    std::size_t first = 0;
    while (!SameDocument(passages_[first], passages_[i])) ++first;
    document_.push_back(first);
  }
}

void ClaimSources::Read(const SentencePool& pool) {
  if (facts_.size() == pool.sentences.size()) return;
  std::size_t heading = SIZE_MAX;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& sentence = pool.sentences[i];
    if (i > 0 && pool.sentences[i - 1].passage != sentence.passage) heading = SIZE_MAX;
    const auto said = TextOf(sentence, passages_);
    facts_.push_back({.numbers = NumbersOf(said),
                      .units = UnitsOf(said),
                      .is_heading = IsHeading(passages_[sentence.passage].text, sentence),
                      .heading = heading});
    if (facts_.back().is_heading) heading = i;
  }
}

std::string ClaimSources::AroundOf(const SentencePool& pool, std::size_t i) const {
  const auto& sentence = pool.sentences[i];
  const auto& passage = passages_[sentence.passage];
  std::string around(passage.title);
  for (const auto& heading : passage.headings) around += "\n" + heading;
  const auto add = [&](std::size_t at) {
    const auto [begin, end] = pool.sentences[at].span;
    around += '\n';
    around += passage.text.substr(begin, end - begin);
  };
  if (facts_[i].heading != SIZE_MAX) add(facts_[i].heading);
  if (sentence.leans && i > 0 && pool.sentences[i - 1].passage == sentence.passage) add(i - 1);
  return around;
}

}  // namespace strata::knowledge
