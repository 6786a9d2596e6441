#include "server/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "gateway/resilience.h"
#include "knowledge/chunker.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/parser.h"
#include "knowledge/retrieve_and_generate.h"
#include "knowledge/source.h"
#include "net/client.h"
#include "net/server.h"
#include "observe/otlp.h"
#include "observe/trace_store.h"
#include "provider/local_models.h"
#include "provider/remote.h"
#include "server/app.h"
#include "server/guardrail_config.h"
#include "server/live_config.h"
#include "server/model_config.h"
#include "server/provider_config.h"
#include "store/journal.h"
#include "store/response_store.h"

namespace strata::server {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr int kDepthMax = 16;
constexpr std::size_t kNodesMax = 20'000;

// Counts the nodes of a document as they are reached: an alias (&a, *a) can make a small file a
// tree without end.
bool IsBounded(const YAML::Node& node, int depth, std::size_t& nodes) {
  if (depth > kDepthMax + 1 || ++nodes > kNodesMax) return false;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      if (!IsBounded(item, depth + 1, nodes)) return false;
    }
  } else if (node.IsMap()) {
    for (const auto& item : node) {
      if (!IsBounded(item.first, depth + 1, nodes)) return false;
      if (!IsBounded(item.second, depth + 1, nodes)) return false;
    }
  }
  return true;
}

class Reader {
 public:
  Reader(std::string file, std::span<const OptionTable> tables) : file_(std::move(file)) {
    for (auto table : tables) {
      for (const auto& option : table) kinds_[std::string(option.name)] = option.kind;
    }
  }

  void ReadTop(const YAML::Node& top) {
    if (top.IsNull()) return;
    if (!top.IsMap()) return Problem(top, "the file must be a mapping of options");
    YAML::Node models_at(YAML::NodeType::Undefined);  // read last: it refers to the providers
    for (const auto& item : top) {
      auto key = item.first.as<std::string>("");
      if (key == "providers") {
        ReadProviders(item.second);
      } else if (key == "aliases") {
        ReadAliases(item.second);
      } else if (key == "models" && !item.second.IsMap()) {  // a mapping is the options models.*
        models_at = item.second;
      } else if (key == "guardrails") {
        guardrails = ReadGuardrails(item.second, Problems());
      } else {
        ReadOption(key, item.second, 1);
      }
    }
    if (models_at.IsDefined()) ReadModelList(models_at);
  }

  std::map<std::string, Options::Given> given;
  std::vector<provider::ProviderSpec> providers;
  std::map<std::string, std::string> aliases;
  std::vector<gateway::PoolSpec> models;
  std::vector<guard::WordPolicySpec> guardrails;
  std::string problems;

 private:
  std::string Place(const YAML::Node& node) const {
    auto mark = node.Mark();
    return mark.is_null() ? file_ : fmt::format("{}:{}", file_, mark.line + 1);
  }

  void Problem(const YAML::Node& node, std::string_view what) {
    problems += fmt::format("{}: {}\n", Place(node), what);
  }

  ConfigProblem Problems() {
    return [this](const YAML::Node& at, std::string_view what) { Problem(at, what); };
  }

  void ReadOption(const std::string& name, const YAML::Node& node, int depth) {
    if (depth > kDepthMax)
      return Problem(node, fmt::format("{}: nested deeper than {}", name, kDepthMax));
    auto kind = kinds_.find(name);
    bool is_list = kind != kinds_.end() && kind->second == OptionKind::kTextList;
    if (is_list && (node.IsSequence() || node.IsMap())) return ReadList(name, node);
    if (node.IsScalar() || node.IsNull()) {
      given[name] = {node.IsNull() ? std::string() : node.Scalar(), Place(node)};
      return;
    }
    if (!node.IsMap()) return Problem(node, fmt::format("{}: expected a value", name));
    for (const auto& item : node) {
      ReadOption(name + "." + item.first.as<std::string>(""), item.second, depth + 1);
    }
  }

  // A list of texts, or a mapping that is written `key=value`, joined by commas.
  void ReadList(const std::string& name, const YAML::Node& node) {
    std::string joined;
    auto append = [&](const std::string& text) {
      if (text.find(',') != text.npos)
        Problem(node, fmt::format("{}: '{}' must not hold a comma", name, text));
      joined += (joined.empty() ? "" : ",") + text;
    };
    for (const auto& item : node) {
      if (node.IsSequence()) {
        append(item.as<std::string>(""));
      } else {
        append(item.first.as<std::string>("") + "=" + item.second.as<std::string>(""));
      }
    }
    given[name] = {joined, Place(node)};
  }

  void ReadAliases(const YAML::Node& node) {
    if (!node.IsMap()) return Problem(node, "aliases: expected a mapping of alias to model id");
    for (const auto& item : node) {
      if (!item.second.IsScalar()) {
        Problem(item.second,
                fmt::format("aliases.{}: expected a model id", item.first.as<std::string>("")));
        continue;
      }
      aliases[item.first.as<std::string>("")] = item.second.Scalar();
    }
  }

  void ReadModelList(const YAML::Node& node) {
    auto problem = Problems();
    models = ReadModels(node, problem);
    std::vector<std::string> names;
    for (const auto& spec : providers) names.push_back(spec.name);
    CheckModels(node, models, names, problem);
  }

  void ReadProviders(const YAML::Node& node) {
    if (!node.IsSequence()) return Problem(node, "providers: expected a list");
    std::set<std::string> names;
    auto problem = Problems();
    for (const auto& item : node) {
      if (!item.IsMap()) {
        Problem(item, "providers: each entry is a mapping");
        continue;
      }
      auto spec = ReadProvider(item, problem);
      if (auto checked = provider::CheckSpec(spec); !checked.has_value()) {
        Problem(item, fmt::format("providers.{}: {}", spec.name, checked.error().message()));
      }
      if (!names.insert(spec.name).second)
        Problem(item, fmt::format("providers: two are named '{}'", spec.name));
      providers.push_back(std::move(spec));
    }
  }

  std::string file_;
  std::map<std::string, OptionKind> kinds_;
};

}  // namespace

std::vector<OptionTable> AllOptionTables() {
  return {ServerOptionTable(),
          LogOptionTable(),
          net::ServerOptions(),
          net::Client::ClientOptions(),
          store::Journal::JournalOptionTable(),
          store::ResponseStore::ResponseOptionTable(),
          observe::TraceStore::TraceOptionTable(),
          observe::OtlpExporter::OtlpOptionTable(),
          provider::LocalModelOptions(),
          provider::ProviderOptions(),
          gateway::ResilienceOptionTable(),
          knowledge::KnowledgeBaseOptionTable(),
          knowledge::SourceOptionTable(),
          knowledge::ParseOptionTable(),
          knowledge::ChunkOptionTable(),
          knowledge::AnswerOptionTable()};
}

Result<Config> ParseConfig(std::string_view yaml, const std::string& file,
                           const std::map<std::string, std::string>& overrides) {
  if (yaml.size() > kFileBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("{} is larger than {} bytes", file, kFileBytesMax));
  }
  auto tables = AllOptionTables();
  Reader reader(file, tables);
  try {
    auto top = YAML::Load(std::string(yaml));
    std::size_t nodes = 0;
    if (!IsBounded(top, 0, nodes)) {
      return Fail(Code::kTooLarge, fmt::format("{} is nested deeper than {} or has more than {} "
                                               "values, aliases resolved",
                                               file, kDepthMax, kNodesMax));
    }
    reader.ReadTop(top);
  } catch (const YAML::Exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("{}:{}: {}", file, e.mark.line + 1, e.msg));
  } catch (const std::exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: {}", file, e.what()));
  }
  for (const auto& [name, value] : overrides) reader.given[name] = {value, "command line"};
  auto options = Options::Build(tables, reader.given);
  if (!options.has_value()) reader.problems += options.error().message() + "\n";
  if (options.has_value()) {
    // What no table can say.
    auto settings = SettingsFrom(*options);
    if (!settings.has_value()) {
      reader.problems += fmt::format("{}: {}\n", reader.given[settings.error().field()].place,
                                     settings.error().message());
    }
  }
  if (!reader.problems.empty()) {
    reader.problems.pop_back();
    return Fail(Code::kInvalidArgument, std::move(reader.problems));
  }
  return Config{.options = std::move(*options),
                .providers = std::move(reader.providers),
                .aliases = std::move(reader.aliases),
                .models = std::move(reader.models),
                .guardrails = std::move(reader.guardrails)};
}

Result<Config> LoadConfig(const std::string& path,
                          const std::map<std::string, std::string>& overrides) {
  if (path.empty()) return ParseConfig("", "defaults", overrides);
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) {
    return Fail(NotFound("configuration file", path));
  }
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return ParseConfig(text, path, overrides);
}

std::string OptionsAsMarkdown() {
  static constexpr std::string_view kKinds[] = {"whole number", "number", "text", "true/false",
                                                "list"};
  std::string out =
      "# Options\n\nGenerated by `strata check --options-as-markdown` from the tables in the code. "
      "Options are written "
      "nested or dotted in one YAML file (`strata serve --config FILE`); unknown names are "
      "refused.\n\n"
      "Beside them the file may hold `providers` and `models` (lists) and `aliases` (a mapping): "
      "see "
      "docs/providers.md and docs/resilience.md.\n";
  std::string group;
  for (auto table : AllOptionTables()) {
    for (const auto& option : table) {
      auto prefix = std::string(option.name.substr(0, option.name.find('.')));
      if (prefix != group) {
        group = prefix;
        out += fmt::format(
            "\n## {}\n\n| option | kind | unit | default | range | what it does "
            "|\n|---|---|---|---|---|---|\n",
            group);
      }
      auto cell = [](std::string_view text) {
        std::string escaped;
        for (char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
        return escaped;
      };
      out += fmt::format(
          "| `{}` | {} | {} | {} | {} | {} |\n", option.name, kKinds[static_cast<int>(option.kind)],
          option.unit,
          option.default_value.empty() ? "" : fmt::format("`{}`", cell(option.default_value)),
          cell(option.range), cell(option.text));
    }
  }
  return out;
}

}  // namespace strata::server
