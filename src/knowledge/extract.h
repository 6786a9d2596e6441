#pragma once
// builtin/extract: answers a question from given sources without a language model. It picks the
// sentences that answer, in the order of their documents, cites each exactly, and says so when the
// sources do not answer.
//
// How: every sentence of every passage is scored against the question by idf-weighted overlap of
// word roots (with its headings, and with the sentences before it that a pronoun or a definite
// description takes up), by cosine of sentence and question vectors when an embedder is at hand,
// and by whether it holds the kind of thing that is asked (a person, a date, a number with its
// unit, a place) beyond what the question says itself: answer types as in Prager et al. 2000,
// "Question-answering by predictive annotation". A table's row is read and quoted with its columns'
// names. A logistic score over the same features decides whether anything answers at all; its
// weights were fitted on bench/answer's development sets. A sentence that speaks of another year,
// name, number or mark than the question, or of the contrary, is not quoted (constraint_check.h).
// A question in several parts is answered part by part; a summary is made of leading sentences.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "domain/citation.h"
#include "domain/document.h"
#include "provider/chat_model.h"
#include "provider/embedder.h"

namespace strata::vector {
class StaticEmbedder;
}

namespace strata::knowledge {

inline constexpr std::string_view kExtractModelId = "builtin/extract";

// One passage that may be quoted. Views must live as long as the call.
struct SourcePassage {
  std::string_view text;
  std::string_view title;
  std::vector<std::string> headings;
  std::string_view table_header;  // of the table that the passage begins inside; "" for none
  // Of retrieval, 0..1. All 0: they came with the request, and are ranked here.
  double score = 0;
  // Line boxes of page formats, bytes of `text`; so that a citation marks only its own lines.
  std::span<const domain::DocumentPart::Line> lines;
  // Copied into each citation; source_start..end are of the passage in its document (code points),
  // and become those of the quoted sentence.
  domain::Citation origin;
};

struct ExtractOptions {
  std::size_t passages_max = 5;  // of those that come without a score; the others are not looked at
  std::size_t sentences_max = 4;
  std::size_t answer_bytes_max = 2400;
  std::size_t embed_sentences_max = 24;  // only the best by words are embedded
  double answer_threshold = 0.5;         // of the calibrated probability that the sources answer
};

struct ExtractedSentence {
  // As it stands in the source, inner white space folded; a table's row with its columns' names.
  std::string text;
  domain::Citation citation;  // answer_start..end: code points of Extracted::text
  bool cite = true;           // false: whoever gave the source wants no citations of it
  double score = 0;
  // For cutting it: where the quote begins in its passage, bytes, and the passage's own lines.
  std::size_t quoted_at = 0;
  std::span<const domain::DocumentPart::Line> lines;
};

struct Extracted {
  bool answered = false;
  double probability = 0;  // that the sources answer
  // The answer, or a refusal (domain/refusal.h) in the language of the question. Of a question in
  // several parts of which only some are answered, the others are named at the end, behind the last
  // sentence.
  std::string text;
  std::vector<ExtractedSentence> sentences;  // in the order of the answer
};

// Thread-safe (holds no state of a call). `embedder` may be null: words only; `words` too: then
// only forms of one root are the same word.
class Extractor {
 public:
  explicit Extractor(std::shared_ptr<provider::Embedder> embedder,
                     std::shared_ptr<const vector::StaticEmbedder> words = nullptr,
                     ExtractOptions options = {});

  // A failing embedder falls back to words; only cancel and deadline are errors.
  Task<Result<Extracted>> Answer(std::string question, std::vector<SourcePassage> passages,
                                 RequestContext& ctx) const;

  const std::shared_ptr<provider::Embedder>& embedder() const { return embedder_; }  // may be null

 private:
  // The passages that are looked at.
  struct Given {
    std::vector<SourcePassage> passages;
    std::size_t left_out = 0;
  };

  Task<Result<Extracted>> AnswerPart(std::string question, const Given& given,
                                     const ExtractOptions& options, RequestContext& ctx) const;

  std::shared_ptr<provider::Embedder> embedder_;
  std::shared_ptr<const vector::StaticEmbedder> words_;
  ExtractOptions options_;
};

class Parser;

// The ChatModel `builtin/extract`: the question is the last user text, the passages are the
// documents, search results and tool results of the conversation; without any, the earlier text of
// that message and the system text. Answers one text block; each sentence is followed by its
// CitationDelta. `parser` reads documents that come as bytes; null: they are refused with
// kInvalidArgument. It outlives the model. A document that cannot be read is an error that names it
// and its block. Tokens are those of text/plain_tokens.h.
std::unique_ptr<provider::ChatModel> MakeExtractModel(std::shared_ptr<const Extractor> extractor,
                                                      Parser* parser);

// What is known of builtin/extract: in-process, price 0, cleared for everything.
domain::ModelInfo ExtractInfo();

struct ExtractLimits {
  std::optional<std::int64_t> tokens_max;
  std::vector<std::string> stop;
};

struct ExtractEnd {
  domain::StopReason reason = domain::StopReason::kEndTurn;
  std::string stop_sequence;  // the one that stood in the answer
};

// A finished answer as a stream: one text block of the extracted sentences, as far as `limits` let
// it go.
std::unique_ptr<provider::ChatStream> StreamOf(Extracted extracted, const ExtractLimits& limits,
                                               std::int64_t input_tokens);

}  // namespace strata::knowledge
