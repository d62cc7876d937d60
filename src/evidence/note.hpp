// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct evp_pkey_st;

/// Who signs and what a signed text looks like: C2SP signed notes with Ed25519 keys.
namespace spoor::evidence {

using Signature = std::array<std::uint8_t, 64>;

/// What a key signs; part of its id and of its text, so that neither passes for the other. The
/// values are C2SP's signature types.
enum class KeyUse : std::uint8_t {
  kNote = 0x01,         ///< a note's text: a log
  kCosignature = 0x04,  ///< a checkpoint and a time: a witness (cosignature.hpp)
};

/// The public half: checks signatures. As text `name+hash+base64` (C2SP "vkey").
struct VerifierKey {
  std::string name;
  KeyUse use = KeyUse::kNote;
  std::array<std::uint8_t, 4> key_id{};  ///< derived from name, use and public_key
  std::array<std::uint8_t, 32> public_key{};

  /// Fails: kInvalidArgument (a name that a note cannot carry: empty, white space, control, '+').
  static Result<VerifierKey> Make(std::string name, std::span<const std::uint8_t, 32> public_key,
                                  KeyUse use = KeyUse::kNote);
  /// One line, with or without its newline. Fails: kInvalidArgument (why it is no verifier key for
  /// `use`).
  static Result<VerifierKey> Parse(std::string_view text, KeyUse use = KeyUse::kNote);
  /// Parse of a file. Fails: as ReadTextFile, and kInvalidArgument, naming the file.
  static Result<VerifierKey> Load(const std::filesystem::path& path, KeyUse use);
  std::string Text() const;  ///< without newline
  /// Whether `signature` is this key's over exactly `message`.
  bool Verifies(std::string_view message, std::string_view signature) const;
};

/// An Ed25519 private key. Never printed, never in an error message.
class SigningKey {
 public:
  /// Reads a PEM file. Neither it nor its folder may be a link. Fails: kNotFound; kUnavailable
  /// (group or others may read it); kCorrupt (no unencrypted Ed25519 key).
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

/// One line below a note's text, whose form was checked and nothing else.
struct SignatureLine {
  std::string name;
  std::string bytes;  ///< 4 bytes of key id and what the key made

  bool IsBy(const VerifierKey& key) const;
};
std::string FormatSignatureLine(const VerifierKey& key, std::string_view signature);

struct ParsedNote {
  std::string text;  ///< what is signed, final newline included
  std::vector<SignatureLine> signatures;
};

/// Every byte counts: white space, order and base64 have one spelling. At most 1 MiB and 100
/// signatures. Fails: kUnverified, saying what is wrong.
Result<ParsedNote> ParseNote(std::string_view note);

/// `text` (ends with a newline) and below it, after an empty line, the signature line.
std::string SignNote(std::string_view text, const VerifierKey& verifier, const SigningKey& key);

struct OpenedNote {
  std::string text;           ///< what is signed, final newline included
  unsigned other_signatures;  ///< signature lines by other keys (witnesses), not checked here
};

/// A note's text if `key` signed it. Fails: kUnverified, saying what is wrong.
Result<OpenedNote> OpenNote(std::string_view note, const VerifierKey& key);

}  // namespace spoor::evidence
