#include "domain/refusal.h"

#include <algorithm>
#include <array>

namespace strata::domain {
namespace {

struct Refusal {
  std::string_view language;
  std::string_view whole;
  std::string_view not_said;
};

// English first.
constexpr auto kRefusals = std::to_array<Refusal>({
    {"en", "The sources do not answer this question.", "The sources do not say:"},
    {"de", "Die Quellen beantworten diese Frage nicht.", "Die Quellen sagen nicht:"},
    {"fr", "Les sources ne répondent pas à cette question.", "Les sources ne disent pas :"},
    {"es", "Las fuentes no responden a esta pregunta.", "Las fuentes no dicen:"},
    {"it", "Le fonti non rispondono a questa domanda.", "Le fonti non dicono:"},
    {"pt", "As fontes não respondem a esta pergunta.", "As fontes não dizem:"},
    {"nl", "De bronnen beantwoorden deze vraag niet.", "De bronnen zeggen niet:"},
    {"sv", "Källorna besvarar inte den här frågan.", "Källorna säger inte:"},
    {"da", "Kilderne besvarer ikke dette spørgsmål.", "Kilderne siger ikke:"},
    {"no", "Kildene besvarer ikke dette spørsmålet.", "Kildene sier ikke:"},
    {"fi", "Lähteet eivät vastaa tähän kysymykseen.", "Lähteet eivät kerro:"},
    {"pl", "Źródła nie odpowiadają na to pytanie.", "Źródła nie mówią:"},
    {"cs", "Zdroje na tuto otázku neodpovídají.", "Zdroje neříkají:"},
    {"tr", "Kaynaklar bu soruyu yanıtlamıyor.", "Kaynaklar şunu söylemiyor:"},
    {"ru", "Источники не отвечают на этот вопрос.", "Источники не говорят:"},
    {"uk", "Джерела не відповідають на це запитання.", "Джерела не кажуть:"},
    {"ja", "資料はこの質問に答えていません。", "資料に書かれていないこと:"},
    {"zh", "资料没有回答这个问题。", "资料没有说明:"},
    {"ko", "자료는 이 질문에 답하지 않습니다.", "자료에 없는 내용:"},
});

static_assert(std::ranges::all_of(kRefusals, [](const Refusal& refusal) {
  return refusal.whole.size() <= kRefusalBytesMax;
}));

const Refusal& In(std::string_view language) {
  const auto* at = std::ranges::find(kRefusals, language, &Refusal::language);
  return at == kRefusals.end() ? kRefusals.front() : *at;
}

}  // namespace

std::string_view RefusalIn(std::string_view language) { return In(language).whole; }

std::string_view NotSaidIn(std::string_view language) { return In(language).not_said; }

bool IsRefusal(std::string_view text) {
  return std::ranges::find(kRefusals, text, &Refusal::whole) != kRefusals.end();
}

bool HoldsRefusal(std::string_view text) {
  return std::ranges::any_of(kRefusals,
                             [&](const Refusal& refusal) { return text.contains(refusal.whole); });
}

bool BeginsRefusal(std::string_view text) {
  return !text.empty() && std::ranges::any_of(kRefusals, [&](const Refusal& refusal) {
    return refusal.whole.starts_with(text);
  });
}

}  // namespace strata::domain
