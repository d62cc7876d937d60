// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace spoor::keys {

/// Frees an OpenSSL object with the function that belongs to its type.
template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using KeyPointer = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Free<X509_free>>;
using RevocationPointer = std::unique_ptr<X509_CRL, Free<X509_CRL_free>>;
using RequestPointer = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using BioPointer = std::unique_ptr<BIO, Free<BIO_free_all>>;

/// The oldest queued OpenSSL error as text, and empties the queue. "unknown reason" when there is
/// none.
std::string OpenSslReason();

/// A serial number in lower-case hexadecimal; empty when it is none.
std::string SerialText(const ASN1_INTEGER* serial);

}  // namespace spoor::keys
