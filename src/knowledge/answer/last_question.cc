#include "knowledge/answer/last_question.h"

namespace strata::knowledge {

std::string_view LastQuestion(std::string_view text) {
  if (const auto turn = text.rfind(kTurnBreak); turn != std::string_view::npos) {
    text.remove_prefix(turn + kTurnBreak.size());
  }
  const auto end = text.find_last_of('?');
  if (end == std::string_view::npos || end == 0) return text;
  const auto before = text.find_last_of('?', end - 1);
  return text.substr(before == std::string_view::npos ? 0 : before + 1);
}

}  // namespace strata::knowledge
