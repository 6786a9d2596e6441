// Domain events → the Responses API's events and response object.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "dialect/error_table.h"
#include "dialect/json/overloaded.h"
#include "dialect/openai/logprobs.h"
#include "dialect/responses.h"
#include "dialect/responses/annotations.h"
#include "dialect/responses/item_list.h"
#include "dialect/responses/turns.h"
#include "dialect/responses/wire_items.h"
#include "dialect/responses_wire.h"
#include "dialect/sse.h"

namespace strata::dialect::responses {
namespace {

using Kind = Item::Kind;

constexpr std::string_view kLateRefusal = "The model refused to go on.";

class EventEncoder final : public FollowingEncoder {
 public:
  EventEncoder(Settings settings, AnswerMeta meta, WirePlace behind)
      : settings_(std::move(settings)), meta_(std::move(meta)), wire_(std::move(behind)) {}

  std::string_view content_type() const override { return "text/event-stream"; }
  std::string Encode(const domain::StreamEvent& event) override;
  std::string EncodeError(const Error& error) override;
  std::string Ping() override { return ": ping\n\n"; }
  void Follow(std::string_view bytes) override { wire_.Follow(bytes); }
  void GoOnBehindBytes() override;
  AnswerMeta& meta() override { return meta_; }
  const std::string& response() const override { return response_; }
  std::string items() const override;

 private:
  // {"type", "sequence_number", … the caller writes the rest with what it is given.
  template <class F>
  void Emit(std::string_view type, F write);
  // The same with the place of the open item.
  template <class F>
  void EmitAt(std::string_view type, F write);
  template <class F>
  void EmitInPart(std::string_view type, F write);
  void EmitResponse(std::string_view type, const ResponseView& view);

  void Start(const domain::StreamStart& start);
  void Announce();
  void Search(const FileSearchCall& call);
  void Block(const domain::BlockStart& start);
  void Text(const domain::TextDelta& delta);
  void Reasoning(const domain::ReasoningDelta& delta);
  void ToolInput(const domain::ToolInputDelta& delta);
  void Citation(const domain::CitationDelta& delta);
  void StopBlock();
  void End(const domain::StreamEnd& end);

  void OpenItem(Kind kind, std::string_view prefix);
  void CloseItem(std::string_view status);
  void NeedPart(bool refusal);
  void ClosePart();
  void CloseSummary();
  ResponseView View(Ending ending) const {
    return {.settings = settings_,
            .meta = meta_,
            .id = id_,
            .model = model_,
            .items = items_,
            .ending = ending};
  }
  Item& item() { return items_.back(); }
  Part& part() { return items_.back().parts.back(); }

  Settings settings_;
  AnswerMeta meta_;
  std::string id_;
  std::string model_;
  std::vector<Item> items_;
  std::string response_;
  std::string out_;
  std::int64_t sequence_ = 0;
  WireItems wire_;
  bool started_ = false;
  bool announced_ = false;  // the events that a response begins with are there
  bool item_open_ = false;
  bool part_open_ = false;
  bool summary_open_ = false;
  bool block_has_part_ = false;
  bool refused_ = false;
};

template <class F>
void EventEncoder::Emit(std::string_view type, F write) {
  JsonWriter out;
  out.BeginObject().Field("type", type).Field("sequence_number", sequence_++);
  write(out);
  out_ += EncodeSse(type, out.EndObject().text());
}

template <class F>
void EventEncoder::EmitAt(std::string_view type, F write) {
  Emit(type, [&](JsonWriter& out) {
    out.Field("output_index", static_cast<std::int64_t>(items_.size()) - 1);
    write(out);
  });
}

template <class F>
void EventEncoder::EmitInPart(std::string_view type, F write) {
  EmitAt(type, [&](JsonWriter& out) {
    out.Field("item_id", item().id);
    out.Field("content_index", static_cast<std::int64_t>(item().parts.size()) - 1);
    write(out);
  });
}

void EventEncoder::EmitResponse(std::string_view type, const ResponseView& view) {
  JsonWriter whole;
  WriteResponse(whole, view);
  response_ = whole.Take();
  Emit(type, [&](JsonWriter& out) { out.RawField("response", response_); });
}

// Behind a forwarded start nothing may follow but the provider's bytes, which begin for themselves.
void EventEncoder::Start(const domain::StreamStart& start) {
  id_ = wire_.place().id;
  if (id_.empty()) id_ = ResponseId(meta_.request_id.empty() ? start.id : meta_.request_id);
  model_ = meta_.model.empty() ? start.model : meta_.model;
  started_ = true;
  if (!start.wire) Announce();
}

void EventEncoder::Announce() {
  announced_ = true;
  const Ending running{.status = "in_progress", .reason = {}};
  EmitResponse("response.created", View(running));
  EmitResponse("response.in_progress", View(running));
  for (const auto& call : settings_.searches) Search(call);
}

// The provider's items stand as they are; the one that is open goes on under its name.
void EventEncoder::GoOnBehindBytes() {
  started_ = announced_ = true;
  const auto& place = wire_.place();
  if (id_.empty()) id_ = place.id.empty() ? ResponseId(meta_.request_id) : place.id;
  sequence_ = place.next_event;
  std::optional<Item> open;
  if (item_open_ && !items_.empty()) open = std::move(items_.back());
  items_.clear();
  item_open_ = false;
  for (const auto& seen : wire_.items()) {
    Item next;
    next.kind = Kind::kForwarded;
    next.id = seen.id;
    next.json = seen.json.empty() ? "{}" : seen.json;
    item_open_ = seen.json.empty() && open.has_value();
    if (item_open_) {
      next = std::move(*open);
      next.id = seen.id;
      // Messages that follow each other are one to the domain.
      auto& parts = next.parts;
      if (parts.size() > seen.parts) {
        parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(seen.parts));
      }
      open.reset();
    }
    items_.push_back(std::move(next));
  }
  part_open_ = part_open_ && item_open_ && !items_.back().parts.empty();
  summary_open_ = summary_open_ && item_open_;
}

// A search that was run before the model was asked, told in the order in which it happened.
void EventEncoder::Search(const FileSearchCall& call) {
  OpenItem(Kind::kSearch, "fs");
  item().search.queries = call.queries;
  EmitAt("response.output_item.added",
         [&](JsonWriter& out) { WriteItem(out.Key("item"), item(), settings_, Detail::kShown); });
  for (const auto* step : {"in_progress", "searching", "completed"}) {
    EmitAt(fmt::format("response.file_search_call.{}", step),
           [&](JsonWriter& out) { out.Field("item_id", item().id); });
  }
  item().search.results = call.results;
  CloseItem("completed");
}

void EventEncoder::OpenItem(Kind kind, std::string_view prefix) {
  CloseItem("completed");
  Item fresh;
  fresh.kind = kind;
  const auto tail = std::string_view(id_).substr(std::min<std::size_t>(id_.size(), 5));
  fresh.id = fmt::format("{}_{}_{}", prefix, tail, items_.size());
  items_.push_back(std::move(fresh));
  item_open_ = true;
}

void EventEncoder::CloseItem(std::string_view status) {
  if (!item_open_) return;
  ClosePart();
  CloseSummary();
  item_open_ = false;
  item().status = status;
  if (item().kind == Kind::kCall) {
    if (item().call.input.text.empty()) item().call.input.text = "{}";
    EmitAt("response.function_call_arguments.done", [&](JsonWriter& out) {
      out.Field("item_id", item().id).Field("name", item().call.name);
      out.Field("arguments", item().call.input.text);
    });
  }
  EmitAt("response.output_item.done",
         [&](JsonWriter& out) { WriteItem(out.Key("item"), item(), settings_, Detail::kShown); });
}

// Adds the open item as it is when it begins.
void EventEncoder::Block(const domain::BlockStart& start) {
  block_has_part_ = false;
  if (start.kind == domain::BlockKind::kText) {
    if (item_open_ && item().kind == Kind::kMessage) return;  // one message, several parts
    OpenItem(Kind::kMessage, "msg");
  } else if (start.kind == domain::BlockKind::kReasoning) {
    OpenItem(Kind::kReasoning, "rs");
  } else {
    OpenItem(Kind::kCall, "fc");
    item().call.id = start.tool_use_id;
    item().call.name = start.tool_name;
  }
  EmitAt("response.output_item.added",
         [&](JsonWriter& out) { WriteItem(out.Key("item"), item(), settings_, Detail::kShown); });
}

void EventEncoder::NeedPart(bool refusal) {
  if (part_open_ && part().refusal == refusal) return;
  ClosePart();
  item().parts.push_back({.refusal = refusal, .text = {}});
  part_open_ = block_has_part_ = true;
  EmitInPart("response.content_part.added",
             [&](JsonWriter& out) { WritePart(out.Key("part"), part(), settings_); });
}

void EventEncoder::ClosePart() {
  if (!part_open_) return;
  part_open_ = false;
  const auto& text = part().text;
  if (part().refusal) {
    EmitInPart("response.refusal.done", [&](JsonWriter& out) { out.Field("refusal", text.text); });
  } else {
    EmitInPart("response.output_text.done", [&](JsonWriter& out) {
      openai::WriteTokenLogprobs(out.Field("text", text.text).Key("logprobs"), text.logprobs);
    });
  }
  EmitInPart("response.content_part.done",
             [&](JsonWriter& out) { WritePart(out.Key("part"), part(), settings_); });
}

void EventEncoder::Text(const domain::TextDelta& delta) {
  if (!item_open_ || item().kind != Kind::kMessage) return;
  refused_ = refused_ || delta.refusal;
  NeedPart(delta.refusal);
  auto& text = part().text;
  text.text += delta.text;
  text.logprobs.insert(text.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
  if (delta.refusal) {
    EmitInPart("response.refusal.delta", [&](JsonWriter& out) { out.Field("delta", delta.text); });
    return;
  }
  EmitInPart("response.output_text.delta", [&](JsonWriter& out) {
    openai::WriteTokenLogprobs(out.Field("delta", delta.text).Key("logprobs"), delta.logprobs);
  });
}

void EventEncoder::Citation(const domain::CitationDelta& delta) {
  if (!item_open_ || item().kind != Kind::kMessage) return;
  NeedPart(false);
  auto& text = part().text;
  text.citations.push_back(delta.citation);
  EmitInPart("response.output_text.annotation.added", [&](JsonWriter& out) {
    out.Field("annotation_index", static_cast<std::int64_t>(text.citations.size()) - 1);
    WriteAnnotation(out.Key("annotation"), delta.citation,
                    static_cast<std::int64_t>(CodePointCount(text.text)));
  });
}

void EventEncoder::Reasoning(const domain::ReasoningDelta& delta) {
  if (!item_open_ || item().kind != Kind::kReasoning) return;
  auto& block = item().reasoning;
  block.text += delta.text;
  block.signature += delta.signature;
  block.redacted += delta.redacted;
  if (!delta.signer.empty()) block.signer = delta.signer;
  if (!settings_.summaries || delta.text.empty()) return;
  if (!summary_open_) {
    summary_open_ = true;
    EmitAt("response.reasoning_summary_part.added", [&](JsonWriter& out) {
      out.Field("item_id", item().id).Field("summary_index", 0).Key("part").BeginObject();
      out.Field("type", "summary_text").Field("text", "").EndObject();
    });
  }
  EmitAt("response.reasoning_summary_text.delta", [&](JsonWriter& out) {
    out.Field("item_id", item().id).Field("summary_index", 0).Field("delta", delta.text);
  });
}

void EventEncoder::CloseSummary() {
  if (!summary_open_) return;
  summary_open_ = false;
  EmitAt("response.reasoning_summary_text.done", [&](JsonWriter& out) {
    out.Field("item_id", item().id).Field("summary_index", 0);
    out.Field("text", item().reasoning.text);
  });
  EmitAt("response.reasoning_summary_part.done", [&](JsonWriter& out) {
    out.Field("item_id", item().id).Field("summary_index", 0).Key("part").BeginObject();
    out.Field("type", "summary_text").Field("text", item().reasoning.text).EndObject();
  });
}

void EventEncoder::ToolInput(const domain::ToolInputDelta& delta) {
  if (!item_open_ || item().kind != Kind::kCall) return;
  item().call.input.text += delta.json;
  if (delta.json.empty()) return;
  EmitAt("response.function_call_arguments.delta",
         [&](JsonWriter& out) { out.Field("item_id", item().id).Field("delta", delta.json); });
}

// A message stays open: the next text block is a part of it.
void EventEncoder::StopBlock() {
  if (!item_open_) return;
  if (item().kind != Kind::kMessage) return CloseItem("completed");
  if (!block_has_part_) NeedPart(false);
  ClosePart();
}

void EventEncoder::End(const domain::StreamEnd& end) {
  const auto ending = EndingOf(end.stop_reason);
  // A provider that says only at the end that it refused (Anthropic) has sent the text as output.
  if (end.stop_reason == domain::StopReason::kRefusal && !refused_) {
    if (!item_open_ || item().kind != Kind::kMessage) {
      Block({.index = 0, .kind = domain::BlockKind::kText, .tool_use_id = {}, .tool_name = {}});
    }
    Text({.index = 0, .text = std::string(kLateRefusal), .logprobs = {}, .refusal = true});
  }
  CloseItem(ending.status);
  auto view = View(ending);
  view.usage = &end.usage;
  EmitResponse(ending.reason.empty() ? "response.completed" : "response.incomplete", view);
}

std::string EventEncoder::Encode(const domain::StreamEvent& event) {
  out_.clear();
  if (!announced_ && started_ && !std::holds_alternative<domain::StreamStart>(event)) Announce();
  std::visit(Overloaded{
                 [&](const domain::StreamStart& e) { Start(e); },
                 [&](const domain::BlockStart& e) { Block(e); },
                 [&](const domain::TextDelta& e) { Text(e); },
                 [&](const domain::ToolInputDelta& e) { ToolInput(e); },
                 [&](const domain::ReasoningDelta& e) { Reasoning(e); },
                 [&](const domain::CitationDelta& e) { Citation(e); },
                 [&](const domain::BlockStop&) { StopBlock(); },
                 [&](const domain::WireChunk&) {},  // another dialect's bytes
                 [&](const domain::WireStop&) {},
                 [&](const domain::StreamEnd& e) { End(e); },
             },
             event);
  return std::move(out_);
}

std::string EventEncoder::EncodeError(const Error& error) {
  out_.clear();
  Emit("error", [&](JsonWriter& out) {
    out.Field("code", CodeName(error.code())).Field("message", PublicMessage(error));
    out.Key("param");
    error.field().empty() ? out.Null() : out.Value(error.field());
  });
  if (!started_) return std::move(out_);
  announced_ = true;
  if (item_open_) item().status = "incomplete";
  auto view = View({.status = "failed", .reason = {}});
  view.error = &error;
  EmitResponse("response.failed", view);
  return std::move(out_);
}

std::string EventEncoder::items() const {
  JsonWriter out;
  out.BeginArray();
  for (const auto& item : items_) WriteItem(out, item, settings_, Detail::kAll);
  return out.EndArray().Take();
}

}  // namespace

std::string ResponseId(std::string_view request_id) { return fmt::format("resp_{}", request_id); }

std::unique_ptr<Encoder> MakeStreamEncoder(Settings settings, AnswerMeta meta) {
  return std::make_unique<EventEncoder>(std::move(settings), std::move(meta), WirePlace());
}

std::unique_ptr<FollowingEncoder> MakeFollowingEncoder(Settings settings, AnswerMeta meta,
                                                       WirePlace place) {
  return std::make_unique<EventEncoder>(std::move(settings), std::move(meta), std::move(place));
}

WholeResponse EncodeResponse(const domain::ChatResponse& response, const Settings& settings,
                             const AnswerMeta& meta) {
  EventEncoder encoder(settings, meta, {});
  for (const auto& event : domain::EventsOf(response)) encoder.Encode(event);
  return {.response = encoder.response(), .items = encoder.items()};
}

std::string EncodeResponseAs(std::string id, const domain::ChatResponse& response,
                             const Settings& settings, const AnswerMeta& meta) {
  WirePlace place;
  place.id = std::move(id);
  EventEncoder encoder(settings, meta, std::move(place));
  for (const auto& event : domain::EventsOf(response)) encoder.Encode(event);
  return encoder.response();
}

}  // namespace strata::dialect::responses
