#include "knowledge/answer/contrasts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// A line is one scale: what stands on one side of a "|" means about the same, what stands on
// different sides excludes each other. Base forms. Common antonyms as in the lists that WordNet
// (Miller 1995) calls direct, and the members of closed sets such as the days of the week.
constexpr auto kVerbScales = std::to_array<std::string_view>({
    "open opening | close closing shut closure",
    "start begin commence launch initiate | stop end finish halt cease terminate",
    "first | second | third | fourth | fifth | sixth | last final",
    "rise increase grow raise gain climb | fall decrease shrink drop decline lower reduce lose",
    "maximum maximal highest most largest biggest | minimum minimal lowest least smallest",
    "high tall upper top | low lower bottom",
    "long longest | short shortest brief",
    "large big | small little tiny",
    "old oldest ancient elder eldest | new newest young youngest modern recent latest",
    "early earliest | late latest",
    "fast quick fastest rapid | slow slowest",
    "heavy heaviest | light lightest",
    "wide widest broad | narrow narrowest",
    "thick | thin",
    "deep deepest | shallow",
    "strong strongest | weak weakest",
    "hot warm hottest warmest | cold cool coldest coolest",
    "heat heating | cooling chill freeze",
    "wet moist damp | dry",
    "full fill | empty drain",
    "left | right",
    "north northern | south southern | east eastern | west western",
    "more | less fewer",
    "longer | shorter",
    "larger bigger greater | smaller",
    "higher | lower",
    "older | newer younger",
    "earlier sooner | later",
    "faster quicker | slower",
    "heavier | lighter",
    "wider broader | narrower",
    "thicker | thinner",
    "deeper | shallower",
    "stronger | weaker",
    "hotter warmer | colder cooler",
    "better best | worse worst",
});
constexpr auto kOtherScales = std::to_array<std::string_view>({
    "inlet intake input inflow | outlet exhaust output outflow",
    "inner inside interior indoor indoors internal | outer outside exterior outdoor outdoors "
    "external",
    "enter entry entrance arrive arrival | leave exit depart departure",
    "before | after",
    "above | below beneath",
    "on | off",
    "in | out",
    "up | down",
    "with | without",
    "buy purchase acquire | sell sale",
    "lend loan | borrow",
    "give | take",
    "send | receive",
    "import | export",
    "deliver delivery bring | collect fetch",
    "win victory | lose defeat",
    "attack | defend defence",
    "accept admit approve | refuse reject deny decline",
    "allow permit permitted | forbid forbidden prohibit ban",
    "connect attach | disconnect detach",
    "lock | unlock",
    "load | unload",
    "push | pull",
    "add | remove delete subtract",
    "create build rebuild rebuilt construct establish found | destroy demolish dissolve",
    "appear | disappear vanish",
    "born birth | die death",
    "marry marriage | divorce",
    "hire employ recruit | dismiss resign",
    "lengthen extend | shorten",
    "expand | contract",
    "enable activate | disable deactivate",
    "encrypt | decrypt",
    "upload | download",
    "upstream | downstream",
    "ascend ascent | descend descent",
    "accelerate | brake decelerate",
    "melt | freeze solidify",
    "hard | soft",
    "positive plus | negative minus",
    "male man men boy father brother son husband king | "
    "female woman women girl mother sister daughter wife queen",
    "parent | child children",
    "adult | child children",
});
// Times, and who is who.
constexpr auto kTimeScales = std::to_array<std::string_view>({
    "summer | winter | spring | autumn",
    "day daytime | night",
    "morning | afternoon | evening",
    "weekday | weekend",
    "monday | tuesday | wednesday | thursday | friday | saturday | sunday",
    "january | february | march | april | june | july | august | september | october | november | "
    "december",
    "daily | weekly | monthly | yearly annual",
    "red | blue | green | yellow | white | black | grey gray | brown | orange | pink | purple",
    "public | private",
    "domestic | foreign",
    "front | rear back",
    "major | minor",
    "majority | minority",
    "advantage benefit strength | disadvantage drawback weakness",
    "profit | loss",
    "asset | liability",
    "income revenue | expense expenditure",
    "supply | demand",
    "plural | singular",
    "horizontal | vertical",
    "odd | even",
    "primary | secondary",
    "single | married",
    "sunrise | sunset",
    "landlord | tenant",
    "employer | employee",
    "buyer | seller",
    "success succeed | failure fail",
});
constexpr auto kRomanceScales = std::to_array<std::string_view>({
    "ouvrir ouvert ouverte ouverts ouvertes ouvre ouvrent | "
    "fermer fermé fermée fermés fermées ferme ferment",
    "commencer commence débute | finir finit termine",
    "acheter acheté achète | vendre vendu vend",
    "abrir abierto abierta abre | cerrar cerrado cerrada cierra",
    "aprire aperto aperta apre | chiudere chiuso chiusa chiude",
});
constexpr auto kGermanScales = std::to_array<std::string_view>({
    "öffnen öffnet geöffnet eröffnet eröffnen | schließen schließt geschlossen",
    "beginnen beginnt begann begonnen anfangen | enden endet endete aufhören",
    "erste ersten erster erstes | zweite zweiten zweiter zweites | letzte letzten letzter letztes",
    "groß große größte | klein kleine kleinste",
    "alt alte älteste | neu neue neueste jung jüngste",
    "geboren | gestorben starb",
    "kaufen kauft kaufte gekauft | verkaufen verkauft verkaufte",
    "montag montags | dienstag dienstags | mittwoch mittwochs | donnerstag donnerstags | "
    "freitag freitags | samstag samstags | sonntag sonntags",
    "sommer | winter | frühling | herbst",
});

struct Place {
  bool several;  // more than two sides
  std::uint16_t scale;
  std::uint16_t side;
};

using Places = std::map<std::string, std::vector<Place>, std::less<>>;

// Forms of other words that share the stem of one above: a duration, "it lasted".
constexpr auto kOthers =
    std::to_array<std::string_view>({"seconds", "lasts", "lasted", "lasting", "marched", "lights"});

Places ReadScales() {
  std::vector<std::string_view> scales(kVerbScales.begin(), kVerbScales.end());
  scales.insert(scales.end(), kOtherScales.begin(), kOtherScales.end());
  scales.insert(scales.end(), kTimeScales.begin(), kTimeScales.end());
  scales.insert(scales.end(), kGermanScales.begin(), kGermanScales.end());
  scales.insert(scales.end(), kRomanceScales.begin(), kRomanceScales.end());
  Places places;
  for (std::size_t scale = 0; scale < scales.size(); ++scale) {
    std::uint16_t side = 0;
    const bool several = std::ranges::count(scales[scale], '|') > 1;
    for (auto rest = scales[scale]; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      const auto word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (word == "|") {
        ++side;
      } else {
        places[StemOf(word)].push_back({several, static_cast<std::uint16_t>(scale), side});
      }
    }
  }
  return places;
}

const std::vector<Place>* PlacesOf(std::string_view word) {
  static const Places places = ReadScales();
  if (IsOneOf(word, kOthers)) return nullptr;
  for (const auto& form : {std::string(word), std::string(BaseForm(word))}) {
    if (const auto at = places.find(StemOf(form)); at != places.end()) return &at->second;
  }
  return nullptr;
}

}  // namespace

bool HasContrary(std::string_view word) { return PlacesOf(word) != nullptr; }

namespace {

// A scale on which they stand apart; nullptr when there is none, or one on which they do not.
const Place* ApartOn(std::string_view a, std::string_view b) {
  const auto* first = PlacesOf(a);
  const auto* second = first ? PlacesOf(b) : nullptr;
  if (!second) return nullptr;
  const Place* apart = nullptr;
  for (const auto& x : *first) {
    for (const auto& y : *second) {
      if (x.scale != y.scale) continue;
      if (x.side == y.side) return nullptr;
      apart = &x;
    }
  }
  return apart;
}

}  // namespace

bool AreContrary(std::string_view a, std::string_view b) { return ApartOn(a, b) != nullptr; }

bool SaysByException(std::string_view asked, std::string_view text) {
  static constexpr auto kExceptions = std::to_array<std::string_view>(
      {"except", "excepting", "außer", "ausser", "ausgenommen", "sauf", "excepté", "hormis",
       "salvo", "excepto", "eccetto", "tranne"});
  const auto tokens = Tokens(text);
  const auto says = [](const Token& token) { return IsOneOf(token.lower, kExceptions); };
  return HasContrary(asked) && std::ranges::any_of(tokens, says) &&
         std::ranges::any_of(tokens,
                             [&](const Token& token) { return AreContrary(asked, token.lower); });
}

bool AreRivals(std::string_view a, std::string_view b) {
  const auto* apart = ApartOn(a, b);
  return apart != nullptr && apart->several;
}

bool AreAlike(std::string_view a, std::string_view b) {
  const auto* first = PlacesOf(a);
  const auto* second = first ? PlacesOf(b) : nullptr;
  if (!second) return false;
  return std::ranges::any_of(*first, [&](const Place& x) {
    return std::ranges::any_of(
        *second, [&](const Place& y) { return x.scale == y.scale && x.side == y.side; });
  });
}

}  // namespace strata::knowledge
