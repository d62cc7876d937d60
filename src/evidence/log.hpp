// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "wire/retention.hpp"

/// The append-only, authenticated log. Knows bytes, order and signatures; never what an entry
/// means. Layout on disk (C2SP tlog-tiles, signed notes): docs/formats/evidence.md.
namespace spoor::evidence {

struct Checkpoint;  // checkpoint.hpp

struct LogOptions {
  std::filesystem::path folder;    ///< STORE/evidence
  std::filesystem::path key_file;  ///< Ed25519 private key, PEM, 0600; made on first use
  /// Growing files get the append-only attribute, complete ones the immutable one
  /// (file_attribute.hpp). Open fails where that cannot be: kUnavailable.
  bool append_only_attribute = false;
  /// Name in checkpoints and the verifier key; no two logs that one witness sees may share it.
  /// Empty: an existing log's own, for a new one "spoor.local/log/" and the beginning of its key.
  std::string origin{};
};

/// Appends entries and signs checkpoints. One writer per log: holds a lock on the folder.
/// Not thread-safe.
class LogWriter {
 public:
  virtual ~LogWriter() = default;
  /// Opens or creates. What an earlier writer left behind its last checkpoint (it was killed) is
  /// not authenticated: it is moved to the folder set-aside beside the log, never adopted, never
  /// deleted; set_aside_bytes() says how much. Fails: kUnavailable (another writer, or a private
  /// key that others may read), kNotFound (a log without its private key), kUnverified (signed by
  /// another key, damaged, or rolled back to an older checkpoint), kIo.
  static Result<std::unique_ptr<LogWriter>> Open(const LogOptions& options);

  /// Adds an entry of 1..65535 bytes; returns its index, contiguous from 0. Not durable before the
  /// next Checkpoint. Fails: kInvalidArgument, kIo (closed for writing from then on; what the last
  /// checkpoint covers stays valid).
  virtual Result<std::uint64_t> Append(std::span<const std::byte> entry) = 0;
  /// Makes all entries durable (fsync), then signs and publishes a checkpoint over them
  /// (atomic rename). Only then may an entry be acknowledged.
  /// Does nothing when no entry came since the last one. Fails: kIo, as Append.
  virtual Result<> Checkpoint() = 0;
  /// Checkpoint, then leaves the folder as a finished C2SP static log. Append fails from then on,
  /// and another writer may open the log.
  virtual Result<> Close() = 0;
  /// Leaves without a checkpoint: what was appended since the last one does not count, and the next
  /// writer sets it aside. Append fails from then on, and another writer may open the log.
  virtual void Abandon() = 0;
  virtual std::uint64_t size() const = 0;             ///< entries appended
  virtual std::uint64_t set_aside_bytes() const = 0;  ///< moved away by Open
};

/// Reads entries that the current checkpoint covers. Bounded memory; checks the checkpoint's
/// signature and, entry by entry, the leaf hash against the tiles. Safe beside a live writer.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// `public_key`: C2SP verifier key text. Fails: kNotFound, kUnverified (also: entries are
  /// missing, and no retention entry of the log says that they were removed).
  static Result<std::unique_ptr<LogReader>> Open(const std::filesystem::path& folder,
                                                 const std::string& public_key);
  virtual std::uint64_t size() const = 0;  ///< entries under the checkpoint read at Open
  /// That checkpoint. Lives as long as the reader.
  virtual const struct Checkpoint& checkpoint() const = 0;
  /// Authenticated hash of the perfect subtree over the entries
  /// [index << level, (index + 1) << level): what the proofs of tree.hpp ask for.
  virtual Result<std::array<std::uint8_t, 32>> Node(unsigned level, std::uint64_t index) = 0;
  /// What a policy removed from the beginning, when the beginning is gone. Lives as long as the
  /// reader.
  virtual const std::optional<wire::Retention>& retention() const = 0;
  /// Entries below it are not there any more; 0: all are.
  std::uint64_t removed_until() const { return retention() ? retention()->removed_until_entry : 0; }
  /// The entry that says so, if anything was removed; the entries that carry over stand before it.
  virtual std::uint64_t retention_entry() const = 0;
  /// What of the removed entries those behind need: adds up the kCarried entries. Fails: as
  /// ForEach.
  virtual Result<wire::Carried> ReadCarried() = 0;
  /// That the hash tiles of the removed entries still lead to the root, and that what a removal
  /// that was interrupted left of the entries is what was logged. Fails: kUnverified.
  virtual Result<> CheckRemoved() = 0;

  /// Calls `visit(index, entry)` for first..size()-1, without those removed, in order until it
  /// fails. The bytes live only
  /// during the call. Fails: kUnverified (names the first bad entry or file; or `first` is
  /// above size(), so the log was longer once), or what `visit` returned.
  using Visit = std::function<Result<>(std::uint64_t index, std::span<const std::byte> entry)>;
  virtual Result<> ForEach(std::uint64_t first, const Visit& visit) = 0;
};

}  // namespace spoor::evidence
