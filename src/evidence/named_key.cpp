// SPDX-License-Identifier: Apache-2.0
#include "evidence/named_key.hpp"

#include "base/inside.hpp"
#include "evidence/hash.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kVerifierKeyBytesMax = 4096;
/// Of the public key in a name made from it: enough that no two keys share it.
constexpr std::size_t kNameKeyBytes = 8;

fs::path VerifierFile(fs::path key_file) {
  return key_file.replace_extension(".vkey");
}

Result<SigningKey> LoadOrCreate(const NamedKey::Options& options) {
  Result<SigningKey> key = SigningKey::Load(options.key_file);
  if (key || key.error().code != ErrorCode::kNotFound) return key;
  if (!options.may_create) {
    return Fail(ErrorCode::kNotFound, "{}: private key is missing", options.key_file.string());
  }
  return SigningKey::Create(options.key_file);
}

Result<std::string> NameOf(const NamedKey::Options& options, const SigningKey& key) {
  if (!options.name.empty()) return options.name;
  const Result<VerifierKey> kept = VerifierKey::Load(VerifierFile(options.key_file), options.use);
  if (kept) return kept->name;
  if (kept.error().code == ErrorCode::kInvalidArgument) {
    return Fail(ErrorCode::kUnverified, "{}", kept.error().message);
  }
  if (kept.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(kept.error());
  const std::array<std::uint8_t, 32> public_key = key.public_key();
  return options.new_name_prefix + EncodeHex(std::span(public_key).first(kNameKeyBytes));
}

Result<> CheckOrWriteVerifier(const fs::path& key_file, const VerifierKey& verifier) {
  const fs::path path = VerifierFile(key_file);
  const fs::path root = path.parent_path().parent_path();
  const Result<std::string> text = ReadTextFileInside(root, path, kVerifierKeyBytesMax);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return WriteFileAtomicallyInside(root, path, AsBytes(verifier.Text() + "\n"));
  }
  RETURN_IF_ERROR(text);
  if (*text == verifier.Text() + "\n") return {};
  return Fail(ErrorCode::kUnverified, "{}: does not belong to the private key {} under the name {}",
              path.string(), key_file.string(), verifier.name);
}

}  // namespace

Result<NamedKey> NamedKey::Open(const Options& options) {
  ASSIGN_OR_RETURN(SigningKey key, LoadOrCreate(options));
  ASSIGN_OR_RETURN(std::string name, NameOf(options, key));
  ASSIGN_OR_RETURN(VerifierKey verifier,
                   VerifierKey::Make(std::move(name), key.public_key(), options.use));
  RETURN_IF_ERROR(CheckOrWriteVerifier(options.key_file, verifier));
  return NamedKey{std::move(key), std::move(verifier)};
}

Result<std::string> ReadPublicKey(const StoreLayout& layout) {
  return ReadTextFileInside(layout.root, layout.public_key(), kVerifierKeyBytesMax);
}

}  // namespace spoor::evidence
