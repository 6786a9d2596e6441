#pragma once
// Amounts that are given with a question ("I am 63", "our lorry weighs 5 tonnes", "a 9-year-old"),
// and the bounds within which a sentence holds ("aged 60 and over", "under 10", "up to 7 tonnes").

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

// Of what an amount or a bound is.
struct Quantity {
  bool age = false;        // of a person; years otherwise are a duration
  std::uint64_t unit = 0;  // of anything else, as UnitsOf (claim_facts.h) says

  bool operator==(const Quantity&) const = default;
};

struct Amount {
  Quantity of;
  double value = 0;
  std::size_t begin = 0;  // bytes of the text; its unit lies in them
  std::size_t end = 0;
};

struct Bounds {
  Quantity of;
  double least = 0;
  double most = 0;
  std::size_t begin = 0;  // bytes of the text, of its first number
  std::string noun;       // the content word before it, "lorries" of up to 7 tonnes, in lower case

  bool Hold(double value) const { return least <= value && value <= most; }
};

// Numbers of a person's age or with a unit that are no bounds themselves. English; what German and
// French say of ages.
std::vector<Amount> AmountsIn(std::string_view text);

std::vector<Bounds> BoundsIn(std::string_view text);

// Whether the text speaks of what others than those within its bounds do: "heavier ones",
// "everybody else".
bool SpeaksOfTheRest(std::string_view text);

}  // namespace strata::knowledge
