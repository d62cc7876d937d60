// SPDX-License-Identifier: Apache-2.0
// The signature is over lines rather than over the JSON, which has no one form.
#include "keys/chain_statement.hpp"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/file.hpp"

namespace spoor::keys {
namespace {

constexpr std::string_view kPurpose = "spoor seal open v1";
constexpr std::size_t kSignatureBytesMax = 256;

using ContextPointer = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

const unsigned char* Pointer(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<std::string> TextToSign(const ChainStatement& statement, std::string_view serial) {
  std::vector<std::string_view> lines{statement.chain_id, statement.first_key_tag,
                                      statement.sensor,   serial,
                                      statement.host,     statement.boot_id};
  if (!statement.interface.empty()) lines.push_back(statement.interface);
  std::string text(kPurpose);
  for (const std::string_view line : lines) {
    if (std::ranges::any_of(line, [](unsigned char c) { return c < 0x20; })) {
      return Fail(ErrorCode::kInvalidArgument, "a name with a control character in it");
    }
    text += '\n';
    text += line;
  }
  return text + '\n';
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

// Empty when it is none.
std::string Bytes(std::string_view hex) {
  std::string bytes;
  const auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() % 2 != 0 || hex.size() > 2 * kSignatureBytesMax) return {};
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (nibble(hex[i]) < 0 || nibble(hex[i + 1]) < 0) return {};
    bytes += static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1]));
  }
  return bytes;
}

bool IsSignedBy(EVP_PKEY* key, std::string_view text, std::string_view signature) {
  const ContextPointer context(EVP_MD_CTX_new());
  const bool good = context != nullptr && !signature.empty() &&
                    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), Pointer(signature), signature.size(),
                                     Pointer(text), text.size()) == 1;
  ERR_clear_error();
  return good;
}

bool IsIssuedBy(X509* certificate, X509* root) {
  const bool good =
      X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(root)) == 0 &&
      X509_verify(certificate, X509_get0_pubkey(root)) == 1;
  ERR_clear_error();
  return good;
}

std::string MemberOf(const nlohmann::json& json, const char* name) {
  return json.contains(name) && json[name].is_string() ? json[name].get<std::string>()
                                                       : std::string{};
}

// Readers that recurse must get along with it, too.
Result<nlohmann::json> ParseShallow(const std::string& text) {
  constexpr int kDepthMax = 16;
  using Event = nlohmann::json::parse_event_t;
  int depth = 0;
  bool deep = false;
  const auto watch = [&](int /*depth*/, Event event, nlohmann::json& /*parsed*/) {
    if (event == Event::object_start || event == Event::array_start) ++depth;
    if (event == Event::object_end || event == Event::array_end) --depth;
    deep = deep || depth > kDepthMax;
    return !deep;
  };
  nlohmann::json json = nlohmann::json::parse(text, watch, false);
  if (deep || !json.is_object()) {
    return Fail(ErrorCode::kUnverified, "the chain's description is no JSON object, or too deep");
  }
  return json;
}

// As JSON can carry it: what is signed must be what is read. Control characters become '?'.
std::string CleanText(const std::string& text) {
  const std::string json =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string clean = nlohmann::json::parse(json, nullptr, false).get<std::string>();
  std::ranges::replace_if(
      clean, [](unsigned char c) { return c < 0x20; }, '?');
  return clean;
}

}  // namespace

std::string ChainIdOf(std::string_view sensor, std::string_view first_key_tag) {
  const std::string text = fmt::format("spoor chain v1\n{}\n{}\n", sensor, first_key_tag);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(Pointer(text), text.size(), digest.data());
  constexpr std::size_t kChainIdBytes = 16;
  return Hex({reinterpret_cast<const char*>(digest.data()), kChainIdBytes});
}

Result<std::string> SignChainStatement(const ChainStatement& statement, X509* certificate,
                                       EVP_PKEY* key) {
  ASSIGN_OR_RETURN(const Identity self, IdentityOf(certificate));
  ChainStatement clean = statement;
  clean.host = CleanText(statement.host);
  clean.interface = CleanText(statement.interface);
  ASSIGN_OR_RETURN(const std::string text, TextToSign(clean, self.serial));
  ASSIGN_OR_RETURN(const std::string pem, FormatCertificate(certificate));
  const ContextPointer context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytesMax, '\0');
  std::size_t size_bytes = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size_bytes,
                     Pointer(text), text.size()) != 1) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL cannot sign: {}", OpenSslReason());
  }
  signature.resize(size_bytes);
  nlohmann::json json{
      {"format", 1},        {"sensor", clean.sensor},     {"certificate_serial", self.serial},
      {"host", clean.host}, {"boot_id", clean.boot_id},   {"first_key_tag", clean.first_key_tag},
      {"certificate", pem}, {"signature", Hex(signature)}};
  if (!clean.interface.empty()) json["interface"] = clean.interface;
  return json.dump();
}

Result<> CheckChainStatement(const std::string& description, const ChainClaim& claim) {
  ASSIGN_OR_RETURN(const nlohmann::json json, ParseShallow(description));
  const ChainStatement statement{.sensor = MemberOf(json, "sensor"),
                                 .host = MemberOf(json, "host"),
                                 .boot_id = MemberOf(json, "boot_id"),
                                 .chain_id = claim.chain_id,
                                 .first_key_tag = MemberOf(json, "first_key_tag"),
                                 .interface = MemberOf(json, "interface")};
  if (statement.sensor != claim.sensor) {
    return Fail(ErrorCode::kUnverified, "the chain was opened in the name of another sensor");
  }
  if (!claim.first_key_tag.empty() && statement.first_key_tag != claim.first_key_tag) {
    return Fail(ErrorCode::kUnverified, "the chain's first key is not the one that was signed");
  }
  const Result<CertificatePointer> certificate =
      ParseCertificate(MemberOf(json, "certificate"), "description");
  const Result<Identity> identity = certificate
                                        ? IdentityOf(certificate->get())
                                        : Result<Identity>(Fail(ErrorCode::kCorrupt, "none"));
  if (!identity || identity->role != Role::kSensor || identity->name != claim.sensor) {
    return Fail(ErrorCode::kUnverified, "the chain has no certificate of the sensor {}",
                claim.sensor);
  }
  const Result<std::string> text = TextToSign(statement, identity->serial);
  if (!text || !IsSignedBy(X509_get0_pubkey(certificate->get()), *text,
                           Bytes(MemberOf(json, "signature")))) {
    return Fail(ErrorCode::kUnverified, "the chain's opening is not signed by {}", claim.sensor);
  }
  if (statement.chain_id != ChainIdOf(statement.sensor, statement.first_key_tag)) {
    return Fail(ErrorCode::kUnverified, "the chain's id is not that of {} and its first key",
                claim.sensor);
  }
  if (claim.root != nullptr && !IsIssuedBy(certificate->get(), claim.root)) {
    return Fail(ErrorCode::kUnverified,
                "the chain's certificate of {} was not issued by this authority", claim.sensor);
  }
  return {};
}

}  // namespace spoor::keys
