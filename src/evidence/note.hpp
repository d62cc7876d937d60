// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct evp_pkey_st;

/// Who signs and what a signed text looks like: C2SP signed notes with Ed25519 keys.
namespace spoor::evidence {

using Signature = std::array<std::uint8_t, 64>;

/// The public half: checks signatures. As text `name+hash+base64` (C2SP "vkey").
struct VerifierKey {
  std::string name;
  std::array<std::uint8_t, 4> key_id{};  ///< derived from name and public_key
  std::array<std::uint8_t, 32> public_key{};

  /// Fails: kInvalidArgument (a name that a note cannot carry: empty, white space, control, '+').
  static Result<VerifierKey> Make(std::string name, std::span<const std::uint8_t, 32> public_key);
  /// One line, with or without its newline. Fails: kInvalidArgument (why it is no verifier key).
  static Result<VerifierKey> Parse(std::string_view text);
  std::string Text() const;  ///< without newline
};

/// An Ed25519 private key. Never printed, never in an error message.
class SigningKey {
 public:
  /// Reads a PEM file. Fails: kNotFound; kUnavailable (group or others may read it); kCorrupt (no
  /// unencrypted Ed25519 key).
  static Result<SigningKey> Load(const std::filesystem::path& path);
  /// Makes a new key and stores it with mode 0600, all or nothing, in a folder of mode 0700 made
  /// for it when missing.
  static Result<SigningKey> Create(const std::filesystem::path& path);

  std::array<std::uint8_t, 32> public_key() const;
  Signature Sign(std::string_view text) const;

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  explicit SigningKey(evp_pkey_st* key) : key_(key) {}
  std::unique_ptr<evp_pkey_st, FreeKey> key_;
};

/// `text` (ends with a newline) and below it, after an empty line, the signature line.
std::string SignNote(std::string_view text, const VerifierKey& verifier, const SigningKey& key);

struct OpenedNote {
  std::string text;           ///< what is signed, final newline included
  unsigned other_signatures;  ///< signature lines by other keys (witnesses), not checked here
};

/// A note's text if `key` signed it. Every byte counts: white space, order and base64 have one
/// spelling. Fails: kUnverified, saying what is wrong.
Result<OpenedNote> OpenNote(std::string_view note, const VerifierKey& key);

}  // namespace spoor::evidence
