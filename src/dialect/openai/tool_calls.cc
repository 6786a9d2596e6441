#include "dialect/openai/tool_calls.h"

#include <fmt/format.h>

#include <utility>

#include "base/format_message.h"
#include "dialect/json/json_writer.h"

namespace strata::dialect::openai {
namespace {

constexpr std::size_t kCallsMax = 1024;
constexpr std::size_t kHeldBytesMax = 16u << 20;

std::string TextOf(const JsonField& field) {
  if (!field.present()) return {};
  if (const auto* text = field.value().string()) return *text;
  return field.value().object() != nullptr ? field.value().Dump() : std::string();
}

// Around the input of a custom tool, which is free text.
constexpr std::string_view kInputStart = R"({"input":")";
constexpr std::string_view kInputEnd = R"("})";

// Inside of a JSON string.
std::string Escaped(std::string_view text) {
  JsonWriter out;
  auto quoted = out.Value(text).Take();
  return quoted.substr(1, quoted.size() - 2);
}

void GiveOut(std::string json, const BlockEmitter& blocks, BlockEmitter::Events& out) {
  if (json.empty()) return;
  out.emplace_back(domain::ToolInputDelta{.index = blocks.index(), .json = std::move(json)});
}

}  // namespace

ToolCallAssembler::Call& ToolCallAssembler::Find(std::int64_t index, const std::string& id) {
  // Newest first: some servers give every call index 0 and tell them apart by id alone.
  for (std::size_t i = calls_.size(); i-- > 0;) {
    if (calls_[i].index != index) continue;
    if (id.empty() || calls_[i].id.empty() || calls_[i].id == id) return calls_[i];
    break;
  }
  calls_.push_back({.index = index, .id = {}, .name = {}, .held = {}});
  return calls_.back();
}

Result<> ToolCallAssembler::AddOne(const JsonField& call, std::size_t place, BlockEmitter& blocks,
                                   BlockEmitter::Events& out) {
  STRATA_CHECK_OK(call.ExpectObject());
  auto index = call.Get("index").Integer(0, INT32_MAX);
  auto function = call.Get("function");
  auto custom = call.Get("custom");
  const auto& called = custom.present() ? custom : function;
  auto id_field = call.Get("id");
  auto name_field = called.Get("name");
  auto arguments_field = called.Get(custom.present() ? "input" : "arguments");
  auto id = TextOf(id_field);
  auto& known = Find(index.value_or(static_cast<std::int64_t>(place)), id);
  if (calls_.size() > kCallsMax) {
    return Fail(Code::kTooLarge, FormatMessage("more than {} tool calls", kCallsMax));
  }
  if (known.id.empty()) known.id = std::move(id);
  if (known.name.empty()) known.name = TextOf(name_field);
  if (custom.present() && !known.custom && !known.live) {
    known.custom = true;
    known.held += kInputStart;
    held_bytes_ += kInputStart.size();
  }
  auto arguments = TextOf(arguments_field);
  if (known.custom) arguments = Escaped(arguments);
  if (&known == &calls_.front() && !known.live && !known.id.empty() && !known.name.empty()) {
    blocks.Begin(out, domain::BlockKind::kToolUse, known.id, known.name);
    known.live = true;
    held_bytes_ -= known.held.size();
    arguments = std::exchange(known.held, {}) + arguments;
  }
  if (known.live) {
    GiveOut(std::move(arguments), blocks, out);
    return {};
  }
  held_bytes_ += arguments.size();
  known.held += arguments;
  if (held_bytes_ > kHeldBytesMax) {
    return Fail(Code::kTooLarge, FormatMessage("tool calls hold over {} bytes", kHeldBytesMax));
  }
  return {};
}

Result<> ToolCallAssembler::Add(const JsonField& calls, BlockEmitter& blocks,
                                BlockEmitter::Events& out) {
  STRATA_CHECK_OK(calls.ExpectArray());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto call = calls.Item(i);
    STRATA_CHECK_OK(AddOne(call, i, blocks, out));
  }
  return {};
}

void ToolCallAssembler::Flush(BlockEmitter& blocks, BlockEmitter::Events& out) {
  for (auto& call : std::exchange(calls_, {})) {
    if (call.custom) call.held += kInputEnd;
    if (call.live) {
      GiveOut(std::move(call.held), blocks, out);
      continue;
    }
    if (call.id.empty()) call.id = fmt::format("call_{}", call.index);  // some servers give none
    blocks.Begin(out, domain::BlockKind::kToolUse, std::move(call.id), std::move(call.name));
    GiveOut(std::move(call.held), blocks, out);
  }
  held_bytes_ = 0;
}

}  // namespace strata::dialect::openai
