// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/note.hpp"

namespace spoor::evidence {

/// A store folder in memory, with a key that is the same in every run, so that inputs found once
/// mean the same again.
struct FuzzLog {
  ScratchFolder scratch{ScratchFolder::MemoryFolder()};
  std::filesystem::path key_file = WriteKey(scratch.path());
  SigningKey key = *SigningKey::Load(key_file);
  VerifierKey verifier = *VerifierKey::Make("fuzz.example/log", key.public_key());

 private:
  /// PKCS #8 of the Ed25519 key whose 32 secret bytes are all 0x42 (RFC 8410).
  static std::filesystem::path WriteKey(const std::filesystem::path& root) {
    const std::string pkcs8 =
        std::string("\x30\x2E\x02\x01\x00\x30\x05\x06\x03\x2B\x65\x70\x04\x22\x04\x20", 16) +
        std::string(32, '\x42');
    const std::string label = "PRIVATE KEY-----\n";
    const std::string pem = "-----BEGIN " + label + ToBase64(pkcs8) + "\n-----END " + label;
    SPOOR_CHECK(WriteFileAtomically(root / "log.pem", AsBytes(pem), 0600).has_value());
    return root / "log.pem";
  }
};

}  // namespace spoor::evidence
