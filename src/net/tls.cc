#include "net/tls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "net/internal/tls_context.h"

namespace strata::net {
namespace {

constexpr std::chrono::hours kDay{24};
constexpr auto kAuthorityLife = 3653 * kDay;
constexpr auto kServerLife = 365 * kDay;
constexpr auto kRenewBefore = 30 * kDay;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

struct Identity {
  Key key;
  Certificate certificate;
};

Error OpensslError(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Error(Code::kInternal, fmt::format("{}: {}", what, text.data()));
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

// A host name that may stand in a certificate.
bool IsDnsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(Code::kUnavailable, fmt::format("cannot read {}", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Replaces the file whole: readers see the old one or the new one.
Result<> WriteFile(const std::string& path, std::string_view bytes) {
  auto draft = path + ".new";
  auto failed = [&] {
    return Fail(Code::kUnavailable, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  };
  int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  ::fchmod(fd, 0600);
  bool whole = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
               ::fsync(fd) == 0;
  ::close(fd);
  if (!whole || ::rename(draft.c_str(), path.c_str()) != 0) return failed();
  return {};
}

std::string MemoryText(BIO* memory) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return MemoryText(memory.get());
}

std::string KeyPem(EVP_PKEY* key) {
  Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return MemoryText(memory.get());
}

Result<Identity> LoadIdentity(const std::string& certificate_path, const std::string& key_path) {
  STRATA_TRY(auto certificate_text, ReadFile(certificate_path));
  STRATA_TRY(auto key_text, ReadFile(key_path));
  Memory certificate_memory(
      BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
  Memory key_memory(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  Identity loaded;
  loaded.certificate.reset(PEM_read_bio_X509(certificate_memory.get(), nullptr, nullptr, nullptr));
  loaded.key.reset(PEM_read_bio_PrivateKey(key_memory.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!loaded.certificate || !loaded.key ||
      X509_check_private_key(loaded.certificate.get(), loaded.key.get()) != 1) {
    ERR_clear_error();
    return Fail(Code::kCorruption, fmt::format("{} and {} are not a certificate and its key",
                                               certificate_path, key_path));
  }
  return loaded;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

void SetTime(ASN1_TIME* slot, WallTime time) {
  ASN1_TIME_set(slot, std::chrono::system_clock::to_time_t(time));
}

struct CertificateSpec {
  std::string common_name;
  WallTime from;
  WallTime until;
  std::vector<std::pair<int, std::string>> extensions;
};

// Signed by `issuer`, or by itself when that is null.
Result<Identity> MakeIdentity(const CertificateSpec& spec, const Identity* issuer) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  if (!made.key || !made.certificate) return Fail(OpensslError("making a key"));
  auto* certificate = made.certificate.get();
  auto* issuer_certificate = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_version(certificate, X509_VERSION_3);
  std::array<std::uint8_t, 16> serial;
  SecureRandom(serial);
  serial[0] &= 0x7f;
  std::unique_ptr<BIGNUM, Deleter<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  SetTime(X509_getm_notBefore(certificate), spec.from);
  SetTime(X509_getm_notAfter(certificate), spec.until);
  X509_set_pubkey(certificate, made.key.get());
  auto* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.data()),
                             static_cast<int>(spec.common_name.size()), -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate));
  for (const auto& [nid, value] : spec.extensions) {
    if (!AddExtension(certificate, issuer_certificate, nid, value)) {
      return Fail(OpensslError("making a certificate"));
    }
  }
  auto* signer = issuer != nullptr ? issuer->key.get() : made.key.get();
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) {
    return Fail(OpensslError("signing a certificate"));
  }
  return made;
}

Result<Identity> MakeAuthority(WallTime now) {
  // The name carries a random part, so that authorities of two folders are not taken for one.
  CertificateSpec spec{"strata local authority " + SecureRandomHex(4),
                       now - kDay,
                       now + kAuthorityLife,
                       {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                        {NID_key_usage, "critical,keyCertSign,cRLSign"},
                        {NID_subject_key_identifier, "hash"}}};
  return MakeIdentity(spec, nullptr);
}

Result<Identity> MakeServer(const Identity& authority, const std::string& host, WallTime now) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (IsDnsName(host) && host != "localhost") names += ",DNS:" + host;
  CertificateSpec spec{"strata server",
                       now - kDay,
                       now + kServerLife,
                       {{NID_basic_constraints, "critical,CA:FALSE"},
                        {NID_key_usage, "critical,digitalSignature"},
                        {NID_ext_key_usage, "serverAuth"},
                        {NID_subject_key_identifier, "hash"},
                        {NID_authority_key_identifier, "keyid:always"},
                        {NID_subject_alt_name, names}}};
  return MakeIdentity(spec, &authority);
}

bool StillGood(const Identity& server, const Identity& authority, const std::string& host,
               WallTime now) {
  auto limit = std::chrono::system_clock::to_time_t(now + kRenewBefore);
  auto* certificate = server.certificate.get();
  bool in_time = X509_cmp_time(X509_get0_notAfter(certificate), &limit) > 0;
  bool named =
      !IsDnsName(host) || X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
  bool ours = X509_verify(certificate, authority.key.get()) == 1;
  ERR_clear_error();
  return in_time && named && ours;
}

struct Paths {
  std::string authority, authority_key, certificate, key;
};

// Both files or none: a certificate without its key is of no use.
bool Exists(const std::string& certificate, const std::string& key) {
  return std::filesystem::exists(certificate) && std::filesystem::exists(key);
}

Result<Identity> LoadOrMakeAuthority(const Paths& paths, WallTime now, bool& created) {
  if (Exists(paths.authority, paths.authority_key)) {
    return LoadIdentity(paths.authority, paths.authority_key);
  }
  STRATA_TRY(auto made, MakeAuthority(now));
  STRATA_CHECK_OK(WriteFile(paths.authority_key, KeyPem(made.key.get())));
  STRATA_CHECK_OK(WriteFile(paths.authority, CertificatePem(made.certificate.get())));
  created = true;
  return made;
}

Result<> EnsureServer(const Paths& paths, const Identity& authority, WallTime now) {
  auto host = HostName();
  if (Exists(paths.certificate, paths.key)) {
    // A pair that does not fit together was cut off while it was being replaced: make it again.
    auto server = LoadIdentity(paths.certificate, paths.key);
    if (server.has_value() && StillGood(*server, authority, host, now)) return {};
  }
  STRATA_TRY(auto made, MakeServer(authority, host, now));
  STRATA_CHECK_OK(WriteFile(paths.key, KeyPem(made.key.get())));
  return WriteFile(paths.certificate, CertificatePem(made.certificate.get()) +
                                          CertificatePem(authority.certificate.get()));
}

}  // namespace

Result<TlsFiles> EnsureTlsFiles(const std::string& folder, const Clock& clock) {
  std::error_code error;
  bool fresh = std::filesystem::create_directories(folder, error);
  if (error) {
    return Fail(Code::kUnavailable, fmt::format("cannot make {}: {}", folder, error.message()));
  }
  if (fresh) ::chmod(folder.c_str(), 0700);
  Paths paths{folder + "/authority.pem", folder + "/authority-key.pem", folder + "/server.pem",
              folder + "/server-key.pem"};
  TlsFiles files{paths.authority, paths.certificate, paths.key, false};
  STRATA_TRY(auto authority, LoadOrMakeAuthority(paths, clock.Wall(), files.created));
  STRATA_CHECK_OK(EnsureServer(paths, authority, clock.Wall()));
  return files;
}

Result<> CheckTlsFiles(const std::string& certificate_file, const std::string& private_key_file) {
  STRATA_TRY([[maybe_unused]] auto context,
             MakeServerTlsContext(certificate_file, private_key_file));
  return {};
}

}  // namespace strata::net
