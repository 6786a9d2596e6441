#include "knowledge/extract.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "base/run_task.h"
#include "base/utf8.h"
#include "domain/refusal.h"
#include "domain/stream.h"
#include "knowledge/parser.h"
#include "tests/fakes/fake_embedder.h"
#include "text/plain_tokens.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kText =
    "The Aletsch glacier lies in the Swiss canton of Valais. It is 23 kilometres long. "
    "Its area was 81.7 square kilometres in 2011. Three side glaciers feed it at Konkordiaplatz. "
    "The ice there is about one kilometre thick.";

SourcePassage Passage(std::string_view text, std::string title = "Aletsch") {
  SourcePassage passage;
  passage.text = text;
  passage.title = "Aletsch";
  passage.origin.title = std::move(title);
  passage.origin.source_uri = "file:///aletsch.txt";
  passage.origin.document_id = "d1";
  passage.origin.chunk_id = "c1";
  return passage;
}

// Leaves a span where the metered one does.
class SpanningEmbedder final : public provider::Embedder {
 public:
  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override {
    const Span span = ctx.span.Child("provider.embed");
    co_return co_await inner_.Embed(std::move(texts), purpose, ctx);
  }
  std::int64_t CountTokens(std::string_view text) const override {
    return inner_.CountTokens(text);
  }
  std::int64_t tokens_max() const override { return inner_.tokens_max(); }
  const domain::ModelInfo& Info() const override { return inner_.Info(); }

 private:
  fakes::FakeEmbedder inner_;
};

Extracted Ask(std::string question, std::vector<SourcePassage> passages) {
  Extractor extractor(nullptr);
  RequestContext ctx;
  auto out = RunTask(extractor.Answer(std::move(question), std::move(passages), ctx));
  EXPECT_TRUE(out.has_value());
  return out.has_value() ? std::move(*out) : Extracted{};
}

TEST(Extract, QuotesTheSentenceThatAnswers) {
  auto out = Ask("What was the area of the Aletsch glacier in 2011?", {Passage(kText)});
  ASSERT_TRUE(out.answered);
  EXPECT_NE(out.text.find("81.7 square kilometres"), std::string::npos) << out.text;
}

TEST(Extract, SpansHoldToTheCodePoint) {
  const std::string text =
      "Ä🙂 Größe und Gewicht. The bridge in Zürich was opened in 1884 by the "
      "engineer Bürkli. 🙂 Nothing else is known.";
  auto passage = Passage(text);
  passage.origin.source_start = 1000;
  auto out = Ask("When was the bridge in Zürich opened?", {passage});
  ASSERT_TRUE(out.answered);
  for (const auto& sentence : out.sentences) {
    const auto& citation = sentence.citation;
    const auto begin = ByteOffset(text, static_cast<std::size_t>(citation.source_start - 1000));
    const auto end = ByteOffset(text, static_cast<std::size_t>(citation.source_end - 1000));
    EXPECT_EQ(text.substr(begin, end - begin), citation.quoted);
    const auto a = ByteOffset(out.text, static_cast<std::size_t>(citation.answer_start));
    const auto b = ByteOffset(out.text, static_cast<std::size_t>(citation.answer_end));
    EXPECT_EQ(out.text.substr(a, b - a), sentence.text);
  }
}

TEST(Extract, RefusesWhenTheSourcesSpeakOfSomethingElse) {
  auto out = Ask("Who composed the opera about the barber of Seville?", {Passage(kText)});
  EXPECT_FALSE(out.answered);
  EXPECT_EQ(out.text, domain::RefusalIn("en"));
  EXPECT_TRUE(out.sentences.empty());
}

TEST(Extract, RefusesInTheLanguageOfTheQuestion) {
  EXPECT_EQ(Ask("Wer komponierte die Oper von Sevilla?", {Passage(kText)}).text,
            domain::RefusalIn("de"));
  EXPECT_EQ(Ask("Quel est le prix de la chambre ?", {}).text, domain::RefusalIn("fr"));
}

TEST(Extract, RefusesWithoutSourcesOrQuestion) {
  EXPECT_FALSE(Ask("How long is it?", {}).answered);
  EXPECT_FALSE(Ask("", {Passage(kText)}).answered);
  EXPECT_FALSE(Ask("???", {Passage(kText)}).answered);
}

TEST(Extract, TheEmbeddingOfItsSentencesIsItsChildInTheTrace) {
  auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
  RequestContext ctx;
  ctx.span = Span(trace, "root");
  Extractor extractor(std::make_shared<SpanningEmbedder>());
  ASSERT_TRUE(RunTask(extractor.Answer("How long is it?", {Passage(kText)}, ctx)).has_value());
  EXPECT_EQ(ctx.span.span_id().size(), 16U);
  ctx.span.End();
  std::map<std::string, SpanRecord> spans;
  for (auto& span : trace->TakeEnded()) spans[span.name] = span;
  EXPECT_EQ(spans.at("provider.embed").parent_id, spans.at("knowledge.extract").span_id);
  EXPECT_EQ(spans.at("knowledge.extract").parent_id, spans.at("root").span_id);
}

TEST(Extract, ARowIsAnsweredWithItsColumnsAndCitedAsItStands) {
  const std::string text =
      "Preise für 2024.\n\n| item | price | stock |\n| --- | --- | --- |\n| Blue lamp | 13.75 | 0 "
      "|\n"
      "| Red lamp | 9.10 | 4 |\n";
  auto out = Ask("What is the price of the blue lamp?", {Passage(text)});
  ASSERT_EQ(out.sentences.size(), 1U);
  EXPECT_EQ(out.text, "item: Blue lamp; price: 13.75; stock: 0");
  const auto& citation = out.sentences[0].citation;
  EXPECT_EQ(citation.quoted, "| Blue lamp | 13.75 | 0 |");
  const auto begin = ByteOffset(text, static_cast<std::size_t>(citation.source_start));
  EXPECT_EQ(text.substr(begin, citation.quoted.size()), citation.quoted);
  EXPECT_EQ(citation.answer_start, 0);
  EXPECT_EQ(citation.answer_end, static_cast<std::int64_t>(out.text.size()));
}

TEST(Extract, NeverQuotesTheSameSentenceTwice) {
  auto out = Ask("What was the area of the Aletsch glacier in 2011?",
                 {Passage(kText), Passage(kText), Passage(kText)});
  ASSERT_TRUE(out.answered);
  for (std::size_t i = 0; i < out.sentences.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(out.sentences[i].text, out.sentences[j].text);
  }
}

domain::ChatRequest Request(std::vector<domain::ContentBlock> content) {
  domain::ChatRequest request;
  request.model = std::string(kExtractModelId);
  request.messages.push_back({.role = domain::Role::kUser, .content = std::move(content)});
  return request;
}

Result<domain::ChatResponse> Chat(domain::ChatRequest request, Parser* parser = nullptr) {
  auto model = MakeExtractModel(std::make_shared<Extractor>(nullptr), parser);
  RequestContext ctx;
  auto stream = RunTask(model->Start(std::move(request), ctx));
  if (!stream.has_value()) return std::unexpected(std::move(stream.error()));
  domain::StreamAccumulator sum;
  while (!sum.ended()) {
    auto event = RunTask((*stream)->Next());
    if (!event.has_value()) return std::unexpected(std::move(event.error()));
    sum.Add(*event);
  }
  return sum.Take();
}

TEST(ExtractModel, AnswersFromDocumentsOfTheRequestWithCitations) {
  domain::DocumentBlock document;
  document.format = "txt";
  document.name = "glacier";
  document.text = kText;
  document.cite = true;
  auto response = Chat(Request(
      {document, domain::TextBlock{.text = "How long is the Aletsch glacier?", .citations = {}}}));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  ASSERT_EQ(response->content.size(), 1U);
  const auto& block = std::get<domain::TextBlock>(response->content[0]);
  EXPECT_NE(block.text.find("23 kilometres long"), std::string::npos) << block.text;
  ASSERT_FALSE(block.citations.empty());
  EXPECT_EQ(block.citations[0].title, "glacier");
  EXPECT_EQ(block.citations[0].document_index, 0);
  EXPECT_GT(response->usage.input_tokens, 20);
}

TEST(ExtractModel, CitesNoDocumentWhoseCitationsAreDeclined) {
  domain::DocumentBlock glacier;
  glacier.format = "txt";
  glacier.text = kText;
  glacier.cite = false;
  auto other = glacier;
  other.text = "The Aletsch glacier is in Valais.";
  other.cite.reset();
  const domain::TextBlock question{.text = "How long is the Aletsch glacier?", .citations = {}};
  auto citations = [&] {
    auto response = Chat(Request({other, glacier, question}));
    EXPECT_TRUE(response.has_value());
    const auto& block = std::get<domain::TextBlock>(response->content[0]);
    EXPECT_NE(block.text.find("23 kilometres long"), std::string::npos) << block.text;
    return std::ranges::count_if(block.citations,
                                 [](const auto& citation) { return citation.document_index == 1; });
  };
  EXPECT_EQ(citations(), 0);
  glacier.cite.reset();
  EXPECT_GT(citations(), 0);
}

TEST(ExtractModel, RefusesWhatItWouldPassOver) {
  const domain::TextBlock question{.text = "How long is it?", .citations = {}};
  auto refused = [&](auto change) {
    auto request = Request({question});
    change(request);
    auto response = Chat(std::move(request));
    EXPECT_FALSE(response.has_value());
    return response.has_value() ? std::string() : response.error().field();
  };
  EXPECT_EQ(refused([](auto& r) {
              r.messages[0].content.push_back(
                  domain::ImageBlock{.format = "png", .bytes = "x", .url = {}});
            }),
            "messages");
  EXPECT_EQ(refused([](auto& r) {
              r.tool_choice =
                  domain::ToolChoice{.kind = domain::ToolChoice::Kind::kAny, .name = {}};
            }),
            "tool_choice");
  EXPECT_EQ(refused([](auto& r) { r.json_output = domain::JsonOutput{.name = "n", .schema = {}}; }),
            "response_format");
}

// A document of a chapter a town, each long enough to be a passage of its own.
std::string Chronicle() {
  std::string text;
  for (const std::string_view town : {"Arlen", "Brode", "Cormin", "Dassel", "Emrath", "Falkau",
                                      "Gorz", "Helm", "Isting", "Jork"}) {
    text += "# " + std::string(town) + "\n\n";
    for (int i = 0; i < 12; ++i) {
      text += "In its " + std::to_string(i + 2) +
              ". year the council met in a barn and quarrelled over sheep, wells and fences. ";
    }
    text += "The bell of " + std::string(town) + " was cast in " +
            std::to_string(1500 + 10 * (town[0] - 'A')) + " by travelling founders.\n\n";
  }
  return text;
}

TEST(ExtractModel, ALongDocumentIsCutAndOnlyWhatFitsTheQuestionIsQuoted) {
  const auto text = Chronicle();
  domain::DocumentBlock document;
  document.name = "chronicle";
  document.text = text;
  const domain::TextBlock question{.text = "When was the bell of Cormin cast?", .citations = {}};
  auto response = Chat(Request({document, question}));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  const auto& block = std::get<domain::TextBlock>(response->content[0]);
  EXPECT_EQ(block.text, "The bell of Cormin was cast in 1520 by travelling founders.");
  ASSERT_EQ(block.citations.size(), 1U);
  const auto& citation = block.citations[0];
  EXPECT_EQ(citation.place, domain::CitationPlace::kText);
  EXPECT_EQ(text.substr(static_cast<std::size_t>(citation.source_start), block.text.size()),
            block.text);
}

TEST(ExtractModel, ADocumentOfNothingIsStillTheSource) {
  domain::DocumentBlock document;
  document.name = "empty";
  document.text = "\n";
  const domain::TextBlock question{
      .text = "The bridge was built in 1932. When was the bridge built?", .citations = {}};
  auto response = Chat(Request({document, question}));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(domain::TextOf(response->content), domain::RefusalIn("en"));
}

TEST(ExtractModel, CitesThePieceOfASearchResult) {
  domain::DocumentBlock result;
  result.name = "r";
  result.source_uri = "https://example.org/a";
  result.chunks = {"The library opens at nine.", "The library closes at six in the evening."};
  auto response =
      Chat(Request({result, domain::TextBlock{.text = "When is the library closing in the evening?",
                                              .citations = {}}}));
  ASSERT_TRUE(response.has_value());
  const auto& block = std::get<domain::TextBlock>(response->content[0]);
  ASSERT_FALSE(block.citations.empty()) << block.text;
  const auto& citation = block.citations.back();
  EXPECT_EQ(citation.place, domain::CitationPlace::kSearchResult);
  EXPECT_EQ(citation.source_start, 1);
  EXPECT_EQ(citation.source_end, 2);
}

TEST(ExtractModel, ReadsTheSourceFromTheMessageItself) {
  auto response = Chat(Request(
      {domain::TextBlock{.text = std::string(kText) + "\n\nHow thick is the ice at Konkordiaplatz?",
                         .citations = {}}}));
  ASSERT_TRUE(response.has_value());
  EXPECT_NE(std::get<domain::TextBlock>(response->content[0]).text.find("kilometre thick"),
            std::string::npos);
}

// Finds no text in "empty" and nothing that it knows in anything else.
class PickyParser final : public Parser {
 public:
  Task<Result<domain::ParsedDocument>> Parse(ParseInput input, RequestContext& /*ctx*/) override {
    media_type = input.media_type;
    if (input.name == "empty") co_return domain::ParsedDocument();
    co_return Fail(Code::kUnsupported, "document " + input.name + ": cannot be parsed");
  }
  std::string Version() const override { return "1"; }

  std::string media_type;
};

TEST(ExtractModel, ADocumentThatCannotBeReadIsAnErrorThatNamesItAndItsBlock) {
  PickyParser parser;
  const domain::TextBlock question{.text = "What?", .citations = {}};
  auto refused = [&](domain::DocumentBlock document) {
    auto response = Chat(Request({question, std::move(document)}), &parser);
    if (response.has_value()) return std::string("answered");
    EXPECT_EQ(response.error().field(), "messages[0].content[1]");
    return response.error().message();
  };
  domain::DocumentBlock document;
  document.format = "docx";
  document.name = "contract";
  document.bytes = "a text that calls itself a Word file";
  EXPECT_EQ(refused(document), "messages[0].content[1]: document contract: cannot be parsed");
  EXPECT_EQ(parser.media_type,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  document.name = "empty";
  EXPECT_EQ(refused(document), "messages[0].content[1]: document empty: holds no text");
  document.bytes.clear();
  EXPECT_EQ(refused(document), "messages[0].content[1]: document empty: holds nothing");
  document.url = "https://example.org/a.pdf";
  EXPECT_NE(refused(document).find("not by address"), std::string::npos);
}

// The answer as it is without a limit, and what of it is left under one.
struct Limited {
  domain::ChatResponse whole;
  domain::ChatResponse cut;
  const domain::TextBlock& block() const { return std::get<domain::TextBlock>(cut.content.at(0)); }
};

constexpr std::string_view kTwoSentences =
    "The glacier in Valais 🏔️ lost 12.5 metres of ice in 2011. The Gro\u0308\u00DFe of the glacier "
    "in Valais 👩‍👩‍👧 was measured in 2011 too.";

Limited Limit(std::optional<std::int64_t> tokens, std::vector<std::string> stop = {}) {
  domain::DocumentBlock document;
  document.name = "glacier";
  document.text = kTwoSentences;
  const domain::TextBlock question{.text = "What happened to the glacier in Valais in 2011?",
                                   .citations = {}};
  auto request = Request({document, question});
  Limited out;
  out.whole = Chat(request).value();
  request.max_tokens = tokens;
  request.stop = std::move(stop);
  out.cut = Chat(std::move(request)).value();
  return out;
}

// The part of the source that a citation of kTwoSentences points to.
std::string_view SourceOf(const domain::Citation& citation) {
  const auto begin = ByteOffset(kTwoSentences, static_cast<std::size_t>(citation.source_start));
  const auto end = ByteOffset(kTwoSentences, static_cast<std::size_t>(citation.source_end));
  return kTwoSentences.substr(begin, end - begin);
}

TEST(ExtractModel, StopsAtMaxTokensBehindAWholeSentence) {
  const auto whole = Limit(std::nullopt).whole;
  EXPECT_EQ(whole.stop_reason, domain::StopReason::kEndTurn);
  const auto text = domain::TextOf(whole.content);
  ASSERT_EQ(whole.usage.output_tokens, text::CountPlainTokens(text));
  const auto first = text.substr(0, text.find("2011.") + 5);
  for (std::int64_t tokens = 1; tokens < whole.usage.output_tokens; ++tokens) {
    const auto limited = Limit(tokens);
    const auto& block = limited.block();
    EXPECT_EQ(limited.cut.stop_reason, domain::StopReason::kMaxTokens);
    EXPECT_EQ(limited.cut.usage.output_tokens, text::CountPlainTokens(block.text));
    const auto prefix = text.substr(0, text::PlainTokenPrefix(text, tokens));
    EXPECT_EQ(block.text, prefix.size() < first.size() ? prefix : first);
    ASSERT_EQ(block.citations.size(), 1U);
    EXPECT_EQ(block.citations[0].answer_start, 0);
    EXPECT_EQ(block.citations[0].answer_end, static_cast<std::int64_t>(CodePointCount(block.text)));
    EXPECT_EQ(block.citations[0].quoted, block.text);
    EXPECT_EQ(SourceOf(block.citations[0]), block.text);
  }
  const auto enough = Limit(whole.usage.output_tokens);
  EXPECT_EQ(enough.cut.stop_reason, domain::StopReason::kEndTurn);
  EXPECT_EQ(enough.block().text, text);
}

TEST(ExtractModel, StopsBeforeAStopSequence) {
  const auto limited = Limit(std::nullopt, {"", "never", "metres"});
  EXPECT_EQ(limited.cut.stop_reason, domain::StopReason::kStopSequence);
  EXPECT_EQ(limited.cut.stop_sequence, "metres");
  EXPECT_TRUE(limited.block().text.ends_with("12.5 ")) << limited.block().text;
  ASSERT_EQ(limited.block().citations.size(), 1U);
  EXPECT_TRUE(limited.block().citations[0].quoted.ends_with("12.5"));
  EXPECT_EQ(SourceOf(limited.block().citations[0]), limited.block().citations[0].quoted);
  EXPECT_EQ(Limit(3, {"metres"}).cut.stop_reason, domain::StopReason::kMaxTokens);
}

}  // namespace
}  // namespace strata::knowledge
