#include "net/url.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>

#include "net/client/addresses.h"
#include "net/http.h"
#include "net/http1/head.h"

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

// Long names are compared by words, which overlap at the end: every byte counts at every place.
TEST(Headers, LettersAreTheOnlyBytesWithTwoCases) {
  auto lower = [](int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  for (std::size_t size : {1, 7, 8, 9, 15, 16, 21}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int x = 0; x < 256; ++x) {
        for (int y : {x, x ^ 0x20, x ^ 0x80, x + 1, 0 + 'k', 0 + 'K'}) {
          std::string a(size, 'q');
          std::string b(size, 'Q');
          a[at] = static_cast<char>(x);
          b[at] = static_cast<char>(y & 0xff);
          ASSERT_EQ(SameHeader(a, b), lower(x) == lower(y & 0xff))
              << size << " bytes, " << x << " and " << (y & 0xff) << " at " << at;
        }
      }
    }
  }
  EXPECT_FALSE(SameHeader("content-type", "content-typ"));
  EXPECT_TRUE(SameHeader("", ""));
}

TEST(Http1Head, AFieldValueHoldsNoControlButTab) {
  for (std::size_t size : {1, 7, 8, 9, 16, 23}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, 'v');
        value[at] = static_cast<char>(byte);
        const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        ASSERT_EQ(http1::IsFieldValue(value), !control) << byte << " at " << at << " of " << size;
      }
    }
  }
  EXPECT_TRUE(http1::IsFieldValue(""));
  EXPECT_FALSE(http1::IsFieldValue("tab\tthen\nline end"));
}

// Some parsers take a bare CR for a line end: it must not travel inside of anything.
TEST(Http1Head, ABareCarriageReturnIsRefusedEverywhere) {
  auto parses = [](std::string_view head) {
    HttpRequest request;
    http1::Framing framing;
    return !http1::ParseRequestHead(head, request, framing).has_value();
  };
  EXPECT_TRUE(parses("GET /a HTTP/1.1\r\nHost: h\r\nX-Y: z\r\n\r\n"));
  EXPECT_FALSE(parses("G\rET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a\r HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\nHost: h\rX: y\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\nHo\rst: h\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\nHost : h\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\nHost\r\n\r\n"));
  EXPECT_FALSE(parses("GET /a HTTP/1.1\r\n: h\r\n\r\n"));

  auto answers = [](std::string_view head) {
    http1::ResponseHead response;
    http1::Framing framing;
    return !http1::ParseResponseHead(head, response, framing).has_value();
  };
  EXPECT_TRUE(answers("HTTP/1.1 200 Very well\r\nx: y\r\n\r\n"));
  EXPECT_FALSE(answers("HTTP/1.1 200 Very\rwell\r\nx: y\r\n\r\n"));
  EXPECT_FALSE(answers("HTTP/1.1 200 OK\r\nx: y\rz\r\n\r\n"));
}

TEST(QueryParameter, IsDecodedAndAbsenceIsSeen) {
  EXPECT_EQ(QueryParameter("a=1&b=x%20y+z&c", "b"), "x y z");
  EXPECT_EQ(QueryParameter("a=1&b=x%20y+z&c", "c"), "");
  EXPECT_EQ(QueryParameter("a=1", "b"), std::nullopt);
  EXPECT_EQ(QueryParameter("", "b"), std::nullopt);
}

}  // namespace
}  // namespace strata::net
