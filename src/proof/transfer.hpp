// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "evidence/log.hpp"
#include "proof/transfer_account.hpp"
#include "wire/batch.hpp"

/// Evidence from one store to another: what spoor export and spoor prove wrote, appended to a log.
namespace spoor::proof {

struct TransferOptions {
  std::filesystem::path file;
  std::string public_key;  ///< text; empty: the one in the file is believed
  StoreLayout layout;      ///< the store to append to; its log is made when there is none
};

struct TransferReport {
  std::string origin;               ///< name of the log that they come from
  std::string key_id;               ///< hex
  std::uint64_t entry_count = 0;    ///< in the file
  std::uint64_t added_count = 0;    ///< appended now
  std::uint64_t known_count = 0;    ///< the log had them already
  std::uint64_t account_count = 0;  ///< a log's own accounts (wire::IsAccount): not appended
  /// The log had them, and a policy removed them: they stay removed.
  std::uint64_t removed_count = 0;
  /// Descriptions of recordings whose beginning was removed from the other log, which carried the
  /// descriptions over: appended, too.
  std::uint64_t description_count = 0;
};

/// Verifies the file, then appends its batches as they are, each once, and the account of it: all
/// or nothing. Nothing is appended when the log has them all. Fails: kUnverified (names what is
/// wrong with the file), kUnsupported (they cannot stand behind what the log has), kUnavailable
/// (another writer), kIo.
Result<TransferReport> ImportEvidence(const TransferOptions& options);

/// Proves the accounts of imports in a log. Feed it every entry in order, then Finish.
class TransferAudit {
 public:
  struct Origin {
    std::string name;
    std::string key_id;  ///< hex; the key that the account names, which is a claim
    std::uint64_t checkpoint_size = 0;
    std::uint64_t entry_count = 0;  ///< of this log that were entries of that one
    std::int64_t imported_wall_ns = 0;
  };

  /// Fails: kUnverified (naming the entry).
  Result<> Add(std::uint64_t entry_index, std::span<const std::byte> entry);
  /// `log`: the one whose entries were added. Fails: kUnverified (naming the account that does not
  /// hold), what `log` fails with.
  Result<std::vector<Origin>> Finish(evidence::LogReader& log) const;

 private:
  struct Text {
    std::uint64_t first_entry = 0;
    bool cut = false;  ///< a policy removed its beginning: what it says is not known any more
    std::string text;
  };
  std::map<wire::RecordingId, Text> accounts_;
};

}  // namespace spoor::proof
