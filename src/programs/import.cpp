// SPDX-License-Identifier: Apache-2.0
// `spoor import`: foreign files become evidence as they are (a recording of their bytes), so that
// the tables can be made again from them at any time.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "evidence/log.hpp"
#include "evidence/note.hpp"
#include "importers/events_reader.hpp"
#include "ingest/catch_up.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "proof/archive.hpp"
#include "proof/transfer.hpp"
#include "store/sha256.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;
constexpr std::size_t kSniffBytes = 4096;
constexpr const char* kEvidenceKind = "evidence";

struct ImportOptions {
  std::string store;
  std::string kind;
  std::string host;
  std::string key_file;
  bool again = false;
  std::vector<std::string> files;
};

/// Calls `take` with all bytes of the file, part by part.
template <typename Take>
Result<> ForEachPart(const std::string& path, Take&& take) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  std::vector<std::byte> buffer(kReadBytes);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", path);
    if (got == 0) return {};
    RETURN_IF_ERROR(take(std::span(buffer.data(), static_cast<std::size_t>(got))));
  }
}

Result<std::string> DetectKind(const std::string& path) {
  std::string begin;
  const auto read = ForEachPart(path, [&](std::span<const std::byte> part) -> Result<> {
    begin += AsText(part);
    if (begin.size() < kSniffBytes) return {};
    return Fail(ErrorCode::kUnsupported, "enough");
  });
  if (!read && read.error().code != ErrorCode::kUnsupported) {
    return tl::unexpected<Error>(read.error());
  }
  if (importers::LooksLikeEvents(begin)) return "events";
  if (proof::LooksLikeBundle(begin)) return kEvidenceKind;
  return Fail(ErrorCode::kInvalidArgument, "{}: not of a kind that can be told: say --kind", path);
}

struct Checked {
  ingest::ImportDescription description;
  std::uint64_t event_count = 0;
};

/// Reads the whole file once, so that bad input stores nothing, and describes it.
Result<Checked> Check(const ImportOptions& options, const std::string& path) {
  Checked checked;
  ingest::ImportDescription& description = checked.description;
  description.kind = options.kind;
  if (description.kind.empty()) {
    ASSIGN_OR_RETURN(description.kind, DetectKind(path));
  }
  description.file = path;
  description.host = options.host;
  ASSIGN_OR_RETURN(const std::unique_ptr<event::EventSource> importer, MakeImporter(description));
  store::Sha256Stream digester;
  std::vector<event::Event> events;
  const auto count = [&](Result<> result) -> Result<> {
    checked.event_count += events.size();
    events.clear();
    if (result) return {};
    return Fail(ErrorCode::kInvalidArgument, "{}: {}; nothing of it was stored", path,
                result.error().message);
  };
  RETURN_IF_ERROR(ForEachPart(path, [&](std::span<const std::byte> part) {
    description.size_bytes += part.size();
    digester.Add(part);
    return count(importer->Feed(part, events));
  }));
  RETURN_IF_ERROR(count(importer->Finish(events)));
  description.sha256 = digester.Finish();
  return checked;
}

Result<> RefuseTheSameAgain(store::Store& store, const ingest::ImportDescription& description) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<store::RowReader> rows,
      store.Sql("SELECT begin_wall_ns FROM recording WHERE kind = 'import' AND closed AND "
                "json_extract_string(description, 'sha256') = $1",
                {description.sha256}));
  std::vector<store::Value> row;
  ASSIGN_OR_RETURN(const bool found, rows->Next(row));
  if (!found) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "{}: these bytes were imported already, at {}; --again imports them once more",
              description.file, WallTimeText(std::get<std::int64_t>(row[0])));
}

wire::BatchSealer::Moment Now() {
  const std::uint64_t boot_ns = BootNow();
  return {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns};
}

/// The file's bytes as one recording: open, data, close.
Result<> Append(evidence::LogWriter& log, const Checked& checked) {
  const ingest::ImportDescription& description = checked.description;
  wire::BatchSealer sealer(
      wire::MakeRecordingId(), [&](const wire::DigestedBytes& batch) -> Result<> {
        ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, log.Append(batch.bytes));
        return {};
      });
  RETURN_IF_ERROR(sealer.Seal(wire::BatchKind::kRecordingOpen,
                              AsBytes(ingest::ImportDescriptionJson(description)), Now()));
  store::Sha256Stream digester;
  RETURN_IF_ERROR(ForEachPart(description.file, [&](std::span<const std::byte> part) {
    digester.Add(part);
    return sealer.Seal(wire::BatchKind::kImportData, part, Now());
  }));
  if (digester.Finish() != description.sha256) {
    return Fail(ErrorCode::kIo, "{}: changed while it was imported", description.file);
  }
  return sealer.Seal(
      wire::BatchKind::kRecordingClose,
      AsBytes(fmt::format("{{\"reason\":\"whole file\",\"event_count\":{}}}", checked.event_count)),
      Now());
}

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
    ASSIGN_OR_RETURN(kind, DetectKind(options.files.front()));
  }
  if (kind == kEvidenceKind) return ImportEvidence(options);
  if (!options.key_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--key is for --kind evidence");
  }
  const StoreLayout layout{options.store};
  std::vector<Checked> files;
  for (const std::string& path : options.files) {
    ASSIGN_OR_RETURN(files.emplace_back(), Check(options, path));
  }
  ASSIGN_OR_RETURN(const bool store_is_there, Exists(layout.evidence()));
  if (!options.again && store_is_there) {
    ASSIGN_OR_RETURN(const ReadableStore store, OpenStoreForReading(options.store));
    for (const Checked& file : files) {
      RETURN_IF_ERROR(RefuseTheSameAgain(*store, file.description));
    }
  }
  ASSIGN_OR_RETURN(
      const std::unique_ptr<evidence::LogWriter> log,
      evidence::LogWriter::Open({.folder = layout.evidence(), .key_file = layout.private_key()}));
  for (const Checked& file : files) {
    RETURN_IF_ERROR(Append(*log, file));
    RETURN_IF_ERROR(log->Checkpoint());
    PrintError("{}: {} events, {} bytes of evidence\n", file.description.file, file.event_count,
               file.description.size_bytes);
  }
  RETURN_IF_ERROR(log->Close());
  RETURN_IF_ERROR(IngestNewEvidence(layout));
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
      ->check(CLI::IsMember({"events", kEvidenceKind}));
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
