// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

/// The append-only, authenticated log. Knows bytes, order and signatures; never what an entry
/// means. Layout on disk (C2SP tlog-tiles, signed notes): docs/formats/evidence.md.
namespace spoor::evidence {

struct LogOptions {
  std::filesystem::path folder;            ///< STORE/evidence
  std::filesystem::path key_file;          ///< Ed25519 private key, PEM, 0600; made on first use
  std::string origin = "spoor.local/log";  ///< name in checkpoints and the verifier key
};

/// Appends entries and signs checkpoints. One writer per log: holds a lock on the folder.
/// Not thread-safe.
class LogWriter {
 public:
  virtual ~LogWriter() = default;
  /// Opens or creates. What an earlier writer left behind its last checkpoint (it was killed) is
  /// not authenticated: it is moved to `set_aside_folder` beside the log, never adopted, never
  /// deleted; set_aside_bytes() says how much.
  static Result<std::unique_ptr<LogWriter>> Open(const LogOptions& options);

  /// Adds an entry of 1..65535 bytes; returns its index, contiguous from 0. Not durable before the
  /// next Checkpoint. Fails: kInvalidArgument, kIo (closed for writing from then on; what the last
  /// checkpoint covers stays valid).
  virtual Result<std::uint64_t> Append(std::span<const std::byte> entry) = 0;
  /// Makes all entries durable (fsync), then signs and publishes a checkpoint over them
  /// (atomic rename). Only then may an entry be acknowledged.
  virtual Result<> Checkpoint() = 0;
  virtual std::uint64_t size() const = 0;  ///< entries appended
  virtual std::uint64_t set_aside_bytes() const = 0;
};

/// Reads entries that the current checkpoint covers. Bounded memory; checks the checkpoint's
/// signature and, entry by entry, the leaf hash against the tiles. Safe beside a live writer.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// `public_key`: C2SP verifier key text. Fails: kNotFound, kUnverified.
  static Result<std::unique_ptr<LogReader>> Open(const std::filesystem::path& folder,
                                                 const std::string& public_key);
  virtual std::uint64_t size() const = 0;  ///< entries under the checkpoint read at Open
  /// Calls `visit(index, entry)` for first..size()-1 in order until it fails. The bytes live only
  /// during the call. Fails: kUnverified (names the first bad entry), or what `visit` returned.
  virtual Result<> ForEach(
      std::uint64_t first,
      const std::function<Result<>(std::uint64_t, std::span<const std::byte>)>& visit) = 0;
};

}  // namespace spoor::evidence
