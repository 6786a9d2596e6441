#pragma once
// What tells the thing that a question is about from others of its kind: its numbers, names and
// marks ("Tank 2"), the nouns behind its prepositions and the attribute that it asks for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

struct Question;

// "Tank 2", "Dome B": one of several things that are called the same. In lower case.
struct Designator {
  std::string noun;
  std::string mark;
};

// A name as the question writes it: capitalised words in a row.
struct AskedName {
  std::vector<std::string> parts;  // in lower case
  std::uint64_t words = 0;         // its question words, as bits
  bool subject = false;            // it stands behind an auxiliary: "When did Loos …"
  std::string before;              // the content word that leads to it, "captain" in "captain of"
  bool leads = false;              // … with nothing between them: "married Solheim"
  std::string verb;                // what stands behind it: "Did Loos *marry*"
};

// "switch off": a verb with the word that turns it into its contrary.
struct Particle {
  std::string verb;
  std::string particle;
};

struct Constraints {
  std::vector<Designator> designators;
  std::vector<std::string> identifiers;  // "P-102", "W-0312", "a40"; in lower case
  std::vector<AskedName> names;
  std::vector<Particle> particles;
  std::vector<std::string> years;
  std::uint64_t numbers = 0;  // words with digits that are neither marks, years nor parts of dates
  // Nouns behind prepositions and subjects: "in the *galley*", "does the *fan* stop".
  std::uint64_t bound = 0;
  // "How many *goats* live": of the words of `bound`.
  std::uint64_t counted = 0;
  // What a verb is asked about: "Who painted the *church*".
  std::uint64_t objects = 0;
  std::uint64_t attribute = 0;  // "What is the *hardness* of"
  // "What is the *limit* for", "What caused the *loss* of": said in many ways.
  std::uint64_t vague = 0;
};

// Reads them of the last question in `text`; designators and names of the ones before too, which it
// leans on.
// `question` has its words already.
Constraints ReadConstraints(std::string_view text, const Question& question);

}  // namespace strata::knowledge
