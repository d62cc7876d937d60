// SPDX-License-Identifier: Apache-2.0
// The file is read twice: once to prove it, before anything is touched; then entry by entry into
// the log, under the log's lock and one checkpoint, so that all of it counts or none.
#include "proof/transfer.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/file.hpp"
#include "base/time.hpp"
#include "evidence/named_key.hpp"
#include "proof/archive.hpp"
#include "proof/verify_bundle.hpp"
#include "wire/batch_chain.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/removed_beginning.hpp"

namespace spoor::proof {
namespace {

/// Of the account's text in one batch: what is left of a batch's 64 KiB if it would not compress.
constexpr std::size_t kTextPerBatchMax = 60'000;

/// What the log has of the recordings that the file brings.
struct Known {
  wire::BatchChain chain;
  std::map<wire::Sha256, std::uint64_t> entries;  ///< by the digest of the batch
  /// Leaf hashes of the entries that a policy removed, with their numbers, by hash.
  std::vector<std::pair<evidence::Hash, std::uint64_t>> removed;
};

class Importer {
 public:
  Importer(const TransferOptions& options, const ArchiveReader& archive, BundleHead head)
      : options_(options), archive_(archive), head_(std::move(head)) {}

  Result<TransferReport> Run() {
    RETURN_IF_ERROR(ProveFile());
    ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogWriter> log,
                     evidence::LogWriter::Open({.folder = options_.layout.evidence(),
                                                .key_file = options_.layout.private_key()}));
    const Result<> appended = AppendAll(*log);
    if (!appended || report_.added_count == 0) {
      log->Abandon();
      RETURN_IF_ERROR(appended);
      return report_;
    }
    RETURN_IF_ERROR(log->Close());
    return report_;
  }

 private:
  Result<> ProveFile() {
    report_.origin = head_.key.name;
    report_.key_id = evidence::EncodeHex(head_.key.key_id);
    ASSIGN_OR_RETURN(
        const evidence::ExcerptReport read,
        Read({.range = {}, .entry = [&](std::uint64_t index, std::span<const std::byte> entry) {
                return Look(index, entry);
              }}));
    report_.entry_count = read.entry_count;
    account_ = {.key = head_.key.Text(),
                .checkpoint = read.checkpoint.note,
                .imported_wall_ns = WallNow(),
                .ranges = {}};
    return {};
  }

  Result<evidence::ExcerptReport> Read(const evidence::ExcerptVisitor& visitor) const {
    ASSIGN_OR_RETURN(const evidence::ByteSource source, archive_.Stream(kExcerptName));
    Result<evidence::ExcerptReport> read = evidence::ReadExcerpt(source, head_.key, visitor);
    if (read) return read;
    return Fail(read.error().code, "{}: {}", archive_.path().string(), read.error().message);
  }

  Result<> Look(std::uint64_t index, std::span<const std::byte> entry) {
    const Result<wire::Batch> batch = wire::DecodeBatch(entry);
    if (batch) {
      RETURN_IF_ERROR(beginning_.Add(index, entry));
      if (wire::IsOfRecording(batch->kind)) recordings_.insert(batch->recording_id);
      return {};
    }
    const bool newer = batch.error().code == ErrorCode::kUnsupported;
    return Fail(newer ? ErrorCode::kUnsupported : ErrorCode::kUnverified, "entry {}: {}", index,
                batch.error().message);
  }

  Result<> AppendAll(evidence::LogWriter& log) {
    RETURN_IF_ERROR(ReadKnown());
    RETURN_IF_ERROR(
        Read({.range = [&](evidence::EntryRange range,
                           std::span<const evidence::Hash> proof) -> Result<> {
                account_.ranges.push_back({range, {proof.begin(), proof.end()}, {}});
                return {};
              },
              .entry = [&](std::uint64_t index,
                           std::span<const std::byte> entry) { return Take(log, index, entry); }}));
    return report_.added_count == 0 ? Result<>() : AppendAccount(log);
  }

  Result<> ReadKnown() {
    ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(options_.layout));
    ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                     evidence::LogReader::Open(options_.layout.evidence(), key));
    RETURN_IF_ERROR(ReadRemoved(*log));
    return log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
      RETURN_IF_ERROR(known_.chain.Add(index, entry));
      ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
      if (recordings_.contains(batch.recording_id)) {
        known_.entries.emplace(wire::DigestOf(entry), index);
      }
      return {};
    });
  }

  /// The hashes of what is gone are there, and how its recordings stood.
  Result<> ReadRemoved(evidence::LogReader& log) {
    ASSIGN_OR_RETURN(const wire::Carried carried, log.ReadCarried());
    for (const wire::CarriedRecording& recording : carried.recordings) {
      known_.chain.Continue(recording.recording_id, recording.extent, recording.last_sha256);
    }
    known_.removed.reserve(log.removed_until());
    for (std::uint64_t index = 0; index < log.removed_until(); ++index) {
      ASSIGN_OR_RETURN(const evidence::Hash leaf, log.Node(0, index));
      known_.removed.emplace_back(leaf, index);
    }
    std::sort(known_.removed.begin(), known_.removed.end());
    return {};
  }

  std::optional<std::uint64_t> FindRemoved(std::span<const std::byte> entry) {
    if (known_.removed.empty()) return std::nullopt;
    const std::pair wanted{hasher_.Leaf(entry), std::uint64_t{0}};
    const auto found = std::lower_bound(known_.removed.begin(), known_.removed.end(), wanted);
    if (found == known_.removed.end() || found->first != wanted.first) return std::nullopt;
    return found->second;
  }

  /// Before the first batch of a recording of which the other log had removed the beginning: the
  /// description that it carried over, without which the rest says nothing.
  Result<> TakeDescription(evidence::LogWriter& log, std::span<const std::byte> entry) {
    const std::optional<wire::Batch> batch = wire::PeekBatch(entry);
    if (!beginning_.found() || !batch || batch->batch_index == 0 ||
        known_.chain.recordings().contains(batch->recording_id)) {
      return {};
    }
    for (const wire::CarriedRecording& before : beginning_.found()->carried.recordings) {
      if (before.recording_id != batch->recording_id || before.first_batch.empty()) continue;
      const Result<wire::Batch> first = wire::DecodeBatch(before.first_batch);
      if (!first || first->recording_id != batch->recording_id) continue;
      RETURN_IF_ERROR(known_.chain.Add(log.size(), before.first_batch));
      RETURN_IF_ERROR(log.Append(before.first_batch));
      ++report_.description_count;
      return {};
    }
    return {};
  }

  Result<> Take(evidence::LogWriter& log, std::uint64_t index, std::span<const std::byte> entry) {
    const std::optional<wire::BatchKind> kind = wire::PeekKind(entry);
    if (kind && !wire::IsOfRecording(*kind)) {
      ++report_.account_count;
      AddRun(index, std::nullopt, entry);
      return {};
    }
    const auto known = known_.entries.find(wire::DigestOf(entry));
    if (known != known_.entries.end()) {
      ++report_.known_count;
      AddRun(index, known->second, entry);
      return {};
    }
    if (const std::optional<std::uint64_t> removed = FindRemoved(entry)) {
      ++report_.removed_count;
      AddRun(index, removed, entry);
      return {};
    }
    RETURN_IF_ERROR(TakeDescription(log, entry));
    if (const Result<> follows = known_.chain.Add(log.size(), entry); !follows) {
      return Fail(ErrorCode::kUnsupported,
                  "{}: entry {} cannot stand behind what this log has of its recording ({}); "
                  "import the parts of a recording in order, or all at once into another store",
                  archive_.path().string(), index, follows.error().message);
    }
    ASSIGN_OR_RETURN(const std::uint64_t here, log.Append(entry));
    ++report_.added_count;
    AddRun(index, here, entry);
    return {};
  }

  /// `here`: nothing when the entry is not brought.
  void AddRun(std::uint64_t origin, std::optional<std::uint64_t> here,
              std::span<const std::byte> entry) {
    std::vector<TransferRun>& runs = account_.ranges.back().runs;
    const bool goes_on = !runs.empty() && runs.back().leaves.empty() == here.has_value() &&
                         (!here || runs.back().here_first + runs.back().count == *here);
    if (!goes_on) {
      runs.push_back(
          {.origin_first = origin, .here_first = here.value_or(0), .count = 0, .leaves = {}});
    }
    ++runs.back().count;
    if (!here) runs.back().leaves.push_back(hasher_.Leaf(entry));
  }

  Result<> AppendAccount(evidence::LogWriter& log) const {
    wire::BatchSealer sealer(wire::MakeRecordingId(),
                             [&](const wire::DigestedBytes& batch) -> Result<> {
                               RETURN_IF_ERROR(log.Append(batch.bytes));
                               return {};
                             });
    const std::string text = TransferText(account_);
    std::string_view rest = text;
    while (!rest.empty()) {
      std::size_t size_bytes = std::min(rest.size(), kTextPerBatchMax);
      if (size_bytes < rest.size()) size_bytes = rest.rfind('\n', size_bytes - 1) + 1;
      const std::uint64_t boot_ns = BootNow();
      RETURN_IF_ERROR(sealer.Seal(
          wire::BatchKind::kTransferred, AsBytes(rest.substr(0, size_bytes)),
          {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns}));
      rest.remove_prefix(size_bytes);
    }
    return {};
  }

  const TransferOptions& options_;
  const ArchiveReader& archive_;
  const BundleHead head_;
  TransferReport report_;
  std::set<wire::RecordingId> recordings_;
  Known known_;
  wire::RemovedBeginningFinder beginning_;  // of the other log
  TransferAccount account_;
  evidence::TreeHasher hasher_;
};

/// The leaf hashes of a range, one after the other: of the entries here, or those the account has.
class LeavesOfRange {
 public:
  LeavesOfRange(const TransferRange& range, evidence::LogReader& log)
      : range_(range), log_(log), next_origin_(range.range.begin) {}

  Result<evidence::Hash> Next() {
    if (run_ == range_.runs.size()) return Bad();
    const TransferRun& run = range_.runs[run_];
    if (in_run_ == 0 && run.origin_first != next_origin_) return Bad();
    const std::uint64_t at = in_run_++;
    ++next_origin_;
    if (in_run_ == run.count) {
      ++run_;
      in_run_ = 0;
    }
    if (!run.leaves.empty()) return run.leaves[at];
    ++here_count_;
    if (at >= run.count || run.here_first + at >= log_.size()) return Bad();
    return log_.Node(0, run.here_first + at);
  }
  std::uint64_t here_count() const { return here_count_; }

 private:
  static tl::unexpected<Error> Bad() {
    return Fail(ErrorCode::kUnverified, "its runs are not its range");
  }
  const TransferRange& range_;
  evidence::LogReader& log_;
  std::size_t run_ = 0;
  std::uint64_t in_run_ = 0;
  std::uint64_t next_origin_;
  std::uint64_t here_count_ = 0;
};

Result<TransferAudit::Origin> ProveAccount(const TransferAccount& account,
                                           evidence::LogReader& log) {
  const auto key = evidence::VerifierKey::Parse(account.key);
  if (!key) return Fail(ErrorCode::kUnverified, "{}", key.error().message);
  ASSIGN_OR_RETURN(const evidence::Checkpoint checkpoint,
                   evidence::OpenCheckpoint(account.checkpoint, *key));
  TransferAudit::Origin origin{.name = key->name,
                               .key_id = evidence::EncodeHex(key->key_id),
                               .checkpoint_size = checkpoint.size,
                               .entry_count = 0,
                               .imported_wall_ns = account.imported_wall_ns};
  for (const TransferRange& range : account.ranges) {
    LeavesOfRange leaves(range, log);
    ASSIGN_OR_RETURN(const evidence::Hash root,
                     evidence::RootOfRange(range.range, checkpoint.size, range.proof,
                                           [&] { return leaves.Next(); }));
    if (root != checkpoint.root) {
      return Fail(ErrorCode::kUnverified, "entries {} to {} were not those of {}",
                  range.range.begin, range.range.end - 1, key->name);
    }
    origin.entry_count += leaves.here_count();
  }
  return origin;
}

}  // namespace

Result<TransferReport> ImportEvidence(const TransferOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveReader> archive, ArchiveReader::Open(options.file));
  ASSIGN_OR_RETURN(BundleHead head, ReadHead(*archive, options.public_key));
  return Importer(options, *archive, std::move(head)).Run();
}

Result<> TransferAudit::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  if (wire::PeekKind(entry) != wire::BatchKind::kTransferred) return {};
  const Result<wire::Batch> batch = wire::DecodeBatch(entry);
  if (!batch) {
    return Fail(ErrorCode::kUnverified, "entry {}: {}", entry_index, batch.error().message);
  }
  Text& account = accounts_[batch->recording_id];
  if (account.text.empty()) {
    account.first_entry = entry_index;
    account.cut = batch->batch_index > 0;  // that nothing else is missing the batch chain says
  }
  account.text += AsText(batch->payload);
  return {};
}

Result<std::vector<TransferAudit::Origin>> TransferAudit::Finish(evidence::LogReader& log) const {
  std::vector<Origin> origins;
  for (const auto& [id, text] : accounts_) {
    if (text.cut) continue;
    const std::uint64_t first_entry = text.first_entry;
    const auto blame = [first_entry](const Error& error) {
      const bool ours = error.code == ErrorCode::kIo;
      return Fail(ours ? error.code : ErrorCode::kUnverified, "entry {}: account of an import: {}",
                  first_entry, error.message);
    };
    const Result<TransferAccount> account = ParseTransfer(text.text);
    if (!account) return blame(account.error());
    Result<Origin> origin = ProveAccount(*account, log);
    if (!origin) return blame(origin.error());
    origins.push_back(std::move(*origin));
  }
  return origins;
}

}  // namespace spoor::proof
