#include "server/console/trace_page.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "base/utf8.h"
#include "observe/trace_tree.h"
#include "server/console/html.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::size_t kCitationsMax = 200;
constexpr std::size_t kTableRowsMax = 50;

std::string TextOf(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

double RealOf(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_number() ? value->to_number<double>() : 0;
}

std::vector<domain::PageRegion> PagesOf(const json::object& object) {
  std::vector<domain::PageRegion> out;
  auto* pages = object.if_contains("pages");
  if (!pages || !pages->is_array()) return out;
  for (const auto& item : pages->as_array()) {
    if (!item.is_object()) continue;
    domain::PageRegion region;
    region.page = static_cast<int>(RealOf(item.as_object(), "page"));
    auto* boxes = item.as_object().if_contains("boxes");
    for (const auto& box : boxes && boxes->is_array() ? boxes->as_array() : json::array()) {
      if (!box.is_array() || box.as_array().size() != 4) continue;
      float side[4] = {};
      for (std::size_t i = 0; i < 4; ++i) {
        if (box.as_array()[i].is_number()) side[i] = box.as_array()[i].to_number<float>();
      }
      region.boxes.push_back({side[0], side[1], side[2], side[3]});
    }
    out.push_back(std::move(region));
  }
  return out;
}

TracedCitation CitationOf(const json::object& object) {
  TracedCitation out;
  out.knowledge_base_id = TextOf(object, "knowledge_base");
  out.base = TextOf(object, "base");
  out.document_id = TextOf(object, "document");
  out.chunk_id = TextOf(object, "chunk");
  out.title = TextOf(object, "title");
  out.uri = TextOf(object, "uri");
  out.quoted = TextOf(object, "quoted");
  out.answer_start = static_cast<std::int64_t>(RealOf(object, "answer_start"));
  out.answer_end = static_cast<std::int64_t>(RealOf(object, "answer_end"));
  out.score = RealOf(object, "score");
  out.pages = PagesOf(object);
  return out;
}

// The first field of that name in any span, "" when there is none.
std::string FieldOf(const observe::FinishedTrace& trace, std::string_view name) {
  for (const auto& span : trace.spans) {
    if (auto text = span.Text(name); !text.empty()) return std::string(text);
  }
  return {};
}

// The answer with a numbered link after each cited part.
std::string MarkedAnswer(const std::string& answer, const std::vector<TracedCitation>& citations) {
  std::multimap<std::size_t, std::size_t> marks;  // byte offset → citation number
  for (std::size_t i = 0; i < citations.size(); ++i) {
    marks.emplace(ByteOffset(answer, static_cast<std::size_t>(
                                         std::max<std::int64_t>(0, citations[i].answer_end))),
                  i + 1);
  }
  std::string out;
  std::size_t done = 0;
  for (const auto& [at, number] : marks) {
    out += Escaped(std::string_view(answer).substr(done, at - done));
    done = at;
    out += fmt::format("<sup><a href=\"#source-{0}\">[{0}]</a></sup>", number);
  }
  return out + Escaped(std::string_view(answer).substr(done));
}

std::string SourceSection(const observe::FinishedTrace& trace, const TracedCitation& citation,
                          std::size_t number, std::string_view token) {
  std::string picture;
  if (!citation.pages.empty() && citation.pages.front().page > 0) {
    picture = fmt::format(
        R"(<a href="{0}"><img src="{0}" alt="page {1} of {2}, cited region marked" loading="lazy"></a>)",
        fmt::format("/console/trace/{}/source/{}.png?t={}", trace.trace_id, number, token),
        citation.pages.front().page, Escaped(citation.title));
  }
  auto page =
      picture.empty() ? std::string() : fmt::format(", page {}", citation.pages.front().page);
  auto base = citation.base.empty() ? std::string() : Escaped(citation.base) + " · ";
  return fmt::format(
      R"(<section class="source" id="source-{0}"><div><b>[{0}] {1}</b>{2}<blockquote>{3}</blockquote><span class="muted">{7}{4} · score {5:.3f}</span></div><div>{6}</div></section>
)",
      number, Escaped(citation.title), page, Escaped(citation.quoted), Escaped(citation.uri),
      citation.score, picture, base);
}

std::string CellOf(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return Escaped(std::string_view(value.as_string()));
  if (value.is_double()) return fmt::format("{:.4f}", value.as_double());
  return Escaped(json::serialize(value));
}

// An array of objects as a table, anything else as text.
std::string JsonField(const std::string& text) {
  json::error_code error;
  auto value = json::parse(text, error);
  bool table =
      !error && value.is_array() && !value.as_array().empty() && value.as_array()[0].is_object();
  if (!table) return Escaped(text);
  const auto& rows = value.as_array();
  std::string out = "<div class=\"scroll\"><table><tr>";
  std::vector<std::string> columns;
  for (const auto& [key, unused] : rows[0].as_object()) {
    columns.emplace_back(key);
    out += "<th>" + Escaped(std::string_view(key)) + "</th>";
  }
  out += "</tr>";
  std::size_t shown = 0;
  for (const auto& row : rows) {
    if (!row.is_object() || shown++ == kTableRowsMax) break;
    out += "<tr>";
    for (const auto& column : columns) {
      auto* cell = row.as_object().if_contains(column);
      out += "<td>" + (cell ? CellOf(*cell) : std::string()) + "</td>";
    }
    out += "</tr>";
  }
  out += "</table></div>";
  if (rows.size() > kTableRowsMax)
    out += fmt::format("<span class=\"muted\">… {} in all</span>", rows.size());
  return out;
}

std::string ValueOf(const SpanValue& value) {
  if (auto* text = std::get_if<std::string>(&value)) return Escaped(*text);
  if (auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (auto* real = std::get_if<double>(&value)) return fmt::format("{:.6g}", *real);
  if (auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
  return JsonField(std::get<JsonText>(value).text);
}

struct Timeline {
  WallTime start;
  double total_us = 1;
};

std::string BarOf(const SpanRecord& span, const Timeline& timeline) {
  double from =
      static_cast<double>((span.start - timeline.start).count()) / timeline.total_us * 100;
  double width =
      std::max(0.5, static_cast<double>((span.end - span.start).count()) / timeline.total_us * 100);
  return fmt::format(
      R"(<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="6"/><rect class="own" x="{:.2f}" width="{:.2f}" height="6"/></svg>)",
      std::clamp(from, 0.0, 99.5), std::min(width, 100.0));
}

std::string SpanHtml(const observe::TraceNode& node, const Timeline& timeline, bool open) {
  const auto& span = *node.span;
  double ms = static_cast<double>((span.end - span.start).count()) / 1000;
  auto out = fmt::format(
      R"(<details class="span"{}><summary><span{}>{}</span><span class="ms">{:.1f} ms</span>{}</summary><dl>)",
      open ? " open" : "", span.error ? " class=\"bad\"" : "", Escaped(span.name), ms,
      BarOf(span, timeline));
  if (span.error) {
    out += fmt::format("<dt class=\"bad\">error</dt><dd class=\"bad\">{}: {}</dd>",
                       CodeName(span.error->code()), Escaped(span.error->message()));
  }
  for (const auto& [key, value] : span.fields) {
    out += "<dt>" + Escaped(key) + "</dt><dd>" + ValueOf(value) + "</dd>";
  }
  out += "</dl><div class=\"kids\">";
  for (const auto& child : node.children) out += SpanHtml(child, timeline, false);
  return out + "</div></details>\n";
}

std::string Facts(const observe::FinishedTrace& trace, const Timeline& timeline) {
  auto fact = [](std::string_view name, const std::string& value) {
    return value.empty() ? std::string()
                         : fmt::format("<li>{} <b>{}</b></li>", name, Escaped(value));
  };
  auto cost = FieldOf(trace, "cost_usd");
  return "<ul class=\"facts\">" + fact("model", trace.model) + fact("dialect", trace.dialect) +
         fact("took", fmt::format("{:.1f} ms", timeline.total_us / 1000)) +
         fact("cost", cost.empty() ? cost : cost + " USD") + fact("key", trace.key.value) +
         fact("at", FormatIso8601(timeline.start)) + "</ul>";
}

Timeline TimelineOf(const observe::FinishedTrace& trace) {
  if (trace.spans.empty()) return {};
  auto start = trace.spans.front().start;
  auto end = trace.spans.front().end;
  for (const auto& span : trace.spans) {
    start = std::min(start, span.start);
    end = std::max(end, span.end);
  }
  return {start, std::max(1.0, static_cast<double>((end - start).count()))};
}

}  // namespace

std::vector<TracedCitation> CitationsOf(const observe::FinishedTrace& trace) {
  std::vector<TracedCitation> out;
  for (const auto& span : trace.spans) {
    for (const auto& [key, value] : span.fields) {
      auto* text = key == "citations" ? std::get_if<JsonText>(&value) : nullptr;
      if (!text || !out.empty()) continue;
      json::error_code error;
      auto parsed = json::parse(text->text, error);
      for (const auto& item : !error && parsed.is_array() ? parsed.as_array() : json::array()) {
        if (item.is_object() && out.size() < kCitationsMax)
          out.push_back(CitationOf(item.as_object()));
      }
    }
  }
  // A request that asked one knowledge base says so once, in the span of its retrieval.
  auto base = FieldOf(trace, "knowledge_base");
  for (auto& citation : out) {
    if (citation.base.empty() && citation.knowledge_base_id.empty()) {
      citation.knowledge_base_id = base;
    }
  }
  return out;
}

std::string TracePage(const observe::FinishedTrace& trace, std::string_view token) {
  auto timeline = TimelineOf(trace);
  auto citations = CitationsOf(trace);
  auto question = FieldOf(trace, "question");
  auto answer = FieldOf(trace, "answer");
  std::string body = Facts(trace, timeline);
  if (!question.empty())
    body += "<h2>Question</h2><div class=\"question\">" + Escaped(question) + "</div>";
  if (!answer.empty())
    body += "<h2>Answer</h2><div class=\"answer\">" + MarkedAnswer(answer, citations) + "</div>";
  if (!citations.empty()) body += "<h2>Sources</h2>";
  for (std::size_t i = 0; i < citations.size(); ++i)
    body += SourceSection(trace, citations[i], i + 1, token);
  body += "<h2>How it came about</h2>";
  for (const auto& root : observe::BuildTree(trace)) body += SpanHtml(root, timeline, true);
  return Page("Trace " + trace.trace_id, body);
}

}  // namespace strata::server
