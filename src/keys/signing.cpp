// SPDX-License-Identifier: Apache-2.0
// What only the authority does: signing certificates and revocation lists.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/file.hpp"
#include "keys/certificate.hpp"

namespace spoor::keys {
namespace {

constexpr std::uint64_t kRevocationBytesMax = 16ULL << 20;
constexpr std::int64_t kSecondsPerDay = 24LL * 3600;
// Clocks of hosts differ: a certificate made now is valid at once for those that are behind.
constexpr std::int64_t kBackdatedSeconds = 3600;
constexpr int kSerialBytes = 16;
// A revocation list is replaced when something is revoked, not by the calendar.
constexpr std::int64_t kRevocationListDays = 3650;

bool AddEntry(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool SetSerial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), kSerialBytes) != 1) return false;
  // Positive, and never shorter: RFC 5280 §4.1.2.2.
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3F) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes.data(), kSerialBytes, nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

Result<CertificatePointer> Blank(EVP_PKEY* subject_key, std::int64_t lifetime_days) {
  CertificatePointer certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !SetSerial(certificate.get()) ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdatedSeconds) == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(certificate.get()), static_cast<int>(lifetime_days), 0,
                       nullptr) == nullptr ||
      X509_set_pubkey(certificate.get(), subject_key) != 1 ||
      !AddEntry(X509_get_subject_name(certificate.get()), "O", "Spoor")) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot make a certificate: {}", OpenSslReason());
  }
  return certificate;
}

Result<std::string> AlternativeNames(const CertificateTerms& terms) {
  if (terms.addresses.empty()) return "DNS:" + terms.name;
  std::string text;
  for (const std::string& address : terms.addresses) {
    std::array<unsigned char, 16> binary{};
    const bool numeric = ::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
                         ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
    const auto in_name = [](unsigned char c) {
      return (c < 0x80 && std::isalnum(c) != 0) || c == '-' || c == '.';
    };
    if (!numeric && (address.empty() || !std::all_of(address.begin(), address.end(), in_name))) {
      return Fail(ErrorCode::kInvalidArgument, "address \"{}\": no host name or IP address",
                  address);
    }
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", numeric ? "IP" : "DNS", address);
  }
  return text;
}

Result<> SignedBy(X509* certificate, EVP_PKEY* key, bool extended) {
  if (!extended || X509_sign(certificate, key, EVP_sha256()) == 0) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot sign the certificate: {}",
                OpenSslReason());
  }
  return {};
}

}  // namespace

Result<CertificatePointer> MakeRoot(EVP_PKEY* key, std::int64_t lifetime_days) {
  ASSIGN_OR_RETURN(CertificatePointer root, Blank(key, lifetime_days));
  X509* bare = root.get();
  const bool extended =
      AddEntry(X509_get_subject_name(bare), "CN", "Spoor authority") &&
      X509_set_issuer_name(bare, X509_get_subject_name(bare)) == 1 &&
      AddExtension(bare, bare, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      AddExtension(bare, bare, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      AddExtension(bare, bare, NID_subject_key_identifier, "hash");
  RETURN_IF_ERROR(SignedBy(bare, key, extended));
  return root;
}

Result<CertificatePointer> SignCertificate(const CertificateTerms& terms, EVP_PKEY* subject_key,
                                           X509* root, EVP_PKEY* root_key) {
  RETURN_IF_ERROR(CheckName(terms.name));
  ASSIGN_OR_RETURN(const std::string names, AlternativeNames(terms));
  ASSIGN_OR_RETURN(CertificatePointer certificate, Blank(subject_key, terms.lifetime_days));
  X509* bare = certificate.get();
  // A sensor's or analyst's certificate cannot pose as a collector: TLS itself checks this usage.
  const char* usage = terms.role == Role::kCollector ? "serverAuth" : "clientAuth";
  const bool extended = AddEntry(X509_get_subject_name(bare), "OU", RoleName(terms.role)) &&
                        AddEntry(X509_get_subject_name(bare), "CN", terms.name) &&
                        X509_set_issuer_name(bare, X509_get_subject_name(root)) == 1 &&
                        AddExtension(bare, root, NID_basic_constraints, "critical,CA:FALSE") &&
                        AddExtension(bare, root, NID_key_usage, "critical,digitalSignature") &&
                        AddExtension(bare, root, NID_ext_key_usage, usage) &&
                        AddExtension(bare, root, NID_subject_alt_name, names) &&
                        AddExtension(bare, root, NID_subject_key_identifier, "hash") &&
                        AddExtension(bare, root, NID_authority_key_identifier, "keyid:always");
  RETURN_IF_ERROR(SignedBy(bare, root_key, extended));
  return certificate;
}

Result<std::string> SignRevocations(const std::vector<std::string>& serials, X509* root,
                                    EVP_PKEY* root_key) {
  const RevocationPointer list(X509_CRL_new());
  const std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>> now(ASN1_TIME_set(nullptr, time(nullptr)));
  const std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>> next(
      ASN1_TIME_set(nullptr, time(nullptr) + kRevocationListDays * kSecondsPerDay));
  bool good = list != nullptr && now != nullptr && next != nullptr &&
              X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(root)) == 1 &&
              X509_CRL_set1_lastUpdate(list.get(), now.get()) == 1 &&
              X509_CRL_set1_nextUpdate(list.get(), next.get()) == 1;
  for (const std::string& serial : serials) {
    BIGNUM* number = nullptr;
    X509_REVOKED* revoked = X509_REVOKED_new();
    good = good && BN_hex2bn(&number, serial.c_str()) != 0 && revoked != nullptr;
    ASN1_INTEGER* integer = good ? BN_to_ASN1_INTEGER(number, nullptr) : nullptr;
    good = good && X509_REVOKED_set_serialNumber(revoked, integer) == 1 &&
           X509_REVOKED_set_revocationDate(revoked, now.get()) == 1;
    ASN1_INTEGER_free(integer);
    BN_free(number);
    if (!good || X509_CRL_add0_revoked(list.get(), revoked) != 1) {
      X509_REVOKED_free(revoked);
      good = false;
      break;
    }
  }
  if (good) X509_CRL_sort(list.get());
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (!good || X509_CRL_sign(list.get(), root_key, EVP_sha256()) == 0 ||
      PEM_write_bio_X509_CRL(bio.get(), list.get()) != 1) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot sign the revocation list: {}",
                OpenSslReason());
  }
  char* text = nullptr;
  const long size_bytes = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size_bytes));
}

Result<std::vector<std::string>> LoadRevocations(const std::filesystem::path& path, X509* root) {
  ASSIGN_OR_RETURN(const std::string pem, ReadTextFile(path, kRevocationBytesMax));
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const RevocationPointer list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
  if (list == nullptr || X509_CRL_verify(list.get(), X509_get0_pubkey(root)) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kUnverified, "{}: no revocation list signed by the authority",
                path.string());
  }
  std::vector<std::string> serials;
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list.get());
  const int count = sk_X509_REVOKED_num(revoked);
  serials.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) {
    serials.push_back(
        SerialText(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i))));
  }
  std::sort(serials.begin(), serials.end());
  return serials;
}

}  // namespace spoor::keys
