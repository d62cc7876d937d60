// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "keys/certificate.hpp"

namespace spoor::keys {

/// The files of one party (a sensor, a collector, an analyst) in its folder.
struct IdentityLayout {
  std::filesystem::path folder;

  std::filesystem::path private_key() const { return folder / "identity.key"; }  ///< 0600
  std::filesystem::path certificate() const { return folder / "identity.crt"; }
  std::filesystem::path root() const { return folder / "ca.crt"; }
  /// Sensors lock their sealing keys for whoever holds the other half: the collectors.
  std::filesystem::path escrow_public() const { return folder / "escrow.pub"; }
  std::filesystem::path escrow_private() const { return folder / "escrow.key"; }  ///< 0600
  std::filesystem::path revocations() const { return folder / "ca.crl"; }
};

/// One certificate that the authority signed.
struct Issued {
  Role role = Role::kSensor;
  std::string name;
  std::string serial;
  std::int64_t issued_wall_ns = 0;
  std::int64_t not_after_wall_ns = 0;
  std::int64_t revoked_wall_ns = 0;  ///< 0: not revoked
};

/// What an operator carries to a new host: who it will be, a secret that works once, and which
/// authority it may believe. As text: "spoor1:NAME:SECRET:FINGERPRINT".
struct Token {
  std::string name;
  std::string secret;            ///< 64 hexadecimal digits
  std::string root_fingerprint;  ///< SHA-256 of the root certificate

  std::string Text() const;
  /// Fails: kInvalidArgument, without repeating the text.
  static Result<Token> Parse(std::string_view text);
};

/// What a newly enrolled sensor gets back.
struct Enrolment {
  std::string certificate;    ///< PEM
  std::string escrow_public;  ///< PEM
};

/// A private certificate authority in a folder: root key, register of what it issued, open tokens,
/// revocation list. Changes take a lock, so that commands may run at the same time.
class Authority {
 public:
  /// Makes a new one. Fails: kInvalidArgument (there is one already; it is left alone), kIo.
  static Result<> Create(const std::filesystem::path& folder);
  /// Fails: kNotFound (no authority here), kUnavailable, kCorrupt.
  static Result<Authority> Open(const std::filesystem::path& folder);

  X509* root() const { return root_.get(); }

  /// Makes key and certificate of a party and writes its folder (IdentityLayout). Where that has a
  /// key already this is a rotation: a new key takes its place, the old certificate stays good
  /// until it is revoked. Fails: kInvalidArgument (the name has another role).
  Result<> Issue(const CertificateTerms& terms, const std::filesystem::path& folder) const;
  /// A token with which the sensor `name` can enrol once before `lifetime_ns` is over.
  Result<Token> MakeToken(const std::string& name, std::int64_t lifetime_ns) const;
  /// Spends the token and signs the request. Fails: kUnverified (unknown, spent or expired token),
  /// kInvalidArgument (bad request; the token stays good).
  Result<Enrolment> Enrol(std::string_view name, std::string_view secret,
                          std::string_view request_pem, std::int64_t lifetime_days) const;
  /// Revokes the certificates of `name`; all, or all but the newest. Returns how many.
  /// Fails: kNotFound (none of this name was issued).
  Result<std::size_t> Revoke(std::string_view name, bool keep_newest) const;
  /// In the order of issue.
  Result<std::vector<Issued>> List() const;

 private:
  explicit Authority(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<CertificatePointer> Sign(const CertificateTerms& terms, EVP_PKEY* subject_key) const;
  Result<> WriteRegister(const std::vector<Issued>& all) const;
  Result<> WriteRevocations(const std::vector<Issued>& all) const;

  std::filesystem::path folder_;
  CertificatePointer root_;
  KeyPointer root_key_;
};

}  // namespace spoor::keys
