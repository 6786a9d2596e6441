// Which cross-region profiles stand for which accounts.

#include "server/profiles/system_profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kSonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";

provider::ProviderSpec Account(std::string name, std::string region,
                               std::vector<std::string> models) {
  provider::ProviderSpec spec;
  spec.name = std::move(name);
  spec.kind = provider::ProviderKind::kBedrock;
  spec.region = std::move(region);
  spec.models = std::move(models);
  return spec;
}

std::vector<std::string> Shown(const std::vector<provider::ProviderSpec>& specs) {
  std::vector<std::string> out;
  for (const auto& profile : SystemProfiles(specs)) {
    std::string line = profile.id + " =";
    for (const auto& deployment : profile.deployments) line += " " + deployment.model;
    out.push_back(std::move(line));
  }
  return out;
}

TEST(SystemProfiles, AModelOfTwoRegionsIsAProfileOfTheirGeography) {
  EXPECT_THAT(Shown({Account("east", "us-east-1", {"m.a", "m.b"}),
                     Account("west", "us-west-2", {"m.a"}), Account("eu", "eu-west-1", {"m.b"})}),
              ElementsAre("global.m.a = east/m.a west/m.a", "global.m.b = east/m.b eu/m.b",
                          "us.m.a = east/m.a west/m.a"));
}

TEST(SystemProfiles, OneRegionIsNoneHoweverManyAccountsItHas) {
  EXPECT_THAT(Shown({Account("a", "us-east-1", {kSonnet}), Account("b", "us-east-1", {kSonnet})}),
              IsEmpty());
  // What an account does not name is not known.
  EXPECT_THAT(Shown({Account("a", "us-east-1", {}), Account("b", "us-west-2", {})}), IsEmpty());
  auto other = Account("a", "us-east-1", {kSonnet});
  other.kind = provider::ProviderKind::kVertex;
  EXPECT_THAT(Shown({other, Account("b", "us-west-2", {kSonnet})}), IsEmpty());
}

TEST(SystemProfiles, WhatAnAccountListsIsAwsOwn) {
  EXPECT_THAT(
      Shown({Account("a", "us-east-1", {"us.m.a", "m.a"}), Account("b", "us-west-2", {"m.a"})}),
      ElementsAre("global.m.a = a/m.a b/m.a", "us.m.a = a/us.m.a"));
}

TEST(SystemProfiles, GeographiesHoldTheRegionsThatAwsPutsThere) {
  EXPECT_THAT(GeographiesOf("us-east-2"), ElementsAre("us"));
  EXPECT_THAT(GeographiesOf("us-gov-west-1"), ElementsAre("us-gov"));
  EXPECT_THAT(GeographiesOf("eu-central-1"), ElementsAre("eu"));
  EXPECT_THAT(GeographiesOf("ap-south-1"), ElementsAre("apac"));
  EXPECT_THAT(GeographiesOf("ap-northeast-3"), ElementsAre("apac", "jp"));
  EXPECT_THAT(GeographiesOf("ap-southeast-2"), ElementsAre("apac", "au"));
  EXPECT_THAT(GeographiesOf("euro"), IsEmpty());
  // Governments' clouds are in no profile with others.
  EXPECT_THAT(Shown({Account("a", "us-gov-west-1", {"m.a"}), Account("b", "us-gov-east-1", {"m.a"}),
                     Account("c", "us-east-1", {"m.a"})}),
              ElementsAre("us-gov.m.a = a/m.a b/m.a"));
}

TEST(SystemPools, LeaveIdsThatTheConfigurationGivesToSomethingElse) {
  const std::vector specs = {Account("east", "us-east-1", {"m.a", "m.b", "us.m.c"}),
                             Account("west", "us-west-2", {"m.a", "m.b"})};
  Config config;
  config.aliases["us.m.a"] = "east/m.a";
  config.models.push_back({.id = "global.m.b"});
  std::vector<std::string> ids;
  for (const auto& pool : SystemPools(specs, config)) {
    EXPECT_EQ(pool.deployments.size(), 2U);
    EXPECT_TRUE(gateway::CheckPool(pool).has_value());
    ids.push_back(pool.id);
  }
  EXPECT_THAT(ids, ElementsAre("global.m.a", "us.m.b"));
}

}  // namespace
}  // namespace strata::server
