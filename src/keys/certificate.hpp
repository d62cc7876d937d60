// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "keys/openssl.hpp"

/// Private keys, certificates and the roles in them. Private keys never appear in a message.
namespace spoor::keys {

/// What a certificate entitles to: the subject's organisational unit, beside its key usage.
enum class Role { kCollector, kSensor, kAnalyst };
std::string_view RoleName(Role role);

/// Whose certificate it is. A name means one host or person; `serial` one certificate.
struct Identity {
  Role role = Role::kSensor;
  std::string name;
  std::string serial;  ///< lower-case hexadecimal
  std::int64_t not_after_wall_ns = 0;
};

/// 1 to 63 of a-z, 0-9, '-' and '.', not beginning with '-' or '.'. Fails: kInvalidArgument.
Result<> CheckName(std::string_view name);

/// A new P-256 key. Fails: kUnavailable.
Result<KeyPointer> MakeSigningKey();
/// A new X25519 key, to which secrets are escrowed. Fails: kUnavailable.
Result<KeyPointer> MakeEscrowKey();

/// Stores the key unencrypted as PEM, mode 0600, all or nothing.
Result<> WritePrivateKey(const std::filesystem::path& path, EVP_PKEY* key);
/// Fails: kNotFound; kUnavailable (group or others may read it); kCorrupt.
Result<KeyPointer> LoadPrivateKey(const std::filesystem::path& path);
Result<> WritePublicKey(const std::filesystem::path& path, EVP_PKEY* key);
Result<KeyPointer> LoadPublicKey(const std::filesystem::path& path);

Result<std::string> FormatCertificate(X509* certificate);  ///< PEM
/// `name` is only for the error message. Fails: kCorrupt.
Result<CertificatePointer> ParseCertificate(std::string_view pem, std::string_view name);
Result<CertificatePointer> LoadCertificate(const std::filesystem::path& path);

/// SHA-256 of the certificate (DER), lower-case hexadecimal.
std::string FingerprintOf(X509* certificate);
/// Fails: kUnverified when the subject is not exactly one we write.
Result<Identity> IdentityOf(X509* certificate);

/// A certificate request (PEM) that proves possession of `key`. Its subject is empty: the authority
/// decides the name.
Result<std::string> FormatRequest(EVP_PKEY* key);
/// The public key of a request, when its own signature is good. Fails: kInvalidArgument (not a
/// request, not P-256, bad signature).
Result<KeyPointer> KeyOfRequest(std::string_view pem);

struct CertificateTerms {
  Role role = Role::kSensor;
  std::string name;
  std::vector<std::string> addresses;  ///< collector only: DNS names or IP addresses it serves at
  std::int64_t lifetime_days = 0;
};
/// A self-signed root that may sign end certificates only.
Result<CertificatePointer> MakeRoot(EVP_PKEY* key, std::int64_t lifetime_days);
Result<CertificatePointer> SignCertificate(const CertificateTerms& terms, EVP_PKEY* subject_key,
                                           X509* root, EVP_PKEY* root_key);

/// The list of revoked `serials` (hexadecimal), signed, as PEM.
Result<std::string> SignRevocations(const std::vector<std::string>& serials, X509* root,
                                    EVP_PKEY* root_key);
/// Revoked serials (lower-case hexadecimal, sorted), once the root's signature over them has been
/// checked. Fails: kNotFound, kUnverified.
Result<std::vector<std::string>> LoadRevocations(const std::filesystem::path& path, X509* root);

}  // namespace spoor::keys
