#include "gateway/answer_capture.h"

#include <fmt/format.h>

#include "base/json_text.h"
#include "base/utf8.h"
#include "dialect/cited_base.h"

namespace strata::gateway {
namespace {

constexpr std::size_t kCitationsMax = 200;

void AppendPages(std::string& out, const std::vector<domain::PageRegion>& pages) {
  out += ",\"pages\":[";
  for (std::size_t i = 0; i < pages.size(); ++i) {
    out += fmt::format("{}{{\"page\":{},\"boxes\":[", i == 0 ? "" : ",", pages[i].page);
    for (std::size_t j = 0; j < pages[i].boxes.size(); ++j) {
      const auto& b = pages[i].boxes[j];
      out +=
          fmt::format("{}[{:.2f},{:.2f},{:.2f},{:.2f}]", j == 0 ? "" : ",", b.x1, b.y1, b.x2, b.y2);
    }
    out += "]}";
  }
  out += "]";
}

void AppendCitation(std::string& out, const domain::Citation& c) {
  auto text = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{}\"{}\":", out.back() == '{' ? "" : ",", name);
    AppendJsonString(out, value);
  };
  out += '{';
  if (const auto base = dialect::CitedBase(c); !base.empty()) text("base", base);
  text("document", c.document_id);
  text("chunk", c.chunk_id);
  text("title", c.title);
  text("uri", c.source_uri);
  text("quoted", c.quoted);
  out += fmt::format(R"(,"answer_start":{},"answer_end":{},"score":{:.4f})", c.answer_start,
                     c.answer_end, c.score);
  AppendPages(out, c.pages);
  out += '}';
}

}  // namespace

JsonText CitationsJson(std::span<const domain::Citation> citations) {
  std::string out = "[";
  for (std::size_t i = 0; i < citations.size() && i < kCitationsMax; ++i) {
    if (i > 0) out += ',';
    AppendCitation(out, citations[i]);
  }
  out += ']';
  return {std::move(out)};
}

void RecordAnswer(RequestContext& ctx, std::string_view question, std::string_view answer,
                  std::span<const domain::Citation> citations) {
  if (!ctx.span.keeps_texts()) return;
  if (!question.empty()) ctx.span.SetText("question", Utf8Prefix(question, kCaptureBytesMax));
  if (!answer.empty()) ctx.span.SetText("answer", Utf8Prefix(answer, kCaptureBytesMax));
  if (!citations.empty()) ctx.span.SetText("citations", CitationsJson(citations));
}

void RecordConversation(RequestContext& ctx, const domain::ChatRequest& request) {
  if (!ctx.span.keeps_texts()) return;
  std::string out = "[";
  std::string_view problem;
  auto add = [&](std::string_view role, std::span<const domain::ContentBlock> content) {
    std::string text;
    for (const auto& block : content) {
      const auto* part = std::get_if<domain::TextBlock>(&block);
      if (part != nullptr) text += part->text;
      if (part == nullptr && !std::holds_alternative<domain::CachePoint>(block)) {
        problem = "it holds more than text";
      }
    }
    if (out.size() + text.size() > kCaptureBytesMax) problem = "it is too long";
    if (!problem.empty()) return;
    out += fmt::format(R"({}{{"role":"{}","content":)", out.size() > 1 ? "," : "", role);
    AppendJsonString(out, text);
    out += '}';
  };
  if (!request.system.empty()) add("system", request.system);
  for (const auto& message : request.messages) {
    add(message.role == domain::Role::kUser ? "user" : "assistant", message.content);
  }
  if (!request.tools.empty()) problem = "it offers tools";
  if (!problem.empty()) {
    ctx.span.Set("messages_left_out", problem);
  } else if (!request.system.empty() || request.messages.size() != 1) {
    ctx.span.SetText("messages", JsonText{out + ']'});
  }
}

void AnswerCapture::Add(const domain::StreamEvent& event) {
  if (!on_) return;
  if (auto* delta = std::get_if<domain::TextDelta>(&event)) {
    if (text_.size() < kCaptureBytesMax) text_ += delta->text;
  } else if (auto* cited = std::get_if<domain::CitationDelta>(&event)) {
    if (citations_.size() < kCitationsMax) citations_.push_back(cited->citation);
  }
}

}  // namespace strata::gateway
