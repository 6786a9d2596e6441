// builtin/extract as a ChatModel: finds question and passages in a conversation.

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "base/ids.h"
#include "dialect/extra.h"
#include "knowledge/answer/attached.h"
#include "knowledge/answer/external_passages.h"
#include "knowledge/answer/limit_answer.h"
#include "knowledge/base/indexer.h"
#include "knowledge/extract.h"
#include "provider/own_members.h"
#include "text/plain_tokens.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

using domain::CitationPlace;
using domain::DocumentBlock;
using domain::Message;
using domain::StreamEvent;

// Passages and what they view; deques never move their members.
struct Sources {
  std::deque<std::string> texts;
  std::deque<std::vector<RetrievedChunk>> chunks;
  std::vector<SourcePassage> passages;
  int document_count = 0;
  int result_count = 0;                             // of search results, which are numbered apart
  std::set<std::pair<CitationPlace, int>> uncited;  // of these no citations are wanted
};

// Sentences of such sources stay, as an answer without citations has them.
void DropUnwantedCitations(const Sources& sources, Extracted& answer) {
  if (sources.uncited.empty()) return;
  for (auto& sentence : answer.sentences) {
    const auto& from = sentence.citation;
    sentence.cite = !sources.uncited.contains({from.place, from.document_index});
  }
}

// What all passages of a block have in common.
SourcePassage PassageOf(const DocumentBlock& block, int index, CitationPlace place) {
  SourcePassage passage;
  passage.title = block.name;
  passage.origin.title = block.name;
  passage.origin.source_uri = block.source_uri.empty() ? block.url : block.source_uri;
  passage.origin.document_index = index;
  passage.origin.place = place;
  return passage;
}

void AddPiece(Sources& sources, std::string text, SourcePassage passage, std::int64_t piece) {
  sources.texts.push_back(std::move(text));
  passage.text = sources.texts.back();
  passage.origin.source_start = piece;
  passage.origin.source_end = piece + 1;
  sources.passages.push_back(std::move(passage));
}

// Cuts it as a knowledge base would, so that it is answered from in the same way.
Result<> AddCut(Sources& sources, const domain::ParsedDocument& document,
                const DocumentBlock& block, int index) {
  STRATA_TRY(auto cut, CutDocument(document, {}, block.name));
  const bool paged = document.page_count > 0;
  const auto common = PassageOf(block, index, paged ? CitationPlace::kPages : CitationPlace::kText);
  sources.chunks.push_back(std::move(cut));
  for (const auto& chunk : sources.chunks.back()) {
    auto passage = common;
    passage.text = chunk.text;
    passage.headings = chunk.headings;
    passage.table_header = chunk.table_header;
    passage.lines = chunk.lines;
    passage.origin.pages = chunk.pages;
    if (!paged) {
      passage.origin.source_start = chunk.start;
      passage.origin.source_end = chunk.end;
    }
    sources.passages.push_back(std::move(passage));
  }
  return {};
}

Result<> AddText(Sources& sources, std::string text, const DocumentBlock& block) {
  return AddCut(sources, DocumentOf(std::move(text), {}), block, sources.document_count++);
}

// A search result has an address and pieces but no file format.
bool IsSearchResult(const DocumentBlock& block) {
  return !block.chunks.empty() && block.format.empty() && !block.source_uri.empty();
}

// Gathers the sources of one conversation.
class SourceReader {
 public:
  SourceReader(Parser* parser, RequestContext& ctx) : parser_(parser), ctx_(ctx) {}

  Task<Result<>> Read(const std::vector<Message>& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      for (std::size_t j = 0; j < messages[i].content.size(); ++j) {
        auto read = co_await ReadBlock(messages[i].content[j]);
        if (read.has_value()) continue;
        auto place = PlaceOf(i, j);
        auto error = std::move(read.error()).Because(place);
        co_return Fail(std::move(error).AtField(std::move(place)));
      }
    }
    co_return Result<>();
  }

  Sources& sources() { return sources_; }

 private:
  Task<Result<>> ReadBlock(const domain::ContentBlock& block) {
    if (const auto* document = std::get_if<DocumentBlock>(&block)) {
      co_return co_await AddDocument(*document);
    }
    if (const auto* result = std::get_if<domain::ToolResultBlock>(&block)) {
      co_return co_await AddToolResult(*result);
    }
    co_return Result<>();
  }

  Task<Result<>> AddToolResult(const domain::ToolResultBlock& result) {
    for (const auto& content : result.content) {
      if (const auto* document = std::get_if<DocumentBlock>(&content)) {
        STRATA_CO_CHECK_OK(co_await AddDocument(*document));
      } else if (const auto* text = std::get_if<domain::TextBlock>(&content)) {
        STRATA_CO_CHECK_OK(AddText(sources_, text->text, DocumentBlock()));
      }
    }
    co_return Result<>();
  }

  Task<Result<>> AddDocument(const DocumentBlock& block) {
    const bool result = IsSearchResult(block);
    const int index = result ? sources_.result_count++ : sources_.document_count++;
    const auto first = sources_.passages.size();
    if (!block.chunks.empty()) {
      const auto place = result ? CitationPlace::kSearchResult : CitationPlace::kChunks;
      std::int64_t piece = 0;
      for (const auto& chunk : block.chunks) {
        AddPiece(sources_, chunk, PassageOf(block, index, place), piece++);
      }
    } else if (!block.text.empty()) {
      STRATA_CO_CHECK_OK(AddCut(sources_, DocumentOf(block.text, {}), block, index));
    } else if (!block.bytes.empty()) {
      STRATA_CO_CHECK_OK(co_await AddBytes(block, index));
    } else {
      co_return Fail(Unreadable(
          block, block.url.empty()
                     ? "holds nothing"
                     : "builtin/extract reads documents given as text or bytes, not by address"));
    }
    if (block.cite == false && sources_.passages.size() > first) {
      sources_.uncited.emplace(sources_.passages[first].origin.place, index);
    }
    co_return Result<>();
  }

  Task<Result<>> AddBytes(const DocumentBlock& block, int index) {
    if (!parser_) {
      co_return Fail(Unreadable(block, "builtin/extract reads documents given as text"));
    }
    STRATA_CO_TRY(auto parsed, co_await ReadAttached(*parser_, block, ctx_));
    co_return AddCut(sources_, parsed, block, index);
  }

  Parser* parser_;
  RequestContext& ctx_;
  Sources sources_;
};

// Without documents the last message itself may hold them: its last sentence is then the question,
// and what stands before is the source, with the system text.
Result<std::string> SplitLastMessage(const domain::ChatRequest& request, std::string text,
                                     Sources& sources) {
  const DocumentBlock block;
  auto system = domain::TextOf(request.system);
  if (!system.empty()) STRATA_CHECK_OK(AddText(sources, std::move(system), block));
  const auto sentences = text::SplitSentences(text);
  if (sentences.size() < 2) return text;
  const auto cut = sentences.back().begin;
  STRATA_CHECK_OK(AddText(sources, text.substr(0, cut), block));
  return text.substr(cut);
}

bool HoldsImage(const std::vector<Message>& messages) {
  return std::ranges::any_of(messages, [](const Message& message) {
    return std::ranges::any_of(message.content, [](const auto& block) {
      return std::holds_alternative<domain::ImageBlock>(block);
    });
  });
}

// What would be passed over otherwise, as if it had been read.
Result<> CheckRequest(const domain::ChatRequest& request) {
  using Kind = domain::ToolChoice::Kind;
  if (request.tool_choice &&
      (request.tool_choice->kind == Kind::kAny || request.tool_choice->kind == Kind::kNamed)) {
    return Fail(
        InvalidArgument("tool_choice", "builtin/extract quotes sources and calls no tools"));
  }
  if (request.json_output) {
    return Fail(InvalidArgument("response_format", "builtin/extract answers in text"));
  }
  if (HoldsImage(request.messages)) {
    return Fail(InvalidArgument("messages", "builtin/extract reads text and documents, no images"));
  }
  return {};
}

// Events that are known from the start.
class FixedStream final : public provider::ChatStream {
 public:
  FixedStream(std::vector<StreamEvent> events, domain::Usage usage)
      : events_(std::move(events)), usage_(usage) {}

  Task<Result<StreamEvent>> Next() override {
    if (at_ >= events_.size()) co_return Fail(Internal("stream read past its end"));
    co_return std::move(events_[at_++]);
  }
  domain::Usage UsageSoFar() const override { return usage_; }

 private:
  std::vector<StreamEvent> events_;
  std::size_t at_ = 0;
  domain::Usage usage_;
};

class ExtractModel final : public provider::ChatModel {
 public:
  ExtractModel(std::shared_ptr<const Extractor> extractor, Parser* parser)
      : extractor_(std::move(extractor)), parser_(parser), info_(ExtractInfo()) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    STRATA_CO_CHECK_OK(CheckRequest(request));
    STRATA_CO_CHECK_OK(provider::RefuseExtra(request, ctx));
    STRATA_CO_CHECK_OK(dialect::RefuseLogprobs(request));
    SourceReader reader(parser_, ctx);
    STRATA_CO_CHECK_OK(co_await reader.Read(request.messages));
    auto& sources = reader.sources();
    std::string question = domain::LastUserText(request);
    if (sources.document_count + sources.result_count == 0) {
      STRATA_CO_TRY(question, SplitLastMessage(request, std::move(question), sources));
    }
    auto input_tokens = text::CountPlainTokens(question);
    for (const auto& passage : sources.passages) {
      input_tokens += text::CountPlainTokens(passage.text);
    }
    STRATA_CO_TRY(auto answer,
                  co_await extractor_->Answer(std::move(question), sources.passages, ctx));
    DropUnwantedCitations(sources, answer);
    const ExtractLimits limits{.tokens_max = request.max_tokens, .stop = std::move(request.stop)};
    co_return StreamOf(std::move(answer), limits, input_tokens);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext&) override {
    std::int64_t tokens = text::CountPlainTokens(domain::TextOf(request.system));
    for (const auto& message : request.messages) {
      tokens += text::CountPlainTokens(domain::TextOf(message.content));
      for (const auto& block : message.content) {
        if (const auto* document = std::get_if<DocumentBlock>(&block)) {
          tokens += text::CountPlainTokens(document->text);
          for (const auto& chunk : document->chunks) tokens += text::CountPlainTokens(chunk);
        }
      }
    }
    co_return tokens;
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::shared_ptr<const Extractor> extractor_;
  Parser* parser_;
  domain::ModelInfo info_;
};

}  // namespace

domain::ModelInfo ExtractInfo() {
  domain::ModelInfo info;
  info.id = kExtractModelId;
  info.provider = "builtin";
  info.upstream_id = "extract";
  info.family = "extract";
  info.display_name = "Extractive answers";
  info.can.chat = true;
  info.can.documents = true;
  info.price.input = 0;
  info.price.output = 0;
  info.price.as_of = "built in";
  info.region = "local";
  info.cleared_for_all_labels = true;
  return info;
}

std::unique_ptr<provider::ChatStream> StreamOf(Extracted extracted, const ExtractLimits& limits,
                                               std::int64_t input_tokens) {
  auto end = LimitAnswer(limits, extracted);
  domain::Usage usage;
  usage.input_tokens = input_tokens;
  usage.output_tokens = text::CountPlainTokens(extracted.text);
  std::vector<StreamEvent> events;
  events.push_back(domain::StreamStart{
      .id = NewRequestId().value, .model = std::string(kExtractModelId), .usage = usage});
  events.push_back(domain::BlockStart{
      .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
  std::size_t at = 0;  // bytes of the text that are out
  for (const auto& sentence : extracted.sentences) {
    const auto to = extracted.text.find(sentence.text, at) + sentence.text.size();
    events.push_back(domain::TextDelta{.index = 0, .text = extracted.text.substr(at, to - at)});
    if (sentence.cite) {
      events.push_back(domain::CitationDelta{.index = 0, .citation = sentence.citation});
    }
    at = to;
  }
  if (at < extracted.text.size()) {
    events.push_back(domain::TextDelta{.index = 0, .text = extracted.text.substr(at)});
  }
  events.push_back(domain::BlockStop{.index = 0});
  events.push_back(domain::StreamEnd{
      .stop_reason = end.reason, .stop_sequence = std::move(end.stop_sequence), .usage = usage});
  return std::make_unique<FixedStream>(std::move(events), usage);
}

std::unique_ptr<provider::ChatModel> MakeExtractModel(std::shared_ptr<const Extractor> extractor,
                                                      Parser* parser) {
  return std::make_unique<ExtractModel>(std::move(extractor), parser);
}

}  // namespace strata::knowledge
