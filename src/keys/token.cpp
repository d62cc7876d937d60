// SPDX-License-Identifier: Apache-2.0
// Enrolment tokens. The authority keeps only the digest of a token's secret, as a file's name, and
// removing that file is what spends the token: of two that come at once, one is too late.
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/file.hpp"
#include "base/time.hpp"
#include "keys/authority.hpp"

namespace spoor::keys {
namespace {

constexpr std::string_view kPrefix = "spoor1";
constexpr std::size_t kSecretBytes = 32;
constexpr std::uint64_t kTokenFileBytesMax = 4096;

std::string Hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::filesystem::path TokenFile(const std::filesystem::path& folder, std::string_view secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return folder / "tokens" / Hex(digest);
}

}  // namespace

std::string Token::Text() const {
  return fmt::format("{}:{}:{}:{}", kPrefix, name, secret, root_fingerprint);
}

Result<Token> Token::Parse(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size() && parts.size() < 5;) {
    const std::size_t until = std::min(text.find(':', from), text.size());
    parts.push_back(text.substr(from, until - from));
    from = until + 1;
  }
  if (parts.size() != 4 || parts[0] != kPrefix || !CheckName(parts[1]) ||
      !IsHex(parts[2], 2 * kSecretBytes) || !IsHex(parts[3], 64)) {
    return Fail(ErrorCode::kInvalidArgument,
                "not an enrolment token ({}:NAME:SECRET:FINGERPRINT), or not all of it", kPrefix);
  }
  return Token{std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
}

Result<Token> Authority::MakeToken(const std::string& name, std::int64_t lifetime_ns) const {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const std::vector<Issued> issued, List());
  for (const Issued& entry : issued) {
    if (entry.name == name && entry.role != Role::kSensor) {
      return Fail(ErrorCode::kInvalidArgument, "{}: is a {}, not a sensor", name,
                  RoleName(entry.role));
    }
  }
  std::array<unsigned char, kSecretBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return Fail(ErrorCode::kUnavailable, "no random numbers: {}", OpenSslReason());
  }
  Token token{name, Hex(bytes), FingerprintOf(root_.get())};
  OPENSSL_cleanse(bytes.data(), bytes.size());
  RETURN_IF_ERROR(
      WriteFileAtomically(TokenFile(folder_, token.secret),
                          AsBytes(fmt::format("{} {}\n", WallNow() + lifetime_ns, name)), 0600));
  return token;
}

Result<Enrolment> Authority::Enrol(std::string_view name, std::string_view secret,
                                   std::string_view request_pem, std::int64_t lifetime_days) const {
  const auto refuse = [name](std::string_view why) {
    return Fail(ErrorCode::kUnverified, "enrolment of \"{}\": {}", name.substr(0, 64), why);
  };
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const KeyPointer key, KeyOfRequest(request_pem));
  if (!IsHex(secret, 2 * kSecretBytes)) return refuse("the token is not well formed");
  const std::filesystem::path file = TokenFile(folder_, secret);
  const Result<std::string> text = ReadTextFile(file, kTokenFileBytesMax);
  if (!text) return refuse("the token is unknown or was used before");
  std::int64_t expires_wall_ns = 0;
  const auto [end, status] =
      std::from_chars(text->data(), text->data() + text->size(), expires_wall_ns);
  if (status != std::errc{} || *text != fmt::format("{} {}\n", expires_wall_ns, name)) {
    return refuse("the token is for another name");
  }
  if (::unlink(file.c_str()) != 0) return refuse("the token is unknown or was used before");
  RETURN_IF_ERROR(SyncFolder(file.parent_path()));
  if (WallNow() >= expires_wall_ns) return refuse("the token has expired");
  Enrolment enrolment;
  ASSIGN_OR_RETURN(const CertificatePointer certificate, Sign({.role = Role::kSensor,
                                                               .name = std::string(name),
                                                               .addresses = {},
                                                               .lifetime_days = lifetime_days},
                                                              key.get()));
  ASSIGN_OR_RETURN(enrolment.certificate, FormatCertificate(certificate.get()));
  ASSIGN_OR_RETURN(enrolment.escrow_public,
                   ReadTextFile(IdentityLayout{folder_}.escrow_public(), kTokenFileBytesMax));
  return enrolment;
}

}  // namespace spoor::keys
