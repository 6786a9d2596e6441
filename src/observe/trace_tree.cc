#include "observe/trace_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>
#include <tuple>

#include "base/json_text.h"
#include "base/utf8.h"
#include "observe/trace_file.h"

namespace strata::observe {
namespace {

namespace json = boost::json;

constexpr std::size_t kCellMax = 60;  // code points of a table cell
constexpr std::size_t kColumnsMax = 10;
constexpr int kDepthMax = 64;  // of spans; deeper ones are left out

using ByParent = std::multimap<std::string, const SpanRecord*>;

// Spans of the same microsecond stand in a fixed order too.
bool Earlier(const TraceNode& a, const TraceNode& b) {
  return std::tie(a.span->start, a.span->span_id) < std::tie(b.span->start, b.span->span_id);
}

TraceNode NodeOf(const SpanRecord* span, const ByParent& by_parent,
                 std::set<const SpanRecord*>& seen, int depth) {
  TraceNode node{span, {}};
  if (depth >= kDepthMax) return node;
  auto [begin, end] = by_parent.equal_range(span->span_id);
  for (auto it = begin; it != end; ++it) {
    if (!seen.insert(it->second).second) continue;
    node.children.push_back(NodeOf(it->second, by_parent, seen, depth + 1));
  }
  std::sort(node.children.begin(), node.children.end(), Earlier);
  return node;
}

// Numbers as people write them (Boost serialises 0.5 as 5E-1).
std::string Plain(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_double()) return fmt::format("{:.6g}", value.get_double());
  return json::serialize(value);
}

std::string Cell(const json::value& value) {
  auto text = Plain(value);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (CodePointCount(text) <= kCellMax) return text;
  return text.substr(0, ByteOffset(text, kCellMax - 1)) + "…";
}

// Lines with one indent.
class Printer {
 public:
  void Line(std::size_t indent, std::string_view text) {
    out_.append(indent, ' ');
    out_ += text;
    out_ += '\n';
  }

  // `name: text`, or the lines of a text of several below its name.
  void Text(std::size_t indent, std::string_view name, std::string_view text) {
    if (text.find('\n') == text.npos) return Line(indent, fmt::format("{}: {}", name, text));
    Line(indent, fmt::format("{}:", name));
    for (bool more = true; more;) {
      auto end = text.find('\n');
      more = end != text.npos;
      auto line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (more || !line.empty()) Line(line.empty() ? 0 : indent + 2, line);
      if (more) text.remove_prefix(end + 1);
    }
  }

  // `name: value`, and what a value holds below it.
  void Value(std::size_t indent, std::string_view name, const json::value& value) {
    if (const auto* array = value.if_array()) {
      Array(indent, name, *array);
    } else if (const auto* object = value.if_object()) {
      Line(indent, fmt::format("{}:", name));
      for (const auto& member : *object) {
        Value(indent + 2, std::string(member.key()), member.value());
      }
    } else {
      Text(indent, name, Plain(value));
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void Array(std::size_t indent, std::string_view name, const json::array& array) {
    bool table = !array.empty() && std::all_of(array.begin(), array.end(),
                                               [](const auto& v) { return v.is_object(); });
    if (table) {
      Line(indent, fmt::format("{}: {} items", name, array.size()));
      Table(indent + 2, array);
      return;
    }
    bool flat = std::none_of(array.begin(), array.end(), [](const auto& v) {
      if (const auto* text = v.if_string()) return text->find('\n') != text->npos;
      return v.is_object() || v.is_array();
    });
    if (flat) {
      std::string line;
      for (const auto& item : array) line += (line.empty() ? "" : ", ") + Plain(item);
      Line(indent, fmt::format("{}: [{}]", name, line));
      return;
    }
    Line(indent, fmt::format("{}:", name));
    std::size_t index = 0;
    for (const auto& item : array) Value(indent + 2, std::to_string(++index), item);
  }

  // Objects as rows; columns in the order in which members first appear.
  void Table(std::size_t indent, const json::array& rows) {
    std::vector<std::string> columns;
    for (const auto& row : rows) {
      for (const auto& member : row.get_object()) {
        auto key = std::string(member.key());
        bool known = std::find(columns.begin(), columns.end(), key) != columns.end();
        if (!known && columns.size() < kColumnsMax) columns.push_back(key);
      }
    }
    std::vector<std::vector<std::string>> cells{columns};
    for (const auto& row : rows) {
      auto& line = cells.emplace_back();
      for (const auto& column : columns) {
        const auto* value = row.get_object().if_contains(column);
        line.push_back(value == nullptr || value->is_null() ? "" : Cell(*value));
      }
    }
    std::vector<std::size_t> widths(columns.size(), 0);
    for (const auto& line : cells) {
      for (std::size_t i = 0; i < line.size(); ++i) {
        widths[i] = std::max(widths[i], CodePointCount(line[i]));
      }
    }
    for (const auto& line : cells) {
      std::string text;
      for (std::size_t i = 0; i < line.size(); ++i) {
        text += line[i];
        if (i + 1 < line.size()) text.append(widths[i] + 2 - CodePointCount(line[i]), ' ');
      }
      Line(indent, text);
    }
  }

  std::string out_;
};

void PrintField(Printer& out, std::size_t indent, const std::string& key, const SpanValue& value) {
  if (const auto* nested = std::get_if<JsonText>(&value)) {
    boost::system::error_code code;
    auto parsed = json::parse(nested->text, code);
    out.Value(indent, key, code ? json::value(nested->text) : parsed);
    return;
  }
  std::visit(
      [&](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<V, std::string>) {
          out.Text(indent, key, v);
        } else if constexpr (!std::is_same_v<V, JsonText>) {
          out.Line(indent, fmt::format("{}: {}", key, v));
        }
      },
      value);
}

std::string Milliseconds(std::chrono::microseconds duration) {
  return fmt::format("{:.1f} ms", static_cast<double>(duration.count()) / 1000.0);
}

struct Scale {
  std::chrono::microseconds whole;
  TreeOrder order;
};

void PrintNode(Printer& out, const TraceNode& node, std::size_t depth, const Scale& scale) {
  const auto& span = *node.span;
  auto duration = span.end - span.start;
  auto share = scale.whole.count() > 0 ? 100 * duration.count() / scale.whole.count() : 100;
  auto indent = depth * 2;
  out.Line(indent, fmt::format("{}  {}  {}%", span.name, Milliseconds(duration), share));
  if (span.error) {
    out.Text(indent + 4, "error",
             fmt::format("{}: {}", CodeName(span.error->code()), span.error->message()));
  }
  for (const auto& [key, value] : span.fields) PrintField(out, indent + 4, key, value);
  auto print = [&](const TraceNode& child) { PrintNode(out, child, depth + 1, scale); };
  if (scale.order == TreeOrder::kAnswerFirst) {
    std::for_each(node.children.rbegin(), node.children.rend(), print);
  } else {
    std::for_each(node.children.begin(), node.children.end(), print);
  }
}

WallTime EndOf(const FinishedTrace& trace) {
  auto end = trace.spans.front().end;
  for (const auto& span : trace.spans) end = std::max(end, span.end);
  return end;
}

json::value ConsoleValue(const SpanValue& value) {
  if (const auto* nested = std::get_if<JsonText>(&value)) {
    boost::system::error_code code;
    auto parsed = json::parse(nested->text, code);
    return code ? json::value(nested->text) : parsed;
  }
  return std::visit(
      [](const auto& v) -> json::value {
        using V = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<V, JsonText>) {
          return nullptr;
        } else {
          return json::value(v);
        }
      },
      value);
}

json::object ConsoleNode(const TraceNode& node, WallTime start) {
  const auto& span = *node.span;
  json::object out;
  out["name"] = span.name;
  out["span_id"] = span.span_id;
  out["start_us"] = (span.start - start).count();
  out["duration_us"] = (span.end - span.start).count();
  json::object fields;
  for (const auto& [key, value] : span.fields) fields[key] = ConsoleValue(value);
  out["fields"] = std::move(fields);
  if (span.error) {
    out["error"] = json::object{{"code", std::string(CodeName(span.error->code()))},
                                {"message", span.error->message()}};
  }
  json::array children;
  for (const auto& child : node.children) children.push_back(ConsoleNode(child, start));
  out["children"] = std::move(children);
  return out;
}

}  // namespace

std::vector<TraceNode> BuildTree(const FinishedTrace& trace) {
  std::set<std::string> ids;
  ByParent by_parent;
  for (const auto& span : trace.spans) {
    ids.insert(span.span_id);
    if (!span.parent_id.empty()) by_parent.emplace(span.parent_id, &span);
  }
  std::set<const SpanRecord*> seen;
  std::vector<TraceNode> roots;
  auto add = [&](const SpanRecord& span) {
    if (seen.insert(&span).second) roots.push_back(NodeOf(&span, by_parent, seen, 0));
  };
  for (const auto& span : trace.spans) {
    if (!ids.contains(span.parent_id)) add(span);
  }
  // Only a cycle is left: spans that are each other's parents.
  for (const auto& span : trace.spans) add(span);
  std::sort(roots.begin(), roots.end(), Earlier);
  return roots;
}

std::string TreeText(const FinishedTrace& trace, TreeOrder order) {
  Printer out;
  out.Line(0, fmt::format("trace {}", trace.trace_id));
  if (trace.spans.empty()) return out.Take();
  auto start = StartOf(trace);
  auto whole = EndOf(trace) - start;
  out.Line(0, fmt::format("{}  {}  {} spans", FormatIso8601(start), Milliseconds(whole),
                          trace.spans.size()));
  auto fact = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.Line(0, fmt::format("{}: {}", name, value));
  };
  fact("workspace", trace.workspace.value);
  fact("key", trace.key.value);
  fact("subject", trace.subject);
  fact("dialect", trace.dialect);
  fact("model", trace.model);
  out.Line(0, "");
  auto roots = BuildTree(trace);
  if (order == TreeOrder::kAnswerFirst) std::reverse(roots.begin(), roots.end());
  for (const auto& root : roots) PrintNode(out, root, 0, {whole, order});
  return out.Take();
}

std::string TreeJson(const FinishedTrace& trace) {
  json::object out;
  out["trace_id"] = trace.trace_id;
  out["workspace"] = trace.workspace.value;
  out["key"] = trace.key.value;
  out["subject"] = trace.subject;
  out["dialect"] = trace.dialect;
  out["model"] = trace.model;
  json::array roots;
  if (!trace.spans.empty()) {
    auto start = StartOf(trace);
    out["start"] = FormatIso8601(start);
    out["duration_us"] = (EndOf(trace) - start).count();
    for (const auto& root : BuildTree(trace)) roots.push_back(ConsoleNode(root, start));
  }
  out["roots"] = std::move(roots);
  return json::serialize(out);
}

}  // namespace strata::observe
