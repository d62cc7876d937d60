// SPDX-License-Identifier: Apache-2.0
// `spoor import`: foreign files become evidence as they are (a recording of their bytes), so that
// the tables can be made again from them at any time.

#include "analysis/import_files.hpp"
#include "base/file.hpp"
#include "evidence/note.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "proof/transfer.hpp"

namespace spoor::programs {
namespace {

struct ImportOptions {
  std::string store;
  std::string kind;
  std::string host;
  std::string key_file;
  bool again = false;
  std::vector<std::string> files;
};

/// Evidence of another store, file by file: each is all there or not at all.
Result<ExitCode> ImportEvidence(const ImportOptions& options) {
  const StoreLayout layout{options.store};
  if (options.again) {
    return Fail(ErrorCode::kInvalidArgument, "--again: evidence is in a log once");
  }
  std::string key;
  if (!options.key_file.empty()) {
    ASSIGN_OR_RETURN(key, ReadTextFile(options.key_file, 4096));
    const auto parsed = evidence::VerifierKey::Parse(key);
    if (!parsed) {
      return Fail(ErrorCode::kInvalidArgument, "{}: {}", options.key_file, parsed.error().message);
    }
  }
  bool stays_removed = false;
  for (const std::string& path : options.files) {
    ASSIGN_OR_RETURN(const proof::TransferReport report,
                     proof::ImportEvidence({.file = path, .public_key = key, .layout = layout}));
    PrintError("{}: {} entries of {} (key {}{}): {} added, {} were here already\n", path,
               report.entry_count, report.origin, report.key_id,
               key.empty() ? " as the file says, not checked otherwise" : "", report.added_count,
               report.known_count);
    if (report.account_count != 0) {
      PrintError("{}: {} entries are that log's own accounts and stay there\n", path,
                 report.account_count);
    }
    if (report.description_count != 0) {
      PrintError(
          "{}: the beginning of {} recordings was removed from that log by policy; their "
          "descriptions, which it carried over, are added\n",
          path, report.description_count);
    }
    if (report.removed_count != 0) {
      PrintError(
          "{}: {} entries were in this log and were removed from it by policy: they stay "
          "removed (import the file into another store to have them)\n",
          path, report.removed_count);
      stays_removed = true;
    }
  }
  RETURN_IF_ERROR(IngestNewEvidence(layout));
  return stays_removed ? ExitCode::kIncomplete : ExitCode::kDone;
}

Result<ExitCode> Import(const ImportOptions& options) {
  std::string kind = options.kind;
  if (kind.empty()) {
    ASSIGN_OR_RETURN(kind, analysis::DetectKind(options.files.front()));
  }
  if (kind == analysis::kEvidenceKind) return ImportEvidence(options);
  if (!options.key_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--key is for --kind evidence");
  }
  RETURN_IF_ERROR(analysis::ImportFiles({.layout = StoreLayout{options.store},
                                         .kind = options.kind,
                                         .host = options.host,
                                         .again = options.again,
                                         .files = options.files,
                                         .done =
                                             [](const analysis::ImportedFile& file) {
                                               PrintError("{}: {} events, {} bytes of evidence\n",
                                                          file.description.file, file.event_count,
                                                          file.description.size_bytes);
                                             },
                                         .narration = NarrationOnTerminal()}));
  return ExitCode::kDone;
}

}  // namespace

void RegisterImport(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("import", "add files from other sources to the evidence");
  const auto options = std::make_shared<ImportOptions>();
  options->host = "imported";
  AddStoreOption(*subcommand, options->store);
  subcommand->add_option("--kind", options->kind, "kind of the files; detected when left out")
      ->type_name("KIND")
      ->check(CLI::IsMember({"events", analysis::kEvidenceKind}));
  subcommand->add_option("--host", options->host, "host of events that do not name one")
      ->type_name("NAME")
      ->capture_default_str();
  subcommand->add_flag("--again", options->again, "import files that are in the store already");
  subcommand
      ->add_option("--key", options->key_file,
                   "verifier key of the log that evidence comes from; default: believe the file")
      ->type_name("FILE");
  subcommand->add_option("file", options->files, "files to import")->type_name("FILE")->required();
  subcommand->footer(
      "Kinds:\n"
      "  events    the event text format, docs/formats/events.md: one JSON object per line\n"
      "  evidence a file of spoor export or spoor prove: verified, then its batches are appended "
      "as\n"
      "           they are, with an account of where they come from; what is here already is not\n"
      "           doubled\n"
      "A file with an error stores nothing.\n\n"
      "Exit codes: 0 done; 4 entries of the file were in the store and were removed by policy: "
      "they\n"
      "stay removed.\n\n"
      "Examples:\n"
      "  spoor import --store case-7 --host web1 events.ndjson\n"
      "  spoor import --store case-7 --kind evidence --key hub.vkey web1.evidence");
  subcommand->callback([&action, options] { action = [options] { return Import(*options); }; });
}

}  // namespace spoor::programs
