#pragma once
// The Responses API of the fake OpenAI: created, streamed, stored and asked for again. What it
// stores is the process's.

#include "tests/fakes/strata_fake_provider/vendor.h"

namespace strata::fakes::openai {

bool IsResponses(std::string_view path);
Checked CheckResponses(const Exchange& exchange);
Reply AnswerResponses(const Exchange& exchange, const FakeAnswer& answer);

}  // namespace strata::fakes::openai
