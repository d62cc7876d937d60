// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "evidence/note.hpp"

namespace spoor::evidence {

/// A signing key and the name it signs under, as a log or a witness keeps them: a PEM file and,
/// beside it, the verifier key with the ending .vkey.
struct NamedKey {
  SigningKey key;
  VerifierKey verifier;

  struct Options {
    std::filesystem::path key_file;
    KeyUse use = KeyUse::kNote;
    /// Empty: the one in the .vkey file; for a new key `new_name_prefix` and the beginning of it.
    std::string name;
    std::string new_name_prefix;
    bool may_create = true;  ///< false: a missing key is an error
  };
  /// Fails: kNotFound (no key, and none may be made), as SigningKey::Load and Create; kUnverified
  /// (the .vkey file belongs to another key or name); kInvalidArgument (no such name can be).
  static Result<NamedKey> Open(const Options& options);
};

/// The verifier key of the log in the store `layout`, as text: its key/log.vkey. Fails: kNotFound,
/// kCorrupt (a link, or too large), kIo.
Result<std::string> ReadPublicKey(const StoreLayout& layout);

}  // namespace spoor::evidence
