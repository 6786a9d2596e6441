// Access tokens for a service account, against the fake's token endpoint, which verifies
// signatures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dialect/json_value.h"
#include "provider/remote/test_fixture.h"
#include "provider/vertex/tokens.h"

namespace strata::provider::vertex {
namespace {

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};

KeyPair MakeKeys() {
  auto text = [](BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
  };
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* secret = BIO_new(BIO_s_mem());
  BIO* open = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(open, key);
  KeyPair out{text(secret), text(open)};
  BIO_free(secret);
  BIO_free(open);
  EVP_PKEY_free(key);
  return out;
}

class VertexTokens : public testing::Test, protected remote::Fixture {
 protected:
  VertexTokens() {
    auto keys = upstream->keys();
    keys.google_public_key = pair_.public_pem;
    upstream->SetKeys(keys);
    folder_ =
        std::filesystem::temp_directory_path() / ("strata-vertex-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "key.json") << KeyFile(pair_.private_pem);
  }
  ~VertexTokens() override { std::filesystem::remove_all(folder_); }

  std::string KeyFile(const std::string& pem) const {
    auto quoted = [](const std::string& text) { return dialect::JsonValue(text).Dump(); };
    return R"({"type":"service_account","project_id":"project-1","private_key_id":"k1",)"
           R"("client_email":"strata@project-1.iam.example","private_key":)" +
           quoted(pem) + R"(,"token_uri":)" + quoted(upstream->url() + "/token") + "}";
  }
  std::shared_ptr<ChatModel> Model() {
    ProviderSpec spec;
    spec.name = "up";
    spec.kind = ProviderKind::kVertex;
    spec.base_url = upstream->url();
    spec.region = "us-central1";
    spec.secret = "file:" + (folder_ / "key.json").string();
    return MakeRemoteProvider(spec, Deps()).value()->Chat("gemini-2.5-flash").value();
  }
  int Exchanges() const {
    int count = 0;
    for (const auto& request : upstream->requests()) count += request.target == "/token" ? 1 : 0;
    return count;
  }

  KeyPair pair_ = MakeKeys();
  std::filesystem::path folder_;
};

TEST_F(VertexTokens, OneIsExchangedForManyCallsAndRenewedBeforeItExpires) {
  auto model = Model();
  ManualClock clock;
  for (int calls : {1, 2, 3}) {
    RequestContext ctx;
    ctx.clock = &clock;
    auto got = runtime.Run(Drain(*model, Says("hi", calls % 2 == 0), ctx));
    ASSERT_FALSE(got.error.has_value()) << got.error->message();
  }
  EXPECT_EQ(Exchanges(), 1);
  EXPECT_THAT(upstream->requests().back().target,
              testing::StartsWith("/v1/projects/project-1/locations/us-central1/publishers/google/"
                                  "models/gemini-2.5-flash:"));
  clock.Advance(
      std::chrono::minutes(56));  // it lives for an hour, and is renewed five minutes early
  RequestContext later;
  later.clock = &clock;
  later.deadline = SteadyTime::max();
  auto got = runtime.Run(Drain(*model, Says("hi"), later));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(Exchanges(), 2);
}

TEST_F(VertexTokens, ARefusedAccountIsNoAccessAndShowsNoKey) {
  auto keys = upstream->keys();
  keys.google_public_key = MakeKeys().public_pem;
  upstream->SetKeys(keys);
  RequestContext ctx;
  auto got = runtime.Run(Drain(*Model(), Says("hi"), ctx));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kPermissionDenied) << got.error->message();
  EXPECT_EQ(got.error->message().find("PRIVATE"), std::string::npos);
}

TEST(ServiceAccount, NamesTheMemberThatIsWrong) {
  auto fault = [](std::string_view text) { return ParseServiceAccount(text).error().field(); };
  EXPECT_EQ(fault("{}"), "type");
  EXPECT_EQ(fault(R"({"type":"authorized_user"})"), "type");
  EXPECT_EQ(fault(R"({"type":"service_account"})"), "client_email");
  EXPECT_EQ(fault(R"({"type":"service_account","client_email":"a@b","private_key":"x"})"),
            "private_key");
  EXPECT_FALSE(ParseTokenAnswer("{}", WallTime{}).has_value());
  EXPECT_FALSE(
      ParseTokenAnswer(R"({"access_token":"a b","expires_in":5})", WallTime{}).has_value());
}

}  // namespace
}  // namespace strata::provider::vertex
