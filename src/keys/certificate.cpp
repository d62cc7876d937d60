// SPDX-License-Identifier: Apache-2.0
// Reading and writing certificates and requests. Signing them is signing.cpp.
#include "keys/certificate.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/file.hpp"

namespace spoor::keys {
namespace {

constexpr std::uint64_t kPemBytesMax = 1 << 16;
constexpr std::size_t kNameBytesMax = 63;
constexpr std::array<Role, 3> kRoles{Role::kCollector, Role::kSensor, Role::kAnalyst};

// The only value of the attribute, or empty: none, several, or one with a NUL inside.
std::string OnlyEntry(X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(subject, nid, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(subject, nid, first) >= 0) return {};
  unsigned char* utf8 = nullptr;
  const int size_bytes =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
  if (size_bytes < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size_bytes));
  OPENSSL_free(utf8);
  return text.find('\0') == text.npos ? text : std::string{};
}

Result<std::string> PemText(BIO* bio, int written, std::string_view what) {
  if (written != 1) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot write {}: {}", what, OpenSslReason());
  }
  char* text = nullptr;
  const long size_bytes = BIO_get_mem_data(bio, &text);
  return std::string(text, static_cast<std::size_t>(size_bytes));
}

}  // namespace

std::string SerialText(const ASN1_INTEGER* serial) {
  BIGNUM* number = ASN1_INTEGER_to_BN(serial, nullptr);
  char* digits = number == nullptr ? nullptr : BN_bn2hex(number);
  std::string text = digits == nullptr ? "" : digits;
  OPENSSL_free(digits);
  BN_free(number);
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kCollector:
      return "collector";
    case Role::kSensor:
      return "sensor";
    case Role::kAnalyst:
      return "analyst";
  }
  return "unknown";
}

Result<> CheckName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (name.empty() || name.size() > kNameBytesMax || name.front() == '-' || name.front() == '.' ||
      !std::all_of(name.begin(), name.end(), allowed)) {
    return Fail(ErrorCode::kInvalidArgument,
                "name \"{}\": must be 1 to {} of a-z, 0-9, '-' and '.', beginning with a letter or "
                "digit",
                name.substr(0, kNameBytesMax + 1), kNameBytesMax);
  }
  return {};
}

Result<std::string> FormatCertificate(X509* certificate) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  return PemText(bio.get(), PEM_write_bio_X509(bio.get(), certificate), "a certificate");
}

Result<CertificatePointer> ParseCertificate(std::string_view pem, std::string_view name) {
  const BioPointer bio(BIO_new_mem_buf(
      pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), kPemBytesMax))));
  CertificatePointer certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kCorrupt, "{}: no certificate in PEM", name);
  }
  return certificate;
}

Result<CertificatePointer> LoadCertificate(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadTextFile(path, kPemBytesMax));
  return ParseCertificate(pem, path.string());
}

std::string FingerprintOf(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size_bytes = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size_bytes);
  std::string text;
  for (unsigned i = 0; i < size_bytes; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

Result<Identity> IdentityOf(X509* certificate) {
  const std::string unit = OnlyEntry(certificate, NID_organizationalUnitName);
  const std::string name = OnlyEntry(certificate, NID_commonName);
  const auto* role = std::find_if(kRoles.begin(), kRoles.end(),
                                  [&unit](Role candidate) { return RoleName(candidate) == unit; });
  if (role == kRoles.end() || !CheckName(name)) {
    return Fail(ErrorCode::kUnverified, "certificate {}: its subject is none that Spoor writes",
                SerialText(X509_get0_serialNumber(certificate)));
  }
  std::tm until{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1) {
    return Fail(ErrorCode::kUnverified, "certificate {}: no time of expiry",
                SerialText(X509_get0_serialNumber(certificate)));
  }
  return Identity{*role, name, SerialText(X509_get0_serialNumber(certificate)),
                  static_cast<std::int64_t>(timegm(&until)) * 1'000'000'000};
}

Result<std::string> FormatRequest(EVP_PKEY* key) {
  const RequestPointer request(X509_REQ_new());
  if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key) != 1 ||
      X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot make a certificate request: {}",
                OpenSslReason());
  }
  const BioPointer bio(BIO_new(BIO_s_mem()));
  return PemText(bio.get(), PEM_write_bio_X509_REQ(bio.get(), request.get()), "a request");
}

Result<KeyPointer> KeyOfRequest(std::string_view pem) {
  const auto refuse = [](std::string_view why) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalidArgument, "certificate request: {}", why);
  };
  if (pem.size() > kPemBytesMax) return refuse("too large");
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const RequestPointer request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return refuse("none in PEM");
  KeyPointer key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr) return refuse("its key cannot be read");
  std::array<char, 64> group{};
  std::size_t size_bytes = 0;
  if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &size_bytes) != 1 ||
      std::string_view(group.data(), size_bytes) != "prime256v1") {
    return refuse("its key is not P-256");
  }
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    return refuse("its signature is not by its own key");
  }
  return key;
}

}  // namespace spoor::keys
