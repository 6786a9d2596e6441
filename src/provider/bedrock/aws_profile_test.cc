#include "provider/bedrock/aws_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace strata::provider::bedrock {
namespace {

using testing::HasSubstr;

TEST(AwsFile, ReadsSectionsAndAssignments) {
  auto file = ParseAwsFile(
      "# comment\r\n[default]\r\naws_access_key_id = AKIA\n AWS_SECRET_ACCESS_KEY=se=cret ; no\n"
      "[profile work]\nregion=eu-west-1 # here\ns3 =\n  addressing_style = path\n");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  EXPECT_EQ((*file)["default"]["aws_access_key_id"], "AKIA");
  EXPECT_EQ((*file)["work"]["region"], "eu-west-1");
  EXPECT_EQ((*file)["work"].count("addressing_style"), 0u);
}

TEST(AwsFile, NamesTheBrokenLine) {
  EXPECT_THAT(ParseAwsFile("[default]\nnonsense\n").error().message(), HasSubstr("line 2"));
  EXPECT_THAT(ParseAwsFile("[default\n").error().message(), HasSubstr("line 1"));
  EXPECT_THAT(ParseAwsFile("a = b\n").error().message(), HasSubstr("line 1"));
  EXPECT_EQ(ParseAwsFile(std::string(2u << 20, '#')).error().code(), Code::kTooLarge);
}

class AwsIdentityTest : public testing::Test {
 protected:
  AwsIdentityTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("strata-aws-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_ / ".aws");
    env_["HOME"] = folder_.string();
    Write("credentials",
          "[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key=d\n"
          "[work]\naws_access_key_id=AKIAWORK\naws_secret_access_key=w\naws_session_token=t\n");
    Write("config",
          "[default]\nregion=us-east-1\n[profile work]\nregion=eu-west-1\n"
          "[profile sso]\nsso_start_url=https://x\n");
  }
  ~AwsIdentityTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / ".aws" / name) << text;
  }
  Result<AwsIdentity> Find(std::string_view profile = "") {
    return FindAwsIdentity(
        [this](std::string_view name) {
          auto at = env_.find(std::string(name));
          return at == env_.end() ? std::string() : at->second;
        },
        profile);
  }

  std::filesystem::path folder_;
  std::map<std::string, std::string> env_;
};

TEST_F(AwsIdentityTest, DefaultProfileIsUsedWhenNothingElseIsSaid) {
  auto found = Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->credentials.access_key_id, "AKIADEFAULT");
  EXPECT_EQ(found->region, "us-east-1");
  EXPECT_EQ(found->source, "profile default");
}

TEST_F(AwsIdentityTest, EnvironmentGoesBeforeTheDefaultProfile) {
  env_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  env_["AWS_SECRET_ACCESS_KEY"] = "e";
  env_["AWS_REGION"] = "ap-south-1";
  auto found = Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->credentials.access_key_id, "AKIAENV");
  EXPECT_EQ(found->region, "ap-south-1");
  EXPECT_EQ(found->source, "environment");
}

TEST_F(AwsIdentityTest, NamedProfileGoesBeforeTheEnvironment) {
  env_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  env_["AWS_SECRET_ACCESS_KEY"] = "e";
  env_["AWS_REGION"] = "ap-south-1";
  auto found = Find("work");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->credentials.access_key_id, "AKIAWORK");
  EXPECT_EQ(found->credentials.session_token, "t");
  EXPECT_EQ(found->region, "eu-west-1");
}

TEST_F(AwsIdentityTest, SaysWhyAProfileCannotBeUsed) {
  EXPECT_EQ(Find("nobody").error().code(), Code::kNotFound);
  EXPECT_THAT(Find("sso").error().message(), HasSubstr("sso_start_url"));
  Write("credentials", "broken\n");
  EXPECT_THAT(Find().error().message(), HasSubstr("line 1"));
}

TEST_F(AwsIdentityTest, NoFilesIsNoError) {
  env_["HOME"] = (folder_ / "nowhere").string();
  auto found = Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->credentials.access_key_id.empty());
}

}  // namespace
}  // namespace strata::provider::bedrock
