#include "provider/llama/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace strata::provider::llama {
namespace {

using ::testing::HasSubstr;

std::string File(const std::string& header, const std::string& data = {}) {
  std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

std::string Problem(const std::string& file) {
  auto parsed = ParseSafeTensors(file);
  EXPECT_FALSE(parsed.has_value());
  if (parsed.has_value()) return {};
  EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument);
  return parsed.error().message();
}

TEST(SafeTensors, ReadsEveryFloatType) {
  // 1.5, -2, and the smallest subnormal half.
  auto file = File(R"({"__metadata__":{"format":"pt"},
      "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
      "b":{"dtype":"F16","shape":[1,3],"data_offsets":[8,14]},
      "c":{"dtype":"BF16","shape":[2],"data_offsets":[14,18]},
      "d":{"dtype":"I64","shape":[],"data_offsets":[18,26]}})",
                   std::string("\x00\x00\xC0\x3F\x00\x00\x00\xC0", 8) +
                       std::string("\x00\x3E\x00\xC0\x01\x00", 6) +
                       std::string("\xC0\x3F\x00\xC0", 4) + std::string(8, '\0'));
  auto tensors = ParseSafeTensors(file);
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message();
  ASSERT_EQ(tensors->size(), 4U);
  EXPECT_EQ(ReadFloats(file, tensors->at("a")), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(ReadFloats(file, tensors->at("b")), (std::vector<float>{1.5F, -2, 0x1p-24F}));
  EXPECT_EQ(ReadFloats(file, tensors->at("c")), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(tensors->at("d").type, TensorType::kOther);
  EXPECT_EQ(tensors->at("b").shape, (std::vector<std::uint64_t>{1, 3}));
}

TEST(SafeTensors, NamesWhatIsWrongInAHostileHeader) {
  EXPECT_THAT(Problem("abc"), HasSubstr("length field"));
  EXPECT_THAT(Problem(std::string(8, '\xFF')), HasSubstr("the limit is"));
  EXPECT_THAT(Problem(File("[]")), HasSubstr("not a JSON object"));
  EXPECT_THAT(Problem(File("{\"a\":")), HasSubstr("not JSON"));
  EXPECT_THAT(Problem(File(R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}})", "1234")),
              HasSubstr("tensor a: dtype"));
  EXPECT_THAT(Problem(File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "1234")),
              HasSubstr("outside"));
  EXPECT_THAT(Problem(File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234")),
              HasSubstr("do not agree"));
  EXPECT_THAT(Problem(File(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234")),
              HasSubstr("shape"));
  EXPECT_THAT(
      Problem(File(R"({"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})",
                   std::string(16, 'x'))),
      HasSubstr("do not agree"));
  EXPECT_THAT(Problem(File(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
                              "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                           "1234")),
              HasSubstr("overlap"));
}

}  // namespace
}  // namespace strata::provider::llama
