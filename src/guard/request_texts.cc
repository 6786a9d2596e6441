#include "guard/request_texts.h"

#include <variant>

namespace strata::guard {
namespace {

using Texts = std::vector<std::string*>;

// One visitor for all blocks: plain texts to one list, JSON to another.
struct Collector {
  Texts& texts;
  Texts& json;

  void operator()(domain::TextBlock& block) { texts.push_back(&block.text); }
  void operator()(domain::ReasoningBlock& block) { texts.push_back(&block.text); }
  void operator()(domain::DocumentBlock& block) {
    for (auto* text : {&block.name, &block.text, &block.context}) texts.push_back(text);
    for (auto& chunk : block.chunks) texts.push_back(&chunk);
  }
  void operator()(domain::ToolUseBlock& block) { json.push_back(&block.input.text); }
  void operator()(domain::ToolResultBlock& block) {
    for (auto& piece : block.content) std::visit(*this, piece);
  }
  void operator()(JsonText& value) { json.push_back(&value.text); }
  void operator()(domain::ImageBlock&) {}
  void operator()(domain::CachePoint&) {}
};

void Collect(domain::ChatRequest& request, Collector collector) {
  for (auto& block : request.system) std::visit(collector, block);
  for (auto& message : request.messages) {
    for (auto& block : message.content) std::visit(collector, block);
  }
  for (auto& tool : request.tools) {
    collector.texts.push_back(&tool.description);
    collector.json.push_back(&tool.input_schema.text);
  }
  if (request.json_output) collector.json.push_back(&request.json_output->schema.text);
}

}  // namespace

Texts TextsOf(domain::ChatRequest& request) {
  Texts texts, json;
  Collect(request, {texts, json});
  return texts;
}

Texts JsonTextsOf(domain::ChatRequest& request) {
  Texts texts, json;
  Collect(request, {texts, json});
  return json;
}

std::vector<const std::string*> NamesOf(const domain::ChatRequest& request) {
  std::vector<const std::string*> names;
  for (const auto& message : request.messages) {
    names.push_back(&message.name);
    for (const auto& block : message.content) {
      if (const auto* use = std::get_if<domain::ToolUseBlock>(&block)) names.push_back(&use->name);
    }
  }
  for (const auto& tool : request.tools) names.push_back(&tool.name);
  if (request.tool_choice) names.push_back(&request.tool_choice->name);
  for (const auto& stop : request.stop) names.push_back(&stop);
  if (request.json_output) {
    names.push_back(&request.json_output->name);
    names.push_back(&request.json_output->description);
  }
  std::erase_if(names, [](const std::string* name) { return name->empty(); });
  return names;
}

std::vector<std::vector<const std::string*>> JoinedTextsOf(const domain::ChatRequest& request) {
  std::vector<std::vector<const std::string*>> out;
  auto add = [&](const auto& content) {
    std::vector<const std::string*> texts;
    for (const auto& block : content) {
      const auto* text = std::get_if<domain::TextBlock>(&block);
      if (text != nullptr && !text->text.empty()) texts.push_back(&text->text);
    }
    if (texts.size() > 1) out.push_back(std::move(texts));
  };
  add(request.system);
  for (const auto& message : request.messages) {
    add(message.content);
    for (const auto& block : message.content) {
      if (const auto* result = std::get_if<domain::ToolResultBlock>(&block)) add(result->content);
    }
  }
  return out;
}

std::vector<const std::string*> KeysOf(const dialect::JsonValue& value) {
  std::vector<const std::string*> out;
  std::vector<const dialect::JsonValue*> open = {&value};
  while (!open.empty()) {
    const auto* next = open.back();
    open.pop_back();
    if (const auto* array = next->array()) {
      for (const auto& item : *array) open.push_back(&item);
    } else if (const auto* object = next->object()) {
      for (const auto& member : *object) {
        out.push_back(&member.key);
        open.push_back(&member.value);
      }
    }
  }
  return out;
}

Texts StringsOf(dialect::JsonValue& value) {
  Texts out;
  std::vector<dialect::JsonValue*> open = {&value};
  while (!open.empty()) {
    auto* next = open.back();
    open.pop_back();
    if (auto* text = std::get_if<std::string>(&next->data)) {
      out.push_back(text);
    } else if (auto* array = std::get_if<dialect::JsonValue::Array>(&next->data)) {
      for (auto& item : *array) open.push_back(&item);
    } else if (auto* object = std::get_if<dialect::JsonValue::Object>(&next->data)) {
      for (auto& member : *object) open.push_back(&member.value);
    }
  }
  return out;
}

}  // namespace strata::guard
