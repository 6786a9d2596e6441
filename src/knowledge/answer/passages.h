#pragma once
// Retrieved chunks as passages that may be quoted, and the question that a conversation amounts to.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answerer.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Views of `chunks`, which must outlive them and not move. document_index is the chunk's place.
std::vector<SourcePassage> PassagesOf(const std::vector<RetrievedChunk>& chunks);

// Passages as they stand in a prompt, and their text there.
struct TakenPassages {
  std::vector<RetrievedChunk> passages;
  std::string text;
};

// Writes a passage with its number, from 1 on.
using PassageWriter = std::string (*)(std::size_t number, const RetrievedChunk& passage);

// Of `passages` those that fit into `bytes`, from the first on. The first one is cut at a
// sentence's or a word's end when it does not fit, and left out where a few words of it would not.
TakenPassages TakePassages(const std::vector<RetrievedChunk>& passages, std::int64_t bytes,
                           PassageWriter write);

// The question that a conversation ends with, and its earlier turns. Only text counts.
std::string TakeTurns(const domain::ChatRequest& request, std::vector<Turn>& history);

// A question that leans on the one before ("And in 2011?") with that one in front, `joint` between
// them (kTurnBreak for the extractor, which does not answer that one again); else itself.
std::string StandaloneQuestion(const std::string& question, const std::vector<Turn>& history,
                               std::string_view joint = " ");

}  // namespace strata::knowledge
