// SPDX-License-Identifier: Apache-2.0
#include "evidence/note.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/inside.hpp"
#include "evidence/hash.hpp"

namespace spoor::evidence {
namespace {

constexpr std::uint64_t kKeyFileBytesMax = 1 << 16;
constexpr std::uint64_t kVerifierKeyBytesMax = 4096;
constexpr std::size_t kNoteBytesMax = 1 << 20;
constexpr std::size_t kSignaturesMax = 100;
constexpr std::size_t kKeyIdBytes = sizeof(VerifierKey::key_id);
constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // U+2014 and a space

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

/// Names are kept to visible ASCII, which leaves no look-alikes.
bool IsKeyName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '+';
  });
}

/// Key files stand in a folder of their own: STORE/key/log.pem.
std::filesystem::path StoreOf(const std::filesystem::path& key_file) {
  return key_file.parent_path().parent_path();
}

/// Of mode 0700, also where the store is shared with a group.
Result<> MakeKeyFolder(const std::filesystem::path& root, const std::filesystem::path& folder) {
  if (ExistsInside(root, folder)) return {};
  RETURN_IF_ERROR(CreateFoldersInside(root, folder));
  ASSIGN_OR_RETURN(const FileDescriptor made, OpenInside(root, folder, O_RDONLY | O_DIRECTORY));
  if (::fchmod(made.get(), 0700) == 0) return {};
  return FailErrno(errno, "{}: cannot set its mode", folder.string());
}

/// Refuses to ask for a passphrase on the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

}  // namespace

Result<VerifierKey> VerifierKey::Make(std::string name,
                                      std::span<const std::uint8_t, 32> public_key, KeyUse use) {
  if (!IsKeyName(name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "key name of {} bytes: must be 1 to 255 visible ASCII characters without '+'",
                name.size());
  }
  VerifierKey key;
  key.name = std::move(name);
  key.use = use;
  std::copy(public_key.begin(), public_key.end(), key.public_key.begin());
  std::string input = key.name + '\n' + static_cast<char>(use);
  input.append(key.public_key.begin(), key.public_key.end());
  const Hash hash = TreeHasher().Plain(AsBytes(input));
  std::copy_n(hash.begin(), key.key_id.size(), key.key_id.begin());
  return key;
}

Result<VerifierKey> VerifierKey::Parse(std::string_view text, KeyUse use) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto bad = [](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument, "not a verifier key (name+hash+base64): {}", why);
  };
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return bad("no two '+'");
  const std::optional<std::string> encoded = FromBase64(text.substr(second + 1));
  if (!encoded) return bad("the key is not canonical base64");
  if (encoded->size() != 33) return bad("the key is not Ed25519");
  if (encoded->front() != static_cast<char>(use)) {
    return bad(use == KeyUse::kNote ? "it is not a log's (signature type 1)"
                                    : "it is not a witness's (signature type 4)");
  }
  if (!IsKeyName(text.substr(0, first))) return bad("the name is not visible ASCII");
  std::array<std::uint8_t, 32> public_key{};
  std::copy(encoded->begin() + 1, encoded->end(), public_key.begin());
  ASSIGN_OR_RETURN(const VerifierKey key,
                   Make(std::string(text.substr(0, first)), public_key, use));
  if (EncodeHex(key.key_id) != text.substr(first + 1, second - first - 1)) {
    return bad("its hash does not belong to its name and key");
  }
  return key;
}

Result<VerifierKey> VerifierKey::Load(const std::filesystem::path& path, KeyUse use) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kVerifierKeyBytesMax));
  Result<VerifierKey> key = Parse(text, use);
  if (!key) return Fail(key.error().code, "{}: {}", path.string(), key.error().message);
  return key;
}

std::string VerifierKey::Text() const {
  std::string encoded(1, static_cast<char>(use));
  encoded.append(TextOf(public_key));
  return fmt::format("{}+{}+{}", name, EncodeHex(key_id), ToBase64(encoded));
}

bool VerifierKey::Verifies(std::string_view message, std::string_view signature) const {
  EVP_PKEY* key =
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size());
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good =
      key != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return good;
}

void SigningKey::FreeKey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

Result<SigningKey> SigningKey::Load(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(StoreOf(path), path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  if ((status.st_mode & 077) != 0) {
    return Fail(ErrorCode::kUnavailable,
                "{}: private key is open to others (mode {:04o}): chmod 600 it if nobody read it, "
                "else start a new log",
                path.string(), status.st_mode & 07777U);
  }
  ASSIGN_OR_RETURN(std::vector<std::byte> pem, ReadAll(file.get(), path, kKeyFileBytesMax));
  const BioPointer bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  SPOOR_CHECK(bio != nullptr) << "out of memory";
  SigningKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  OPENSSL_cleanse(pem.data(), pem.size());
  if (key.key_ == nullptr || EVP_PKEY_get_id(key.key_.get()) != EVP_PKEY_ED25519) {
    return Fail(ErrorCode::kCorrupt, "{}: no unencrypted Ed25519 private key in PEM",
                path.string());
  }
  return key;
}

Result<SigningKey> SigningKey::Create(const std::filesystem::path& path) {
  SigningKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const BioPointer bio(BIO_new(BIO_s_mem()));
  if (key.key_ == nullptr || bio == nullptr ||
      PEM_write_bio_PrivateKey(bio.get(), key.key_.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Fail(ErrorCode::kUnavailable, "{}: OpenSSL cannot make an Ed25519 key", path.string());
  }
  const std::filesystem::path root = StoreOf(path);
  RETURN_IF_ERROR(CreateFolders(root));
  RETURN_IF_ERROR(MakeKeyFolder(root, path.parent_path()));
  char* pem = nullptr;
  const long size_bytes = BIO_get_mem_data(bio.get(), &pem);
  const Result<> written = WriteFileAtomicallyInside(
      root, path, AsBytes(std::string_view(pem, static_cast<std::size_t>(size_bytes))),
      Readers::kOwner);
  OPENSSL_cleanse(pem, static_cast<std::size_t>(size_bytes));
  RETURN_IF_ERROR(written);
  return key;
}

std::array<std::uint8_t, 32> SigningKey::public_key() const {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size_bytes = bytes.size();
  SPOOR_CHECK(EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size_bytes) == 1)
      << "Ed25519 key without a public half";
  return bytes;
}

Signature SigningKey::Sign(std::string_view text) const {
  Signature signature{};
  std::size_t size_bytes = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool done =
      context != nullptr &&
      EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context, signature.data(), &size_bytes,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  EVP_MD_CTX_free(context);
  SPOOR_CHECK(done && size_bytes == signature.size()) << "Ed25519 signing failed in OpenSSL";
  return signature;
}

bool SignatureLine::IsBy(const VerifierKey& key) const {
  return name == key.name && bytes.starts_with(TextOf(key.key_id));
}

std::string FormatSignatureLine(const VerifierKey& key, std::string_view signature) {
  std::string bytes(TextOf(key.key_id));
  bytes.append(signature);
  return fmt::format("{}{} {}\n", kSignaturePrefix, key.name, ToBase64(bytes));
}

std::string SignNote(std::string_view text, const VerifierKey& verifier, const SigningKey& key) {
  SPOOR_CHECK(text.ends_with('\n')) << "a note ends with a newline";
  return fmt::format("{}\n{}", text, FormatSignatureLine(verifier, TextOf(key.Sign(text))));
}

Result<ParsedNote> ParseNote(std::string_view note) {
  const auto bad = [](std::string_view why) {
    return Fail(ErrorCode::kUnverified, "not a signed note: {}", why);
  };
  if (note.size() > kNoteBytesMax) return bad("larger than 1 MiB");
  const std::size_t split = note.rfind("\n\n");
  if (split == note.npos) return bad("no empty line before signatures");
  if (!note.ends_with('\n')) return bad("does not end with a newline");
  ParsedNote parsed;
  parsed.text = note.substr(0, split + 1);
  std::string_view lines = note.substr(split + 2);
  while (!lines.empty()) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    if (parsed.signatures.size() == kSignaturesMax) return bad("too many signatures");
    if (!line.starts_with(kSignaturePrefix))
      return bad("a signature line does not begin with a dash");
    line.remove_prefix(kSignaturePrefix.size());
    const std::size_t space = line.find(' ');
    if (space == line.npos) return bad("a signature line without name or signature");
    if (!IsKeyName(line.substr(0, space))) return bad("a signature line without a proper name");
    std::optional<std::string> bytes = FromBase64(line.substr(space + 1));
    if (!bytes) return bad("a signature is not canonical base64");
    if (bytes->size() <= kKeyIdBytes) return bad("a signature is too short");
    parsed.signatures.push_back({std::string(line.substr(0, space)), *std::move(bytes)});
  }
  return parsed;
}

Result<OpenedNote> OpenNote(std::string_view note, const VerifierKey& key) {
  ASSIGN_OR_RETURN(ParsedNote parsed, ParseNote(note));
  OpenedNote opened{std::move(parsed.text), 0};
  bool signed_by_key = false;
  for (const SignatureLine& line : parsed.signatures) {
    if (!line.IsBy(key)) {
      ++opened.other_signatures;
      continue;
    }
    if (!key.Verifies(opened.text, std::string_view(line.bytes).substr(kKeyIdBytes))) {
      return Fail(ErrorCode::kUnverified, "the signature of {} does not fit the text", key.name);
    }
    if (signed_by_key) {
      return Fail(ErrorCode::kUnverified, "not a signed note: signed twice by the same key");
    }
    signed_by_key = true;
  }
  if (!signed_by_key) {
    return Fail(ErrorCode::kUnverified, "not signed by {} (key {})", key.name,
                EncodeHex(key.key_id));
  }
  return opened;
}

}  // namespace spoor::evidence
