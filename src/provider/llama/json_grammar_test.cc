#include "provider/llama/json_grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llama.h>

#include "provider/llama/testing.h"

namespace strata::provider::llama {
namespace {

using ::testing::HasSubstr;

TEST(JsonGrammar, MakesAGrammarOfASchemaAndOfNone) {
  auto grammar = GrammarOfSchema(R"({"type":"object","properties":{"a":{"enum":["x","y"]}}})", "f");
  ASSERT_TRUE(grammar.has_value()) << grammar.error().message();
  EXPECT_THAT(*grammar, HasSubstr("root ::="));
  EXPECT_THAT(*GrammarOfSchema("", "f"), HasSubstr("root ::="));
}

std::string Problem(const std::string& schema) {
  auto grammar = GrammarOfSchema(schema, "response_format");
  EXPECT_FALSE(grammar.has_value()) << grammar->substr(0, 2000);
  if (grammar.has_value()) return {};
  EXPECT_EQ(grammar.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(grammar.error().field(), "response_format");
  return grammar.error().message();
}

TEST(JsonGrammar, HostileSchemasAreRefusedByName) {
  EXPECT_THAT(Problem("{"), HasSubstr("not JSON"));
  EXPECT_THAT(Problem("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(Problem(std::string(70000, ' ') + "{}"), HasSubstr("the limit is"));
  EXPECT_THAT(Problem(R"({"type":"array","minItems":1000000})"), HasSubstr("minItems"));
  EXPECT_THAT(Problem(R"({"type":"string","maxLength":1e9})"), HasSubstr("maxLength"));
  EXPECT_THAT(Problem(R"({"enum":[]})"), HasSubstr("enum"));
  EXPECT_THAT(Problem(R"({"$ref":"https://example.org/s.json"})"), HasSubstr("$ref"));
  EXPECT_THAT(Problem(R"({"type":"string","pattern":"^(?=x)y$"})"), HasSubstr("pattern"));
  EXPECT_THAT(Problem(R"({"type":"string","pattern":"^((a{100}){100}){100}$"})"),
              HasSubstr("more than 1000 times"));
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += R"({"items":)";
  EXPECT_THAT(Problem(deep + "{}" + std::string(60, '}')), HasSubstr("levels"));
  std::string wide = R"({"properties":{)";
  for (int i = 0; i < 3000; ++i) wide += "\"p" + std::to_string(i) + "\":{},";
  wide.back() = '}';
  EXPECT_THAT(Problem(wide + "}"), HasSubstr("2000 values"));
}

// What the grammar would pass over is refused where it stands.
TEST(JsonGrammar, ConstraintsThatCannotBeEnforcedAreRefusedByTheirPath) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"not":{"type":"string"}})", ": not cannot"},
      {R"({"properties":{"a":{"items":{"not":{}}}}})", "properties.a.items.not cannot"},
      {R"({"anyOf":[{"type":"null"},{"if":{}}]})", "anyOf[1].if cannot"},
      {R"({"type":"string","pattern":"a+"})", "pattern must begin with ^"},
      {R"({"type":"string","pattern":"^a"})", "pattern must end with $"},
      {R"({"properties":{"id":{"type":"string","pattern":"^[a$"}}})",
       "properties.id.pattern has a ["},
      {R"({"type":"string","pattern":"^(a$"})", "too many"},
      {R"({"type":"string","pattern":"^a)$"})", "too many"},
      {R"({"type":"string","pattern":"^a{2$"})", "no repetition"},
      {R"({"type":"string","pattern":"^*a$"})", "nothing to repeat"},
      {R"({"type":"string","pattern":"^[z-a]$"})", "without order"},
      {R"({"type":"string","pattern":"^a\\b$"})", "\\b"},
      {R"({"type":"string","pattern":"^\\p{L}$"})", "\\p"},
      {R"({"type":"string","pattern":"^(a)\\1$"})", "\\1"},
      {R"({"type":"string","pattern":"^a\"$"})", "JSON writes with a backslash"},
      {R"({"type":"string","pattern":"^a$","minLength":3})", "minLength cannot be enforced beside"},
      {R"({"type":"string","pattern":7})", "pattern is not a string"},
      {R"({"type":"number","minimum":3})", "minimum is enforced for integers only"},
      {R"({"type":"array","uniqueItems":true})", "uniqueItems"},
      {R"({"type":"object","required":["z"]})", "required names"},
      {R"({"type":"object","properties":{},"anyOf":[{"type":"null"}]})", "beside anyOf"},
      {R"({"$defs":{"a":{}},"$ref":"#/$defs/a","maxLength":3})", "maxLength"},
      {R"({"allOf":[{"type":"string"},{"type":"number"}]})", "allOf is enforced"},
  };
  for (const auto& [schema, problem] : cases) {
    EXPECT_THAT(Problem(schema), HasSubstr(problem)) << schema;
  }
}

TEST(JsonGrammar, PatternsAreFollowedAndNeverLeaveTheString) {
  const auto rules = [](std::string pattern) {
    auto grammar = GrammarOfSchema(R"({"type":"string","pattern":")" + pattern + "\"}", "f");
    EXPECT_TRUE(grammar.has_value()) << pattern << ": " << grammar.error().message();
    return grammar.has_value() ? *grammar : std::string();
  };
  EXPECT_THAT(rules(R"(^\\d{3}$)"),
              ::testing::AllOf(HasSubstr("[\\U00000030-\\U00000039]"), HasSubstr("{3,3}")));
  EXPECT_THAT(rules("^(?:a|b)+?$"), HasSubstr("+"));
  EXPECT_THAT(rules(R"(^a\\.b$)"), HasSubstr("[\\U0000002E]"));
  EXPECT_THAT(rules("^ä{1,2}$"), ::testing::AllOf(HasSubstr("[\\U000000E4]"), HasSubstr("{1,2}")));
  for (const auto* open : {"^.$", "^[^a]$", R"(^\\S$)", R"(^\\D$)", "^[ -~]$"}) {
    // Neither a quote nor a backslash nor a control character lies in any range.
    EXPECT_THAT(rules(open), HasSubstr("\\U00000021\\U00000023-\\U0000")) << open;
    EXPECT_THAT(rules(open), HasSubstr("\\U0000005D-")) << open;
    EXPECT_THAT(rules(open), ::testing::Not(HasSubstr("\\U00000000"))) << open;
  }
}

TEST(JsonGrammar, ASchemaMayReferToItself) {
  auto grammar = GrammarOfSchema(
      R"({"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#"}}}})",
      "f");
  ASSERT_TRUE(grammar.has_value()) << grammar.error().message();
  EXPECT_THAT(*grammar, HasSubstr("children"));
}

TEST(JsonGrammar, AReferenceThatLeadsOnlyBackToItselfIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"$ref":"#"})", "f: $ref leads back"},
      {R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
       "f: $ref leads back"},
      {R"({"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/a"}}})",
       "f: properties.a.$ref leads back"},
      {R"({"anyOf":[{"type":"null"},{"$ref":"#"}]})", "f: anyOf[1].$ref leads back"},
  };
  for (const auto& [schema, says] : cases) {
    auto grammar = GrammarOfSchema(schema, "f");
    ASSERT_FALSE(grammar.has_value()) << schema;
    EXPECT_EQ(grammar.error().field(), "f");
    EXPECT_THAT(grammar.error().message(), HasSubstr(says));
  }
}

// Odd schemas must end in a grammar or an error, and no grammar may break the sampler's parser.
TEST(JsonGrammar, OddSchemasNeverBreakTheGrammarsParser) {
  LoadSpec spec{.path = testing::ShippedModel(kChatFile), .gpu_layers = 0, .vocabulary_only = true};
  auto model = LoadModel(spec);
  ASSERT_TRUE(model.has_value());
  const auto* vocab = llama_model_get_vocab(model->get());
  const char* schemas[] = {
      R"({"$ref":"#"})",
      R"({"$ref":"#/nowhere"})",
      R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
      R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})",
      R"({"type":"string","pattern":"^(a+)+$"})",
      R"({"type":"string","pattern":"^(?=x)\\d{3,}[^\"\\\\]*$"})",
      R"({"type":"string","pattern":"^[$"})",
      R"({"type":"object","properties":{"\u0000\"\\ü":{"type":"number"}}})",
      R"({"type":["object","array",7]})",
      R"({"const":{"a":[1,"\u2028",null]}})",
      R"({"type":"array","prefixItems":[{},{}],"minItems":5,"maxItems":2})",
      R"({"allOf":[{"type":"string"},{"type":"number"}]})",
      R"({"type":"integer","minimum":9,"maximum":-9})",
      R"({"format":"date-time","type":"string"})",
      R"({"properties":7})",
      R"({"items":true})",
  };
  for (const auto* schema : schemas) {
    auto grammar = GrammarOfSchema(schema, "f");
    if (!grammar.has_value()) continue;
    auto* sampler = llama_sampler_init_grammar(vocab, grammar->c_str(), "root");
    if (sampler != nullptr) llama_sampler_free(sampler);
  }
  for (const auto* schema : {R"({"type":"string","pattern":"^[^a-c]\\d{2,3}(ä|.)*$"})",
                             R"({"properties":{"next":{"$ref":"#"}}})"}) {
    auto grammar = GrammarOfSchema(schema, "f");
    ASSERT_TRUE(grammar.has_value()) << grammar.error().message();
    auto* sampler = llama_sampler_init_grammar(vocab, grammar->c_str(), "root");
    ASSERT_NE(sampler, nullptr) << *grammar;
    llama_sampler_free(sampler);
  }
}

}  // namespace
}  // namespace strata::provider::llama
