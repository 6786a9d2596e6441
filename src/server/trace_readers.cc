#include "server/trace_readers.h"

#include <algorithm>
#include <boost/json.hpp>

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kLeftOut =
    "[left out: made of passages that were deleted or changed since, or may not be read any more]";

// "" when it names none.
std::string ChunkOf(const json::object& object) {
  const auto* chunk = object.if_contains("chunk");
  return chunk && chunk->is_string() ? std::string(chunk->as_string()) : std::string();
}

json::value ListIn(const SpanValue& value) {
  const auto* text = std::get_if<JsonText>(&value);
  json::error_code error;
  auto list = text ? json::parse(text->text, error) : json::value();
  return error ? json::value() : list;
}

// All that its searches looked into.
std::set<std::string> BasesOf(const observe::FinishedTrace& trace) {
  std::set<std::string> bases;
  for (const auto& span : trace.spans) {
    for (const auto& [key, value] : span.fields) {
      const auto* id = key == "knowledge_base" ? std::get_if<std::string>(&value) : nullptr;
      if (id) bases.insert(*id);
    }
  }
  return bases;
}

// Of one field "citations", those of `gone` chunks, and those that name none, as builtin/extract's
// of what file_search found.
void CutQuotes(const std::set<std::string>& gone, SpanValue& value) {
  auto list = ListIn(value);
  if (!list.is_array()) return;
  for (auto& item : list.as_array()) {
    auto* citation = item.if_object();
    if (citation == nullptr) continue;
    const auto chunk = ChunkOf(*citation);
    if (!chunk.empty() && !gone.contains(chunk)) continue;
    (*citation)["quoted"] = kLeftOut;
    for (const auto* place : {"pages", "answer_start", "answer_end"}) citation->erase(place);
  }
  value = JsonText{json::serialize(list)};
}

}  // namespace

void ReadAs(const Services& s, const observe::FinishedTrace& trace, RequestContext& ctx) {
  ctx.workspace = trace.workspace;
  ctx.principals.clear();
  const auto key = s.keys.snapshot()->FindId(trace.key);
  if (!key) return;
  ctx.principals = key->grant.principals;
  // Whom a trace names may be what a caller merely said (x-strata-subject), so the key must act for
  // him.
  auto user = "user:" + trace.subject;
  if (!trace.subject.empty() && key->MayActFor(user)) ctx.principals.push_back(std::move(user));
}

TracedChunks ChunksOf(const observe::FinishedTrace& trace) {
  TracedChunks chunks;
  for (const auto& span : trace.spans) {
    for (const auto& [key, value] : span.fields) {
      const auto list = ListIn(value);
      for (const auto& item : list.is_array() ? list.as_array() : json::array()) {
        if (!item.is_object()) continue;
        const bool cited = key == "citations";
        auto chunk = ChunkOf(item.as_object());
        chunks.unnamed = chunks.unnamed || (cited && chunk.empty());
        if (chunk.empty()) continue;
        if (cited) chunks.cited.insert(chunk);
        chunks.found.insert(std::move(chunk));
      }
    }
  }
  return chunks;
}

void LeaveOut(const std::set<std::string>& gone, observe::FinishedTrace& trace) {
  if (gone.empty()) return;
  const auto chunks = ChunksOf(trace);
  const auto any = [&](const std::set<std::string>& of) {
    return std::ranges::any_of(of, [&](const auto& chunk) { return gone.contains(chunk); });
  };
  const bool named = !chunks.unnamed && !chunks.cited.empty();
  const bool answer = any(named ? chunks.cited : chunks.found);
  const bool prompt = any(chunks.found);
  for (auto& span : trace.spans) {
    for (auto& [key, value] : span.fields) {
      if (key == "citations") CutQuotes(gone, value);
      if ((key == "answer" && answer) || (key == "prompt_text" && prompt)) {
        value = std::string(kLeftOut);
      }
    }
  }
}

Task<Result<>> LeaveOutWhatIsGone(const Services& s, observe::FinishedTrace& trace,
                                  const RequestContext& ctx) {
  RequestContext own;
  static_cast<RequestFacts&>(own) = ctx;
  ReadAs(s, trace, own);
  const auto bases = BasesOf(trace);
  std::set<std::string> gone;
  for (const auto& chunk : ChunksOf(trace).found) {
    bool stands = false;
    for (const auto& base : bases) {
      const auto fetched = co_await s.bases.FetchChunk(base, chunk, own);
      stands = fetched.has_value();
      if (stands) break;
      if (fetched.error().code() != Code::kNotFound) co_return std::unexpected(fetched.error());
    }
    if (!stands) gone.insert(chunk);
  }
  LeaveOut(gone, trace);
  co_return Result<>{};
}

}  // namespace strata::server
