#include "net/multipart.h"

#include <gtest/gtest.h>

namespace strata::net {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=xyz";

std::string ErrorOf(std::string_view type, std::string_view body) {
  auto parts = ParseMultipart(type, body);
  return parts.has_value() ? "" : parts.error().message();
}

TEST(Multipart, FieldsAndAFileInTheirOrderWithTheirBytes) {
  const std::string whole =
      "--xyz\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n"
      "--xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nline\r\n--xy is no boundary\r\n\r\n"
      "--xyz--\r\n";
  auto parts = ParseMultipart("Multipart/Form-Data; charset=utf-8; boundary=\"xyz\"", whole);
  ASSERT_TRUE(parts.has_value()) << parts.error().message();
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ(parts->at(0).name, "purpose");
  EXPECT_FALSE(parts->at(0).filename.has_value());
  EXPECT_EQ(parts->at(0).body, "assistants");
  EXPECT_EQ(parts->at(1).name, "file");
  EXPECT_EQ(parts->at(1).filename, "a \"b\".txt");
  EXPECT_EQ(parts->at(1).content_type, "text/plain");
  EXPECT_TRUE(parts->at(1).body.starts_with("line\r\n--xy is no boundary\r\n"));
}

TEST(Multipart, BytesOfAFileAreKeptAsTheyAre) {
  std::string content;
  for (int i = 0; i < 256; ++i) content += static_cast<char>(i);
  content += "\r\n\r\n--\r\n";
  const auto body = "--xyz\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n" +
                    content + "\r\n--xyz--";
  auto parts = ParseMultipart(kType, body);
  ASSERT_TRUE(parts.has_value()) << parts.error().message();
  EXPECT_EQ(parts->at(0).body, content);
}

TEST(Multipart, EmptyPartsPreambleAndSpaceBehindABoundary) {
  auto parts = ParseMultipart(
      kType,
      "for old readers\r\n--xyz  \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"
      "--xyz\r\nContent-Disposition: form-data; name=b; filename=\"\"\r\n\r\n--xyz--");
  ASSERT_TRUE(parts.has_value()) << parts.error().message();
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ(parts->at(0).body, "");
  EXPECT_EQ(parts->at(1).body, "");
  EXPECT_EQ(parts->at(1).filename, "");
}

TEST(Multipart, NoPartsAtAll) {
  auto parts = ParseMultipart(kType, "--xyz--\r\n");
  ASSERT_TRUE(parts.has_value());
  EXPECT_TRUE(parts->empty());
}

TEST(Multipart, WhatIsNoFormIsRefusedWithTheReason) {
  const std::string part = "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n1";
  EXPECT_NE(ErrorOf("application/json", "{}").find("multipart/form-data"), std::string::npos);
  EXPECT_NE(ErrorOf("multipart/form-data", part).find("boundary"), std::string::npos);
  EXPECT_NE(ErrorOf("multipart/form-data; boundary=" + std::string(71, 'b'), part).find("boundary"),
            std::string::npos);
  EXPECT_NE(ErrorOf(kType, "").find("boundary"), std::string::npos);
  EXPECT_NE(ErrorOf(kType, part).find("cut off"), std::string::npos);
  EXPECT_NE(ErrorOf(kType, "--xyz\r\nContent-Disposition: form-data; name=a").find("do not end"),
            std::string::npos);
  EXPECT_NE(ErrorOf(kType, "--xyz\r\nContent-Type: a/b\r\n\r\n1\r\n--xyz--").find("disposition"),
            std::string::npos);
  EXPECT_NE(
      ErrorOf(kType, "--xyz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xyz--").find("no name"),
      std::string::npos);
  EXPECT_NE(ErrorOf(kType, "--xyzz\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--xyz--")
                .find("line end"),
            std::string::npos);
}

TEST(Multipart, LimitsAreNamed) {
  const std::string one = "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n";
  std::string many;
  for (std::size_t i = 0; i < kFormPartsMax; ++i) many += one;
  EXPECT_TRUE(ParseMultipart(kType, many + "--xyz--").has_value());
  auto parts = ParseMultipart(kType, many + one + "--xyz--");
  ASSERT_FALSE(parts.has_value());
  EXPECT_EQ(parts.error().code(), Code::kTooLarge);
  parts = ParseMultipart(kType, "--xyz\r\nX: " + std::string(kFormHeadBytesMax, 'x') + "\r\n\r\n");
  ASSERT_FALSE(parts.has_value());
  EXPECT_EQ(parts.error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace strata::net
