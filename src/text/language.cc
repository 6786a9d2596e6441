#include "text/language.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "base/utf8.h"
#include "text/normalize.h"

namespace strata::text {
namespace {

constexpr std::size_t kBytesMax = 8192;

struct LanguageWords {
  std::string_view code;
  std::string_view words;  // frequent ones and those that ask, each between spaces
};

constexpr std::array kLanguages = {
    LanguageWords{"en",
                  " the of and to in is that for it with as was on be are this by from which not"
                  " you who what when where how why does i a an can may do my we has have or if"
                  " at much many would should am me "},
    LanguageWords{"de",
                  " der die und das den von zu mit ist des im nicht ein eine für auf dem sich"
                  " auch als wie was wer wann wo warum welche wird sind kann ich wir man mein"
                  " meinen mich soll muss darf dürfen hat haben viel viele gibt wieviel "},
    LanguageWords{"fr",
                  " le la les de des et du un une est que dans pour qui sur pas au avec par ce il"
                  " quel quelle quels quelles où quand comment pourquoi combien l d qu n j je on"
                  " mon ma mes puis faut sont a y "},
    LanguageWords{"es",
                  " el la los las de que y en un una por con para es del se no lo como más su"
                  " qué quién cuándo dónde cómo cuál cuánto cuánta cuántos puedo mi hay"
                  " cuesta tengo hasta "},
    LanguageWords{"it",
                  " il la di che e un una per in con non è del della sono le gli si da come i"
                  " cosa chi quando dove perché quale quali quanto quanti l mi posso costa ci "},
    LanguageWords{"pt",
                  " o a os as de que e do da em um uma para com não por se no na dos mais quem"
                  " quando onde como qual quais quanto quantos é eu meu minha posso há custa "},
    LanguageWords{"nl",
                  " de het een van en in is dat op te zijn met voor niet aan er ook als door bij"
                  " wat wie wanneer waar hoe welke waarom hoeveel ik mijn mag kan heeft hebben "},
    LanguageWords{"sv",
                  " och att det som en på är av för med den till inte ett om har jag var de i"
                  " vad vem när hur vilken vilka varför "},
    LanguageWords{"da",
                  " og at det som en på er af for med den til ikke et om har jeg var de i hvad"
                  " hvem hvornår hvor hvordan hvilken hvorfor "},
    LanguageWords{"no",
                  " og at det som en på er av for med den til ikke et om har jeg var de i hva"
                  " hvem når hvor hvordan hvilken hvorfor "},
    LanguageWords{"fi",
                  " ja on ei se että hän oli mutta niin kun joka ovat tai myös mitä sen olla"
                  " kuka milloin missä miten mikä miksi kuinka "},
    LanguageWords{"pl",
                  " i w na z do się nie jest to że o jak po co za od przez dla są był kto"
                  " kiedy gdzie który dlaczego ile czy "},
    LanguageWords{"cs",
                  " a se na je v že s to z do o i jako ve by pro za od jsem byl co kdo kdy kde"
                  " který proč kolik "},
    LanguageWords{"tr",
                  " ve bir bu da de için ile çok daha olarak gibi ne olan en var kadar sonra"
                  " kim nerede nasıl hangi neden kaç mi "},
};

struct ScriptLanguage {
  UScriptCode script;
  std::string_view code;
};

constexpr std::array kScripts = {
    ScriptLanguage{USCRIPT_HIRAGANA, "ja"},   ScriptLanguage{USCRIPT_KATAKANA, "ja"},
    ScriptLanguage{USCRIPT_HAN, "zh"},        ScriptLanguage{USCRIPT_HANGUL, "ko"},
    ScriptLanguage{USCRIPT_CYRILLIC, "ru"},   ScriptLanguage{USCRIPT_GREEK, "el"},
    ScriptLanguage{USCRIPT_HEBREW, "he"},     ScriptLanguage{USCRIPT_ARABIC, "ar"},
    ScriptLanguage{USCRIPT_DEVANAGARI, "hi"}, ScriptLanguage{USCRIPT_THAI, "th"},
    ScriptLanguage{USCRIPT_LATIN, "latin"},
};

// Letters per entry of kScripts; others are not counted.
std::map<std::string_view, std::size_t> CountScripts(std::string_view text, bool& ukrainian) {
  std::map<std::string_view, std::size_t> counts;
  std::size_t ascii = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      auto lower = static_cast<unsigned char>(text[at++] | 0x20);
      ascii += lower >= 'a' && lower <= 'z' ? 1 : 0;
      continue;
    }
    std::size_t size = std::max<std::size_t>(Utf8SequenceSize(text, at), 1);
    std::string_view letter = text.substr(at, size);
    at += size;
    if (size == 1) continue;  // no valid sequence
    auto code_point =
        static_cast<UChar32>(static_cast<unsigned char>(letter[0]) & (0xFF >> (size + 1)));
    for (char c : letter.substr(1))
      code_point = (code_point << 6) | (static_cast<unsigned char>(c) & 0x3F);
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(code_point, &status);
    auto found = std::ranges::find(kScripts, script, &ScriptLanguage::script);
    if (found != kScripts.end()) counts[found->code] += 1;
    ukrainian |= letter == "і" || letter == "ї" || letter == "є" || letter == "ґ";
  }
  if (ascii > 0) counts["latin"] += ascii;
  return counts;
}

// Of each frequent word, one bit a language that has it.
const std::unordered_map<std::string_view, std::uint32_t>& FrequentWords() {
  static const auto kWords = [] {
    std::unordered_map<std::string_view, std::uint32_t> out;
    for (std::size_t l = 0; l < kLanguages.size(); ++l) {
      auto rest = kLanguages[l].words.substr(1);
      while (!rest.empty()) {
        auto end = rest.find(' ');
        out[rest.substr(0, end)] |= 1U << l;
        rest.remove_prefix(end + 1);
      }
    }
    return out;
  }();
  return kWords;
}

bool IsBreak(char c) {
  static constexpr auto kBreaks = [] {
    std::array<bool, 256> out{};
    for (char mark : std::string_view(" \t\r\n.,;:!?()[]{}\"'*_/\\|<>#")) {
      out[static_cast<unsigned char>(mark)] = true;
    }
    return out;
  }();
  return kBreaks[static_cast<unsigned char>(c)];
}

std::string ByWords(std::string_view text) {
  std::array<std::size_t, kLanguages.size()> scores{};
  std::size_t words = 0;
  std::string folded = FoldCase(text);
  // "¿Quién", "«le", "l’eau": what U+0080 to U+00BF and U+2000 to U+203F hold, such as these
  // marks, belongs to no word.
  for (std::size_t at = 0; at + 1 < folded.size(); ++at) {
    if (folded[at] == '\xC2') folded[at] = folded[at + 1] = ' ';
    const bool mark = folded[at] == '\xE2' && folded[at + 1] == '\x80' && at + 2 < folded.size();
    if (mark) folded[at] = folded[at + 1] = folded[at + 2] = ' ';
  }
  const auto& frequent = FrequentWords();
  for (std::size_t at = 0; at < folded.size();) {
    while (at < folded.size() && IsBreak(folded[at])) ++at;
    std::size_t end = at;
    while (end < folded.size() && !IsBreak(folded[end])) ++end;
    if (end == at) break;
    auto found = frequent.find(std::string_view(folded).substr(at, end - at));
    if (found != frequent.end()) {
      for (std::size_t l = 0; l < scores.size(); ++l) scores[l] += found->second >> l & 1U;
    }
    words += 1;
    at = end;
  }
  auto most = static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
  std::string_view best = scores[most] > 0 ? kLanguages[most].code : std::string_view();
  // Running text holds at least one such word in eight; tables of names and code do not.
  bool sure = !best.empty() && scores[most] >= 2 && 8 * scores[most] >= words;
  return std::string(sure ? best : std::string_view());
}

}  // namespace

std::string GuessLanguage(std::string_view text) {
  text = Utf8Prefix(text, kBytesMax);
  bool ukrainian = false;
  auto counts = CountScripts(text, ukrainian);
  std::string_view best;
  std::size_t total = 0;
  for (const auto& [code, count] : counts) {
    total += count;
    if (best.empty() || count > counts[best]) best = code;
  }
  if (total < 4) return {};
  // Japanese mixes kana with more Han than Chinese has of kana.
  if ((best == "zh" || best == "ja") && 10 * counts["ja"] >= total) return "ja";
  if (best == "ru" && ukrainian) return "uk";
  if (best != "latin") return std::string(best);
  return ByWords(text);
}

}  // namespace strata::text
