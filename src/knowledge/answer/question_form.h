#pragma once
// How a question is put: whether it asks for a fact or for a description, and which of its words an
// answer must speak of.

#include <string_view>

#include "knowledge/answer/question.h"

namespace strata::knowledge {

// Sets `closed`, and `cue` and `salience` of the words; everything else is there already.
void WeighForm(std::string_view text, Question& question);

}  // namespace strata::knowledge
