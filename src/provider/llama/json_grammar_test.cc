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
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += R"({"items":)";
  EXPECT_THAT(Problem(deep + "{}" + std::string(60, '}')), HasSubstr("levels"));
  std::string wide = R"({"properties":{)";
  for (int i = 0; i < 3000; ++i) wide += "\"p" + std::to_string(i) + "\":{},";
  wide.back() = '}';
  EXPECT_THAT(Problem(wide + "}"), HasSubstr("2000 values"));
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
}

}  // namespace
}  // namespace strata::provider::llama
