// SPDX-License-Identifier: Apache-2.0
// spoor verify: proves a store's evidence, or names the first thing that is wrong with it. Bundles
// (spoor prove, spoor export) are verified by verify_bundle.cpp.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/store_layout.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "collector/canary_audit.hpp"
#include "collector/seal_audit.hpp"
#include "evidence/named_key.hpp"
#include "evidence/verify.hpp"
#include "keys/certificate.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "programs/verify_bundle.hpp"
#include "programs/verify_completeness.hpp"
#include "programs/verify_recordings.hpp"
#include "programs/verify_segments.hpp"
#include "programs/verify_witnesses.hpp"
#include "proof/transfer.hpp"
#include "wire/batch_chain.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::programs {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKeyBytesMax = 4096;

struct VerifyCommand {
  std::string store;
  std::string bundle;
  std::string key_file;
  std::string escrow_file;
  OutsideViews outside;
  QuestionLimits limits{};
  std::string authority_file;
  bool json = false;
  bool quiet = false;
  bool skip_segments = false;
};

/// All that the statement says.
struct Proof {
  Proof(keys::KeyPointer escrow_private, keys::CertificatePointer authority_root)
      : escrow(std::move(escrow_private)),
        authority(std::move(authority_root)),
        seals(escrow.get(), authority.get()),
        canaries(escrow.get()) {}
  evidence::VerifyReport log;
  evidence::VerifierKey key;
  wire::BatchChain recordings;
  keys::KeyPointer escrow;             ///< null: seals are not checked against their keys
  keys::CertificatePointer authority;  ///< null: sensors' certificates are not checked
  collector::SealAudit seals;
  collector::Completeness completeness;
  collector::CanaryAudit canaries;
  bool has_loss() const { return completeness.has_loss() || canaries.report().has_loss(); }
  proof::TransferAudit transfers;
  std::vector<proof::TransferAudit::Origin> origins;
  std::uint64_t set_aside_bytes = 0;
  bool skipped_segments = false;
  std::optional<ingest::DerivationReport> segments;  ///< nothing: none there, or skipped
  OutsideReport outside;
};

/// The key of --key: the only one that is looked at then.
Result<std::string> ReadGivenKey(const fs::path& path) {
  Result<std::string> text = ReadTextFile(path, kKeyBytesMax);
  if (!text && text.error().code == ErrorCode::kCorrupt) {  // longer than any key
    return Fail(ErrorCode::kInvalidArgument, "--key {}", text.error().message);
  }
  if (!text) return text;
  const Result<evidence::VerifierKey> key = evidence::VerifierKey::Parse(*text);
  if (!key) {
    return Fail(ErrorCode::kInvalidArgument, "--key {}: {}", path.string(), key.error().message);
  }
  return text;
}

/// The store's own. Nothing is known to be wrong with the evidence when it cannot be used: the
/// evidence cannot be judged by it.
Result<std::string> ReadOwnKey(const StoreLayout& layout) {
  const auto unusable = [&](std::string_view why) {
    return Fail(ErrorCode::kUnavailable,
                "{}: the store cannot be judged by its own key (--key names a copy of it)", why);
  };
  Result<std::string> text = evidence::ReadPublicKey(layout);
  if (!text) return unusable(text.error().message);
  const Result<evidence::VerifierKey> key = evidence::VerifierKey::Parse(*text);
  if (!key) {
    return unusable(fmt::format("{}: {}", layout.public_key().string(), key.error().message));
  }
  return text;
}

/// The verifier key, from --key or from the store itself.
Result<std::string> ReadVerifierKey(const VerifyCommand& command, const StoreLayout& layout) {
  return command.key_file.empty() ? ReadOwnKey(layout) : ReadGivenKey(command.key_file);
}

/// Tells how far it is, on a terminal, at most ten times a second.
class Progress {
 public:
  Progress() : on_(ErrorIsTerminal()) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) ShowProgress("");
  }
  void Show(std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!on_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    shown_ = true;
    ShowProgress(fmt::format("verifying entry {} of {}", done, total));
  }

 private:
  bool on_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

std::uint64_t BytesBelow(const fs::path& folder) {
  std::uint64_t size_bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator item(folder, error), end; !error && item != end;
       item.increment(error)) {
    if (item->is_regular_file(error)) size_bytes += item->file_size(error);
  }
  return size_bytes;
}

Result<Proof> Prove(const VerifyCommand& command, const StoreLayout& layout) {
  ASSIGN_OR_RETURN(const bool evidence_is_there, Exists(layout.evidence()));
  ASSIGN_OR_RETURN(const bool keys_are_there, Exists(layout.private_key().parent_path()));
  if (!evidence_is_there && !keys_are_there) {
    return Fail(ErrorCode::kNotFound, "{}: no store there", layout.root.string());
  }
  if (!evidence_is_there) {
    return Fail(ErrorCode::kUnverified, "{}: missing", layout.evidence().string());
  }
  keys::KeyPointer escrow;
  if (!command.escrow_file.empty()) {
    ASSIGN_OR_RETURN(escrow, keys::LoadPrivateKey(command.escrow_file));
  }
  keys::CertificatePointer authority;
  if (!command.authority_file.empty()) {
    ASSIGN_OR_RETURN(authority, keys::LoadCertificate(command.authority_file));
  }
  Proof proof(std::move(escrow), std::move(authority));
  ASSIGN_OR_RETURN(const std::string public_key, ReadVerifierKey(command, layout));
  ASSIGN_OR_RETURN(proof.key, evidence::VerifierKey::Parse(public_key));
  {
    Progress progress;
    ASSIGN_OR_RETURN(
        proof.log,
        evidence::VerifyLog(
            {.folder = layout.evidence(),
             .public_key = public_key,
             .progress = [&](std::uint64_t done,
                             std::uint64_t total) { progress.Show(done, total); },
             .carried = [&](const wire::Carried& carried, std::uint64_t removed) -> Result<> {
               for (const wire::CarriedRecording& recording : carried.recordings) {
                 proof.recordings.Continue(recording.recording_id, recording.extent,
                                           recording.last_sha256);
               }
               proof.completeness.Continue(carried);
               proof.canaries.Continue(carried);
               return proof.seals.Continue(carried, removed);
             },
             .visit = [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
               RETURN_IF_ERROR(proof.recordings.Add(index, entry));
               proof.completeness.Add(proof.recordings.last_batch());
               proof.canaries.Add(index, proof.recordings.last_batch());
               RETURN_IF_ERROR(proof.transfers.Add(index, entry));
               return proof.seals.Add(index, entry);
             }}));
  }
  RETURN_IF_ERROR(proof.recordings.Finish());
  RETURN_IF_ERROR(proof.seals.Finish());
  proof.completeness.Finish();
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), public_key));
  ASSIGN_OR_RETURN(proof.origins, proof.transfers.Finish(*log));
  ASSIGN_OR_RETURN(proof.outside,
                   CheckOutsideViews(command.outside, layout, proof.key, proof.log.checkpoint));
  proof.skipped_segments = command.skip_segments;
  if (!command.skip_segments) {
    ASSIGN_OR_RETURN(proof.segments, VerifySegments(layout, public_key));
  }
  proof.set_aside_bytes = BytesBelow(layout.set_aside());
  return proof;
}

nlohmann::json RemovalsJson(const Proof& proof) {
  nlohmann::json removals = nlohmann::json::array();
  if (!proof.log.retention) return removals;
  for (const wire::Removal& removal : proof.log.retention->removals) {
    removals.push_back({{"from_entry", removal.from_entry},
                        {"until_entry", removal.until_entry},
                        {"bundle_bytes", removal.bundle_bytes},
                        {"wall_ns", removal.wall_ns},
                        {"policy", removal.policy},
                        {"by", removal.by}});
  }
  return removals;
}

nlohmann::json SegmentsJson(const Proof& proof) {
  if (!proof.segments) return {{"checked", false}};
  const ingest::DerivationReport& segments = *proof.segments;
  return {{"checked", true},
          {"segment_count", segments.segment_count},
          {"row_count", segments.row_count},
          {"same_bytes_count", segments.same_bytes_count},
          {"provisional_count", segments.provisional_count},
          {"removed_recording_count", segments.removed_count},
          {"next_entry", segments.next_entry}};
}

/// Hosts that several sensors say they record.
std::map<std::string, std::set<std::string>> SharedHosts(const Proof& proof) {
  std::map<std::string, std::set<std::string>> shared = proof.seals.report().hosts;
  std::erase_if(shared, [](const auto& host) { return host.second.size() < 2; });
  return shared;
}

void PrintProofJson(const Proof& proof) {
  const evidence::Checkpoint& checkpoint = proof.log.checkpoint;
  const collector::SealAudit::Report& seals = proof.seals.report();
  nlohmann::json origins = nlohmann::json::array();
  for (const proof::TransferAudit::Origin& origin : proof.origins) {
    origins.push_back({{"origin", origin.name},
                       {"key_id", origin.key_id},
                       {"checkpoint_size", origin.checkpoint_size},
                       {"entry_count", origin.entry_count},
                       {"imported_wall_ns", origin.imported_wall_ns}});
  }
  nlohmann::json line{{"verified", true},
                      {"origins", origins},
                      {"seals",
                       {{"chain_count", seals.chain_count},
                        {"closed_chain_count", seals.closed_chain_count},
                        {"sealed_count", seals.sealed_count},
                        {"mac_count", seals.mac_count},
                        {"missing_count", seals.missing_count},
                        {"gap_count", seals.gap_count},
                        {"refused_count", seals.refused_count},
                        {"unsealed_count", seals.unsealed_count},
                        {"shared_hosts", SharedHosts(proof)}}},
                      {"completeness", CompletenessJson(proof.completeness, proof.canaries)},
                      {"entry_count", checkpoint.size},
                      {"entry_bytes", proof.log.entry_bytes},
                      {"root_sha256", evidence::EncodeHex(checkpoint.root)},
                      {"signed_wall_ns", checkpoint.signed_wall_ns},
                      {"signed_by", checkpoint.origin},
                      {"key_id", evidence::EncodeHex(proof.key.key_id)},
                      {"other_signatures", checkpoint.other_signatures},
                      {"log_closed", proof.log.closed},
                      {"unauthenticated_bytes", proof.log.tail_bytes},
                      {"set_aside_bytes", proof.set_aside_bytes},
                      {"segments", SegmentsJson(proof)},
                      {"removals", RemovalsJson(proof)},
                      {"recordings", RecordingsJson(proof.recordings)}};
  proof.outside.AddTo(line);
  PrintJson(line);
}

/// Not a failure, but nobody is to believe that these entries were there to be checked.
void PrintRemovals(const Proof& proof) {
  if (!proof.log.retention) return;
  PrintOut("removed    entries 0 to {} by policy; their hashes are kept and verified\n",
           proof.log.retention->removed_until_entry - 1);
  for (const wire::Removal& removal : proof.log.retention->removals) {
    PrintOut("           {} to {} ({} bytes) at {}: {}, by {}\n", removal.from_entry,
             removal.until_entry - 1, removal.bundle_bytes, WallTimeText(removal.wall_ns),
             VisibleText(removal.policy), VisibleText(removal.by));
  }
}

void PrintSegments(const Proof& proof) {
  if (proof.skipped_segments) {
    PrintOut("segments   not checked (--skip-segments)\n");
    return;
  }
  if (!proof.segments) {
    PrintOut("segments   none: nothing was ingested yet\n");
    return;
  }
  const ingest::DerivationReport& segments = *proof.segments;
  PrintOut("segments   {} with {} rows, all as the evidence gives them ({} byte for byte)\n",
           segments.segment_count, segments.row_count, segments.same_bytes_count);
  if (segments.removed_count != 0) {
    PrintOut("           rows of {} recordings not checked: their evidence was removed since\n",
             segments.removed_count);
  }
  // The log may have grown since it was proved.
  if (segments.next_entry < proof.log.checkpoint.size) {
    PrintOut("           entries {} to {} are not ingested yet\n", segments.next_entry,
             proof.log.checkpoint.size - 1);
  }
}

void PrintStatement(const Proof& proof) {
  const evidence::Checkpoint& checkpoint = proof.log.checkpoint;
  PrintOut("verified   {} entries, {} bytes\n", checkpoint.size, proof.log.entry_bytes);
  PrintRemovals(proof);
  PrintOut("root       {}\n", evidence::EncodeHex(checkpoint.root));
  PrintOut("signed     {} by {} (key {})\n", WallTimeText(checkpoint.signed_wall_ns),
           checkpoint.origin, evidence::EncodeHex(proof.key.key_id));
  proof.outside.Print();
  std::uint64_t complete_count = 0;
  std::uint64_t open_count = 0;
  std::uint64_t missing_count = 0;
  for (const auto& [id, recording] : proof.recordings.InOrder()) {
    if (recording.extent.is_account) continue;
    ++(recording.extent.closed ? complete_count : open_count);
    missing_count += recording.extent.missing_batch_count;
  }
  PrintOut("recordings {} complete, {} without an end (killed, or still running)\n", complete_count,
           open_count);
  if (missing_count != 0) PrintOut("MISSING    {} batches of these recordings\n", missing_count);
  for (const auto& [id, recording] : proof.recordings.InOrder()) {
    const wire::RecordingExtent& extent = recording.extent;
    if (extent.is_account) continue;
    PrintOut("  {}  entries {} to {}, {} batches, {} to {}{}\n", wire::FormatRecordingId(id),
             extent.first_entry, extent.last_entry, extent.batch_count,
             WallTimeText(extent.first_wall_ns), WallTimeText(extent.last_wall_ns),
             extent.closed ? "" : ", no end");
  }
  if (proof.seals.has_account()) {
    const collector::SealAudit::Report& seals = proof.seals.report();
    PrintOut("seals      {} batches in {} chains ({} closed); {}; {}\n", seals.sealed_count,
             seals.chain_count, seals.closed_chain_count,
             proof.escrow == nullptr ? "keys not checked (--escrow)" : "every sensor's key checked",
             proof.authority == nullptr ? "certificates not checked (--authority)"
                                        : "every sensor's certificate checked");
    if (seals.unsealed_count != 0) {
      PrintOut("           {} batches that no sensor sealed (imported or recorded here)\n",
               seals.unsealed_count);
    }
    for (const auto& [host, sensors] : SharedHosts(proof)) {
      PrintOut("           several sensors say that they record the host {}: {}\n",
               VisibleText(host), fmt::join(sensors, ", "));
    }
    if (seals.missing_count + seals.gap_count + seals.refused_count != 0) {
      PrintOut("           {} frames missing, {} gaps told by sensors, {} refusals recorded\n",
               seals.missing_count, seals.gap_count, seals.refused_count);
    }
  }
  PrintCompleteness(proof.completeness, proof.canaries);
  for (const proof::TransferAudit::Origin& origin : proof.origins) {
    PrintOut(
        "imported   {} entries were entries of {} (key {}), whose checkpoint of {} proves them\n",
        origin.entry_count, origin.name, origin.key_id, origin.checkpoint_size);
  }
  PrintSegments(proof);
  if (proof.log.tail_bytes > 0) {
    PrintOut("not proved {} bytes behind the checkpoint (a live writer's, or a killed one's)\n",
             proof.log.tail_bytes);
  }
  if (proof.set_aside_bytes > 0) {
    PrintOut("set aside  {} bytes that killed writers left unauthenticated\n",
             proof.set_aside_bytes);
  }
}

Result<ExitCode> VerifyBundleOf(const VerifyCommand& command) {
  if (!command.escrow_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--escrow is for stores: a bundle has no seals");
  }
  VerifyBundleCommand bundle{.file = command.bundle,
                             .public_key = {},
                             .json = command.json,
                             .quiet = command.quiet,
                             .limits = command.limits};
  if (!command.key_file.empty()) {
    ASSIGN_OR_RETURN(bundle.public_key, ReadGivenKey(command.key_file));
  }
  return VerifyBundleFile(bundle);
}

Result<ExitCode> Verify(const VerifyCommand& command) {
  if (!command.bundle.empty()) return VerifyBundleOf(command);
  const Result<Proof> proof = Prove(command, StoreLayout{command.store});
  if (!proof) {
    if (command.json && proof.error().code == ErrorCode::kUnverified) {
      const nlohmann::json line{{"verified", false}, {"error", proof.error().message}};
      PrintJson(line);
    }
    return tl::unexpected<Error>(proof.error());
  }
  if (command.json) {
    PrintProofJson(*proof);
  } else if (!command.quiet) {
    PrintStatement(*proof);
  }
  return proof->has_loss() ? ExitCode::kIncomplete : ExitCode::kDone;
}

}  // namespace

void RegisterVerify(CLI::App& application, Action& action) {
  CLI::App& subcommand =
      *application.add_subcommand("verify", "Prove a store's evidence, or name what is wrong");
  const auto command = std::make_shared<VerifyCommand>();
  AddStoreOption(subcommand, command->store);
  subcommand
      .add_option("bundle", command->bundle,
                  "a file of spoor prove or spoor export, in place of a store")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  subcommand
      .add_option("--key", command->key_file,
                  "verifier key (name+hash+base64); default: STORE/key/log.vkey. A copy kept "
                  "elsewhere also proves that the store is yours")
      ->type_name("FILE");
  subcommand
      .add_option("--escrow", command->escrow_file,
                  "a collector's escrow.key: checks each sensor's seal on each batch, and that its "
                  "canaries are there")
      ->type_name("FILE");
  subcommand.add_flag("--skip-segments", command->skip_segments,
                      "do not derive the tables again, which takes as long as spoor rebuild");
  command->outside.AddOptions(subcommand);
  command->limits.AddTo(subcommand);
  subcommand
      .add_option("--authority", command->authority_file,
                  "the authority's ca.crt: checks that it issued the certificates of the sensors "
                  "that signed")
      ->type_name("FILE");
  subcommand.add_flag("--json", command->json, "one JSON object on one line");
  subcommand.add_flag("-q,--quiet", command->quiet, "say nothing when it proves");
  subcommand.footer(
      "Checks the checkpoint's signature, every entry and tile up to the signed root, that no "
      "other\n"
      "file is in evidence/, that every recording's batches are complete and in order, and, by\n"
      "deriving them again below $TMPDIR (else /var/tmp), that the rows of every segment are what\n"
      "the evidence gives. Works beside a running recorder. States for each sensor and recording\n"
      "what is missing, from when to when, and when a host was not recorded between two "
      "recordings.\n"
      "That the whole store was put back to an older state, or that someone else is shown another\n"
      "history, only others can tell: --checkpoint, --witness, --ask.\n"
      "With --key the store's own key file is not looked at.\n"
      "A bundle is checked with nothing but the key, and its rows are made again.\n\n"
      "Exit codes: 0 proved; 3 not, and the first bad thing is named; 4 proved, but not "
      "everything\n"
      "that happened is there (frames, batches or records lost, or canaries missing); 2 the file "
      "of\n"
      "--key holds no key; 5 no store there, or its own key is missing or damaged and --key gives "
      "no copy.\n\n"
      "Examples:\n"
      "  spoor verify --store demo-store\n"
      "  spoor verify --store demo-store --key /media/usb/log.vkey --json\n"
      "  spoor verify --store demo-store --ask http://witness.example:8444=witness.vkey\n"
      "  spoor verify --store /var/lib/spoor --escrow escrow.key --authority ca.crt\n"
      "  spoor verify case7.spoorproof --key /media/usb/log.vkey\n");
  subcommand.callback([command, &action] { action = [command] { return Verify(*command); }; });
}

}  // namespace spoor::programs
