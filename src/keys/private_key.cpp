// SPDX-License-Identifier: Apache-2.0
// Keys on disk: PEM files, private ones 0600 from the moment they exist.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "keys/certificate.hpp"

namespace spoor::keys {
namespace {

constexpr std::uint64_t kPemBytesMax = 1 << 16;

// Refuses to ask for a passphrase on the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

std::string_view TextOf(BIO* bio) {
  char* text = nullptr;
  const long size_bytes = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size_bytes)};
}

Result<KeyPointer> Made(EVP_PKEY* key) {
  if (key == nullptr) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot make a key: {}", OpenSslReason());
  }
  return KeyPointer(key);
}

}  // namespace

std::string OpenSslReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

Result<KeyPointer> MakeSigningKey() {
  return Made(EVP_EC_gen("P-256"));
}

Result<KeyPointer> MakeEscrowKey() {
  return Made(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
}

Result<> WritePrivateKey(const std::filesystem::path& path, EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Fail(ErrorCode::kUnavailable, "{}: OpenSSL cannot write the key: {}", path.string(),
                OpenSslReason());
  }
  return WriteFileAtomically(path, AsBytes(TextOf(bio.get())), 0600);
}

Result<KeyPointer> LoadPrivateKey(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  if ((status.st_mode & 077) != 0) {
    return Fail(ErrorCode::kUnavailable, "{}: private key is open to others (mode {:04o})",
                path.string(), status.st_mode & 07777U);
  }
  ASSIGN_OR_RETURN(std::vector<std::byte> pem, ReadFile(path, kPemBytesMax));
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  OPENSSL_cleanse(pem.data(), pem.size());
  if (key == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kCorrupt, "{}: no unencrypted private key in PEM", path.string());
  }
  return key;
}

Result<> WritePublicKey(const std::filesystem::path& path, EVP_PKEY* key) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) {
    return Fail(ErrorCode::kUnavailable, "{}: OpenSSL cannot write the key: {}", path.string(),
                OpenSslReason());
  }
  return WriteFileAtomically(path, AsBytes(TextOf(bio.get())));
}

Result<KeyPointer> LoadPublicKey(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string pem, ReadTextFile(path, kPemBytesMax));
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPointer key(PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kCorrupt, "{}: no public key in PEM", path.string());
  }
  return key;
}

}  // namespace spoor::keys
