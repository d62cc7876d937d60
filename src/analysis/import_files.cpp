// SPDX-License-Identifier: Apache-2.0
#include "analysis/import_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/saturating.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "evidence/log.hpp"
#include "importers/compressed_source.hpp"
#include "importers/kinds.hpp"
#include "proof/archive.hpp"
#include "store/sha256.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::analysis {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;
constexpr std::size_t kSniffBytes = 4096;

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

/// Reads the whole file once, so that bad input stores nothing, and describes it.
Result<ImportedFile> Check(const ImportFilesOptions& options, const std::string& path) {
  ImportedFile checked;
  ingest::ImportDescription& description = checked.description;
  description.kind = options.kind;
  if (description.kind.empty()) {
    ASSIGN_OR_RETURN(description.kind, DetectKind(path));
  }
  description.file = path;
  description.host = options.host;
  description.year = options.year;
  description.date = options.date;
  description.utc_offset_ns = options.utc_offset_ns;
  if (HasPackets(description.kind)) {
    description.flow_timeouts = options.flow_timeouts;
    description.fingerprint_database = options.fingerprint_database;
  }
  description.clock_offset_ns = options.clock_offset_ns;
  ASSIGN_OR_RETURN(const std::unique_ptr<event::EventSource> importer, MakeImporter(description));
  store::Sha256Stream digester;
  event::Findings findings;
  const auto count = [&](Result<> result) -> Result<> {
    checked.Count(findings);
    findings.Clear();
    if (result) return {};
    return Fail(ErrorCode::kInvalidArgument, "{}: {}; nothing of it was stored", path,
                result.error().message);
  };
  RETURN_IF_ERROR(ForEachPart(path, [&](std::span<const std::byte> part) {
    description.size_bytes += part.size();
    digester.Add(part);
    return count(importer->Feed(part, findings));
  }));
  RETURN_IF_ERROR(count(importer->Finish(findings)));
  checked.source = importer->counts();
  description.sha256 = digester.Finish();
  return checked;
}

Result<> RefuseTwins(const std::vector<ImportedFile>& files) {
  std::map<std::string, std::string> file_of;  // by digest
  for (const ImportedFile& file : files) {
    const auto [found, made] = file_of.emplace(file.description.sha256, file.description.file);
    if (made) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "{} and {} have the same bytes; --again imports them twice", found->second,
                file.description.file);
  }
  return {};
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

/// The file's bytes as one recording: open, data, close.
Result<> Append(evidence::LogWriter& log, const ImportedFile& checked) {
  const ingest::ImportDescription& description = checked.description;
  wire::BatchSealer sealer(
      wire::MakeRecordingId(), [&](const wire::DigestedBytes& batch) -> Result<> {
        ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, log.Append(batch.bytes));
        return {};
      });
  RETURN_IF_ERROR(sealer.Seal(wire::BatchKind::kRecordingOpen,
                              AsBytes(ingest::ImportDescriptionJson(description)), ImportMoment()));
  store::Sha256Stream digester;
  RETURN_IF_ERROR(ForEachPart(description.file, [&](std::span<const std::byte> part) {
    digester.Add(part);
    return sealer.Seal(wire::BatchKind::kImportData, part, ImportMoment());
  }));
  if (digester.Finish() != description.sha256) {
    return Fail(ErrorCode::kIo, "{}: changed while it was imported", description.file);
  }
  return sealer.Seal(
      wire::BatchKind::kRecordingClose,
      AsBytes(fmt::format("{{\"reason\":\"whole file\",\"event_count\":{}}}", checked.event_count)),
      ImportMoment());
}

}  // namespace

void ImportedFile::Count(const event::Findings& findings) {
  event_count += findings.events.size();
  flow_count += findings.flows.size();
  alert_count += findings.alerts.size();
  fingerprint_count += findings.fingerprints.size();
  log_line_count += findings.log_lines.size();
  for (const event::SourceLoss& loss : findings.losses) {
    lost_count = SaturatingAdd(lost_count, loss.count);
  }
}

bool HasPackets(std::string_view kind) {
  return kind == "pcap" || kind == "sebek";
}

wire::BatchSealer::Moment ImportMoment() {
  const std::uint64_t boot_ns = BootNow();
  return {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns};
}

Result<std::string> DetectKind(const std::string& path) {
  std::string begin;
  const auto read = ForEachPart(path, [&](std::span<const std::byte> part) -> Result<> {
    begin += AsText(part);
    const bool compressed = importers::LooksCompressed(begin);
    if (begin.size() < (compressed ? importers::kCompressedBeginningBytes : kSniffBytes)) return {};
    return Fail(ErrorCode::kUnsupported, "enough");
  });
  if (!read && read.error().code != ErrorCode::kUnsupported) {
    return tl::unexpected<Error>(read.error());
  }
  if (proof::LooksLikeBundle(begin)) return kEvidenceKind;
  const std::string name = std::filesystem::path(path).filename().string();
  if (const importers::ImporterKind* const kind = importers::DetectImporterKind(begin, name)) {
    return std::string(kind->name);
  }
  return Fail(ErrorCode::kInvalidArgument, "{}: not of a kind that can be told: say --kind", path);
}

Result<> ImportFiles(const ImportFilesOptions& options) {
  std::vector<ImportedFile> files;
  for (const std::string& path : options.files) {
    ASSIGN_OR_RETURN(files.emplace_back(), Check(options, path));
  }
  if (!options.again) RETURN_IF_ERROR(RefuseTwins(files));
  ASSIGN_OR_RETURN(const bool store_is_there, Exists(options.layout.evidence()));
  if (!options.again && store_is_there) {
    ASSIGN_OR_RETURN(const ReadableStore store,
                     OpenStoreForReading(options.layout.root.string(), options.narration));
    for (const ImportedFile& file : files) {
      RETURN_IF_ERROR(RefuseTheSameAgain(*store, file.description));
    }
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogWriter> log,
                   evidence::LogWriter::Open({.folder = options.layout.evidence(),
                                              .key_file = options.layout.private_key()}));
  for (const ImportedFile& file : files) {
    RETURN_IF_ERROR(Append(*log, file));
    RETURN_IF_ERROR(log->Checkpoint());
    if (options.done) options.done(file);
  }
  RETURN_IF_ERROR(log->Close());
  RETURN_IF_ERROR(IngestNewEvidence(options.layout, options.narration));
  return {};
}

}  // namespace spoor::analysis
