#include <algorithm>
#include <array>
#include <string_view>

#include "text/search_words.h"

namespace strata::text {
namespace {

// English function words as spoken and, where it differs, as stemmed.
constexpr auto kStopWords = std::to_array<std::string_view>(
    {"a",       "about",   "abov",   "above",    "after",      "again",   "against", "all",
     "also",    "am",      "an",     "and",      "ani",        "any",     "are",     "as",
     "at",      "be",      "becaus", "because",  "been",       "befor",   "before",  "being",
     "below",   "between", "both",   "but",      "by",         "can",     "cannot",  "could",
     "did",     "do",      "doe",    "does",     "doing",      "down",    "dure",    "during",
     "each",    "few",     "for",    "from",     "further",    "had",     "has",     "hav",
     "have",    "having",  "he",     "her",      "here",       "hers",    "herself", "him",
     "himself", "his",     "how",    "i",        "if",         "in",      "into",    "is",
     "it",      "it's",    "its",    "itself",   "just",       "may",     "me",      "might",
     "more",    "most",    "must",   "my",       "myself",     "no",      "nor",     "not",
     "of",      "off",     "on",     "onc",      "once",       "onli",    "only",    "or",
     "other",   "our",     "ours",   "out",      "over",       "own",     "same",    "shall",
     "she",     "should",  "so",     "some",     "such",       "than",    "that",    "the",
     "their",   "theirs",  "them",   "themselv", "themselves", "then",    "there",   "these",
     "they",    "this",    "those",  "through",  "to",         "too",     "under",   "until",
     "up",      "us",      "very",   "was",      "we",         "were",    "what",    "when",
     "where",   "which",   "while",  "who",      "whom",       "whose",   "why",     "will",
     "with",    "would",   "you",    "your",     "yours",      "yourself"});
static_assert(std::ranges::is_sorted(kStopWords));

}  // namespace

bool IsStopWord(std::string_view word) { return std::ranges::binary_search(kStopWords, word); }

}  // namespace strata::text
