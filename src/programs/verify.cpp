// SPDX-License-Identifier: Apache-2.0
// spoor verify: proves a store's evidence, or names the first thing that is wrong with it. Bundles
// (spoor prove, spoor export) are verified by verify_bundle.cpp.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "analysis/store_proof_json.hpp"
#include "analysis/verify_segments.hpp"
#include "analysis/verify_store.hpp"
#include "base/store_layout.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "programs/verify_bundle.hpp"
#include "programs/verify_completeness.hpp"
#include "programs/verify_witnesses.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::programs {
namespace {

struct VerifyCommand {
  std::string store;
  std::string bundle;
  std::string key_file;
  std::string escrow_file;
  analysis::OutsideViews outside;
  QuestionLimits limits{};
  std::string authority_file;
  bool json = false;
  bool quiet = false;
  bool skip_segments = false;
};

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

Result<std::optional<analysis::DerivedReport>> ProveSegments(const StoreLayout& layout,
                                                             const std::string& public_key) {
  StopSignals signals;  // while there is a scratch folder to remove
  const auto show = ProgressOnTerminal("deriving segments again");
  return analysis::VerifySegments(layout, public_key,
                                  [&](std::uint64_t done, std::uint64_t to_do) -> Result<> {
                                    if (show) show(done, to_do);
                                    if (!signals.Take()) return {};
                                    return Fail(ErrorCode::kUnavailable, "interrupted");
                                  });
}

Result<analysis::StoreProof> Prove(const VerifyCommand& command) {
  const auto progress = std::make_shared<Progress>();
  analysis::VerifyStoreOptions options{
      .layout = StoreLayout{command.store},
      .key_file = command.key_file,
      .escrow_file = command.escrow_file,
      .authority_file = command.authority_file,
      .outside = command.outside,
      .progress = [progress](std::uint64_t done, std::uint64_t total) {
        progress->Show(done, total);
      }};
  if (!command.skip_segments) options.segments = ProveSegments;
  return analysis::VerifyStore(options);
}

/// Not a failure, but nobody is to believe that these entries were there to be checked.
void PrintRemovals(const analysis::StoreProof& proof) {
  if (!proof.log.retention) return;
  PrintOut("removed    entries 0 to {} by policy; their hashes are kept and verified\n",
           proof.log.retention->removed_until_entry - 1);
  for (const wire::Removal& removal : proof.log.retention->removals) {
    PrintOut("           {} to {} ({} bytes) at {}: {}, by {}\n", removal.from_entry,
             removal.until_entry - 1, removal.bundle_bytes, WallTimeText(removal.wall_ns),
             VisibleText(removal.policy), VisibleText(removal.by));
  }
}

void PrintSegments(const analysis::StoreProof& proof) {
  if (proof.skipped_segments) {
    PrintOut("segments   not checked (--skip-segments)\n");
    return;
  }
  if (!proof.segments) {
    PrintOut("segments   none: nothing was ingested yet\n");
    return;
  }
  const ingest::DerivationReport& segments = proof.segments->tables;
  PrintOut("segments   {} with {} rows, all as the evidence gives them ({} byte for byte)\n",
           segments.segment_count, segments.row_count, segments.same_bytes_count);
  if (proof.segments->index_file_count != 0) {
    PrintOut("index      {} files of the causal index, as the segments give them\n",
             proof.segments->index_file_count);
  }
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

void PrintStatement(const analysis::StoreProof& proof) {
  const evidence::Checkpoint& checkpoint = proof.log.checkpoint;
  PrintOut("verified   {} entries, {} bytes\n", checkpoint.size, proof.log.entry_bytes);
  PrintRemovals(proof);
  PrintOut("root       {}\n", evidence::EncodeHex(checkpoint.root));
  PrintOut("signed     {} by {} (key {})\n", WallTimeText(checkpoint.signed_wall_ns),
           checkpoint.origin, evidence::EncodeHex(proof.key.key_id));
  PrintOutsideReport(proof.outside);
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
    for (const auto& [host, sensors] : analysis::SharedHosts(proof)) {
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
    ASSIGN_OR_RETURN(bundle.public_key, analysis::ReadGivenKey(command.key_file));
  }
  return VerifyBundleFile(bundle);
}

Result<ExitCode> Verify(const VerifyCommand& command) {
  if (!command.bundle.empty()) return VerifyBundleOf(command);
  const Result<analysis::StoreProof> proof = Prove(command);
  if (!proof) {
    if (command.json && proof.error().code == ErrorCode::kUnverified) {
      const nlohmann::json line{{"verified", false}, {"error", proof.error().message}};
      PrintJson(line);
    }
    return tl::unexpected<Error>(proof.error());
  }
  if (command.json) {
    PrintJson(analysis::StoreProofJson(*proof));
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
  AddOptions(subcommand, command->outside);
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
