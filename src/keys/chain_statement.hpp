// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"
#include "keys/certificate.hpp"

namespace spoor::keys {

/// What a sensor says when it begins a chain of sealed frames. Its signature over this is what a
/// chain made up by a collector lacks. Byte layout: docs/formats/sealing.md.
struct ChainStatement {
  std::string sensor;  ///< as in the certificate
  std::string host;    ///< what it records
  std::string boot_id;
  std::string chain_id;       ///< 32 hexadecimal digits; not in the JSON: the frame has it
  std::string first_key_tag;  ///< 64 hexadecimal digits; tells the first key without giving it away
  /// Whose packets the chain has, beside that of what happens on the host; empty: it is the latter.
  std::string interface {};
};

/// The chain that this sensor begins with this first key, 32 hexadecimal digits: nobody can begin
/// another's chain, or its recording, before it does, at whichever collector.
std::string ChainIdOf(std::string_view sensor, std::string_view first_key_tag);

/// The open frame's description (JSON) with certificate and signature.
/// Fails: kInvalidArgument (a control character in a name), kUnavailable (OpenSSL).
Result<std::string> SignChainStatement(const ChainStatement& statement, X509* certificate,
                                       EVP_PKEY* key);

/// What a description must be the statement of.
struct ChainClaim {
  std::string sensor;
  std::string chain_id;
  std::string first_key_tag;  ///< empty: not known to whoever checks
  X509* root = nullptr;  ///< the authority; null: whether it issued the certificate is not asked
};
/// Fails: kUnverified, saying what is wrong. Expired and revoked certificates are good: the
/// statement is older than the question.
Result<> CheckChainStatement(const std::string& description, const ChainClaim& claim);

}  // namespace spoor::keys
