// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "keys/openssl.hpp"

/// How servers and clients here speak TLS.
namespace spoor::http {

using SslPointer = std::unique_ptr<SSL, keys::Free<SSL_free>>;
using ContextPointer = std::unique_ptr<SSL_CTX, keys::Free<SSL_CTX_free>>;

/// For everybody: TLS 1.2 or later under the certificate chain and key in these files (PEM).
/// Fails: kNotFound, kCorrupt (not a certificate and its private key).
Result<ContextPointer> OpenPublicContext(const std::filesystem::path& certificate,
                                         const std::filesystem::path& private_key);

/// For peers with certificates of one authority: TLS 1.3 only, no resumption, so that each
/// connection shows its certificate. Who shows none is let through the handshake: the server's
/// `admit` decides. Fails: kCorrupt (key and certificate do not belong together).
struct MutualTls {
  X509* certificate = nullptr;
  EVP_PKEY* private_key = nullptr;
  X509* root = nullptr;  ///< that must have issued the peer's
};
Result<ContextPointer> OpenMutualContext(const MutualTls& tls);

/// Whom a client believes that it is the server.
enum class Trust {
  kSystem,   ///< who has a certificate for the address that is asked, of whom the system trusts
  kRoot,     ///< … of the given root, whomever the system trusts
  kAnybody,  ///< what comes is checked otherwise, and nothing secret is sent
};
struct ClientTls {
  Trust trust = Trust::kSystem;
  X509* root = nullptr;
  X509* certificate = nullptr;  ///< to show; null: none
  EVP_PKEY* private_key = nullptr;
  bool only_tls13 = false;
};
/// Fails: kUnavailable.
Result<ContextPointer> OpenClientContext(const ClientTls& tls);

}  // namespace spoor::http
