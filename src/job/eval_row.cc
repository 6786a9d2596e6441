#include "job/eval_row.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json_text.h"
#include "dialect/json_value.h"
#include "route/json_list.h"
#include "route/row_lines.h"

namespace strata::job {
namespace {

using dialect::JsonField;
using Role = EvalMessage::Role;

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kMessagesMax = 1000;
constexpr std::size_t kGradedMax = 256;
constexpr std::size_t kVariablesMax = 64;

std::string_view RoleName(Role role) {
  return role == Role::kSystem ? "system" : role == Role::kUser ? "user" : "assistant";
}

Result<EvalMessage> ParseMessage(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(route::OnlyKnown(field, {"role", "content"}));
  EvalMessage message;
  STRATA_TRY(auto role, field.Get("role").OneOf({"system", "user", "assistant"}));
  message.role = role == "system" ? Role::kSystem : role == "user" ? Role::kUser : Role::kAssistant;
  STRATA_TRY(message.text, field.Get("content").NonEmptyString());
  return message;
}

Result<std::vector<EvalMessage>> ParseMessages(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectArray());
  if (field.size() == 0 || field.size() > kMessagesMax) {
    return Fail(field.Wrong(fmt::format("expected 1 to {} messages", kMessagesMax)));
  }
  std::vector<EvalMessage> out;
  bool turns = false;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(auto message, ParseMessage(item));
    bool system = message.role == Role::kSystem;
    if (system && turns) {
      return Fail(item.Wrong("a system message stands before all others"));
    }
    turns = turns || !system;
    out.push_back(std::move(message));
  }
  if (out.back().role != Role::kUser) {
    return Fail(field.Wrong("expected a user's message as the last one"));
  }
  return out;
}

// Of `question`, `prompt` and `messages` exactly one stands there.
Result<std::vector<EvalMessage>> ParseInput(const JsonField& top) {
  auto question = top.Get("question");
  auto prompt = top.Get("prompt");
  auto messages = top.Get("messages");
  if (question.present() + prompt.present() + messages.present() != 1) {
    return Fail(InvalidArgument("question", "expected one of question, prompt and messages"));
  }
  if (messages.present()) return ParseMessages(messages);
  STRATA_TRY(auto text, question.present() ? question.NonEmptyString() : prompt.NonEmptyString());
  return std::vector<EvalMessage>{{.role = Role::kUser, .text = std::move(text)}};
}

Result<std::vector<std::string>> Texts(const JsonField& field) {
  if (!field.present()) return std::vector<std::string>();
  return route::TextOrList(field);
}

Result<std::vector<GradedAnswer>> ParseGraded(const JsonField& field) {
  std::vector<GradedAnswer> out;
  if (!field.present()) return out;
  STRATA_CHECK_OK(field.ExpectArray());
  if (field.size() > kGradedMax) {
    return Fail(field.Wrong(fmt::format("expected at most {} answers", kGradedMax)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    STRATA_CHECK_OK(route::OnlyKnown(item, {"answer", "score"}));
    GradedAnswer graded;
    STRATA_TRY(graded.answer, item.Get("answer").NonEmptyString());
    STRATA_TRY(graded.score, item.Get("score").Double(0, 1));
    out.push_back(std::move(graded));
  }
  return out;
}

Result<std::map<std::string, std::string>> ParseVariables(const JsonField& field) {
  std::map<std::string, std::string> out;
  if (!field.present()) return out;
  STRATA_CHECK_OK(field.ExpectObject());
  if (field.size() > kVariablesMax) {
    return Fail(field.Wrong(fmt::format("expected at most {} variables", kVariablesMax)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    STRATA_TRY(out[std::string(field.MemberName(i))], field.Member(i).String());
  }
  return out;
}

// The same question asked in two lines is the same row.
std::string IdOf(const EvalRow& row) {
  std::string text;
  for (const auto& message : row.messages) {
    text += fmt::format("{} {} {}", RoleName(message.role), message.text.size(), message.text);
  }
  for (const auto& [name, value] : row.variables) {
    text += fmt::format("{} {}{} {}", name.size(), name, value.size(), value);
  }
  constexpr std::size_t kDigits = 16;
  return Sha256Hex(text).substr(0, kDigits);
}

void AppendTexts(std::string& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out += fmt::format(",\"{}\":[", name);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, texts[i]);
  }
  out += ']';
}

void AppendText(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += fmt::format(",\"{}\":", name);
  AppendJsonString(out, text);
}

}  // namespace

Result<EvalRow> ParseEvalRow(std::string_view line) {
  if (line.size() > kEvalRowBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("the line is longer than {} bytes", kEvalRowBytesMax));
  }
  STRATA_TRY(auto value, dialect::ParseJson(line));
  JsonField top(value);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(route::OnlyKnown(
      top,
      {"id", "question", "prompt", "messages", "expected", "rubric", "schema", "tags", "labels",
       "relevant", "answerable", "graded", "split", "trace", "subject", "variables"}));
  EvalRow row;
  STRATA_TRY(row.messages, ParseInput(top));
  STRATA_TRY(row.expected, Texts(top.Get("expected")));
  STRATA_TRY(row.tags, Texts(top.Get("tags")));
  STRATA_TRY(row.labels, Texts(top.Get("labels")));
  STRATA_TRY(row.relevant, Texts(top.Get("relevant")));
  STRATA_TRY(row.graded, ParseGraded(top.Get("graded")));
  if (auto answerable = top.Get("answerable"); answerable.present()) {
    STRATA_TRY(row.answerable, answerable.Bool());
  }
  if (auto rubric = top.Get("rubric"); rubric.present()) {
    STRATA_TRY(row.rubric, rubric.NonEmptyString());
  }
  if (auto schema = top.Get("schema"); schema.present()) {
    STRATA_TRY(row.schema, schema.ObjectText());
  }
  if (auto split = top.Get("split"); split.present()) {
    STRATA_TRY(auto name, split.OneOf({"train", "valid", "test"}));
    row.split = name == "train"   ? route::Split::kTrain
                : name == "valid" ? route::Split::kValid
                                  : route::Split::kTest;
  }
  if (auto trace = top.Get("trace"); trace.present()) {
    STRATA_TRY(row.trace, trace.NonEmptyString());
  }
  if (auto subject = top.Get("subject"); subject.present()) {
    STRATA_TRY(row.subject, subject.NonEmptyString());
  }
  STRATA_TRY(row.variables, ParseVariables(top.Get("variables")));
  auto id = top.Get("id");
  if (!id.present()) {
    row.id = IdOf(row);
    return row;
  }
  STRATA_TRY(row.id, id.NonEmptyString());
  if (row.id.size() > kIdBytesMax) {
    return Fail(id.Wrong(fmt::format("expected at most {} bytes", kIdBytesMax)));
  }
  return row;
}

Result<std::vector<EvalRow>> ParseEvalRows(std::string bytes, std::string_view name) {
  auto text = route::InflateIfGzip(std::move(bytes), kEvalFileBytesMax);
  if (!text.has_value()) return Fail(std::move(text.error()).Because(name));
  std::vector<EvalRow> rows;
  auto take = [&rows](std::string_view line) -> Result<std::string> {
    STRATA_TRY(auto row, ParseEvalRow(line));
    rows.push_back(std::move(row));
    return rows.back().id;
  };
  STRATA_CHECK_OK(route::TakeRows(*text, name, kEvalRowsMax, take));
  return rows;
}

std::string EncodeEvalRow(const EvalRow& row) {
  std::string out = "{\"id\":" + JsonString(row.id) + ",\"messages\":[";
  for (std::size_t i = 0; i < row.messages.size(); ++i) {
    out += fmt::format("{}{{\"role\":\"{}\",\"content\":", i == 0 ? "" : ",",
                       RoleName(row.messages[i].role));
    AppendJsonString(out, row.messages[i].text);
    out += '}';
  }
  out += ']';
  AppendTexts(out, "expected", row.expected);
  AppendText(out, "rubric", row.rubric);
  if (!row.schema.text.empty()) out += ",\"schema\":" + row.schema.text;
  AppendTexts(out, "tags", row.tags);
  AppendTexts(out, "labels", row.labels);
  AppendTexts(out, "relevant", row.relevant);
  if (row.answerable) out += fmt::format(",\"answerable\":{}", *row.answerable);
  if (!row.graded.empty()) out += ",\"graded\":[";
  for (std::size_t i = 0; i < row.graded.size(); ++i) {
    out += i == 0 ? "{\"answer\":" : ",{\"answer\":";
    AppendJsonString(out, row.graded[i].answer);
    out += fmt::format(",\"score\":{}}}", row.graded[i].score);
  }
  if (!row.graded.empty()) out += ']';
  if (row.split) AppendText(out, "split", SplitName(*row.split));
  AppendText(out, "trace", row.trace);
  AppendText(out, "subject", row.subject);
  if (row.variables.empty()) return out + '}';
  out += ",\"variables\":{";
  for (bool first = true; const auto& [name, value] : row.variables) {
    out += first ? "" : ",";
    first = false;
    AppendJsonString(out, name);
    out += ':';
    AppendJsonString(out, value);
  }
  return out + "}}";
}

Result<> CheckEvalSetName(std::string_view name) {
  constexpr std::size_t kNameMax = 64;
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  bool good = !name.empty() && name.size() <= kNameMax && plain(name.front()) && plain(name.back());
  for (std::size_t i = 0; i < name.size() && good; ++i) {
    bool between = name[i] == '-' || name[i] == '_' || name[i] == '.';
    good = plain(name[i]) || (between && plain(name[i + 1]));
  }
  if (good) return {};
  return Fail(InvalidArgument(
      "name",
      fmt::format("expected 1 to {} letters and digits, with single - _ or . between", kNameMax)));
}

const std::string& QuestionOf(const EvalRow& row) { return row.messages.back().text; }

std::string PromptOf(const EvalRow& row) {
  std::string out;
  for (const auto& message : row.messages) {
    if (!out.empty()) out += "\n\n";
    out += message.text;
  }
  return out;
}

route::Split SplitOf(const EvalRow& row) {
  if (row.split) return *row.split;
  auto place = Hash64(row.id) % 100;
  return place < 70   ? route::Split::kTrain
         : place < 80 ? route::Split::kValid
                      : route::Split::kTest;
}

std::string_view SplitName(route::Split split) {
  return split == route::Split::kTrain ? "train" : split == route::Split::kValid ? "valid" : "test";
}

domain::ChatRequest RequestOf(const EvalRow& row, std::string model, SchemaGoesAlong schema) {
  domain::ChatRequest request;
  request.model = std::move(model);
  request.user = row.subject;
  for (const auto& message : row.messages) {
    domain::TextBlock block;
    block.text = message.text;
    if (message.role == Role::kSystem) {
      request.system.emplace_back(std::move(block));
      continue;
    }
    domain::Message turn;
    turn.role = message.role == Role::kUser ? domain::Role::kUser : domain::Role::kAssistant;
    turn.content.emplace_back(std::move(block));
    request.messages.push_back(std::move(turn));
  }
  if (!row.schema.text.empty() && schema == SchemaGoesAlong::kYes) {
    request.json_output = domain::JsonOutput{.name = "answer", .schema = row.schema};
  }
  return request;
}

}  // namespace strata::job
