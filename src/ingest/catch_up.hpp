// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "event/event_source.hpp"
#include "wire/retention.hpp"

namespace spoor::ingest {

/// Which part of a file that grew one recording holds.
struct FollowedPart {
  std::uint64_t device = 0, inode = 0;  ///< of the file
  /// The recording's bytes are the first `head_bytes` of the file (names of columns), then what
  /// stands from `offset_bytes` on.
  std::uint64_t offset_bytes = 0, head_bytes = 0;
  /// Of the first `begin_bytes` of the file: an inode may come to be another file.
  std::uint64_t begin_bytes = 0;
  std::string begin_sha256{};
};

/// An interface whose packets were imported while they passed.
struct CapturedInterface {
  std::string name;
  std::string filter;                ///< of libpcap; empty: all packets
  std::uint32_t snapshot_bytes = 0;  ///< at most so much was kept of each packet
  /// The recording of the sensor that ran beside it, as text; empty: there was none.
  std::string beside;
};

/// When a flow of packets is over though nobody said so: packets::FlowPolicy.
struct FlowTimeouts {
  std::int64_t established_idle_ns = 0, other_idle_ns = 0, active_ns = 0;
};

/// What the first batch of an import says.
struct ImportDescription {
  std::string kind;  ///< "events" …
  std::string file;  ///< name it was imported from
  std::string host;  ///< host of events that do not name one
  std::string sha256;
  std::uint64_t size_bytes = 0;
  std::optional<int> year{};       ///< of the first line, where lines have none
  std::int64_t utc_offset_ns = 0;  ///< local time minus UTC, where times have no zone
  std::string date{};              ///< "2024-01-02": of the first line, where lines have none
  /// To be added to the clock of the source, as somebody found out; stored, never applied.
  std::optional<std::int64_t> clock_offset_ns{};
  /// The file was followed while it grew: sha256 and size_bytes are not known.
  std::optional<FollowedPart> followed{};
  /// It is no file: sha256 and size_bytes are not known.
  std::optional<CapturedInterface> captured{};
  std::optional<FlowTimeouts> flow_timeouts{};  ///< absent: those that are usual
  /// By which SYNs of packets tell systems; it is kept with them, for it is not the same
  /// everywhere.
  std::string fingerprint_database{};
};
std::string ImportDescriptionJson(const ImportDescription& description);
/// Fails: kCorrupt.
Result<ImportDescription> ParseImportDescription(std::string_view json);

/// Makes the reader for an imported file. Fails: kUnsupported (an unknown kind).
using ImporterFactory =
    std::function<Result<std::unique_ptr<event::EventSource>>(const ImportDescription&)>;

struct CatchUpOptions {
  ImporterFactory importers;
  /// Rows, and about how many bytes of them, are kept in memory before they become segments.
  std::uint64_t rows_held_max = 1'000'000;
  std::uint64_t bytes_held_max = 512 << 20;
  /// While Rebuild runs in another process, CatchUp fails with kUnavailable where there is a
  /// catalog, instead of waiting for its end.
  bool wait_for_rebuild = true;
  /// Recordings that go on are paused, so that the next catch-up goes on with them; else all that
  /// is known of them is written as if they were over.
  bool pauses = true;
  /// Asked with the bytes of evidence read this time; true: enough. What was read is published, and
  /// the next catch-up goes on behind it. Imports are read to their end all the same, for they have
  /// no state. Empty: there is no such end.
  std::function<bool(std::uint64_t)> enough{};
  /// Asked now and then; true: ends with kUnavailable, and the tables stay as they are.
  std::function<bool()> cancelled{};
};

struct CatchUpSummary {
  std::uint64_t entry_count = 0;  ///< read this time
  std::uint64_t event_count = 0;
  bool more = false;  ///< CatchUpOptions::enough: there is evidence left to be read
  /// The schema version of the tables that were there, when it was an earlier one: all rows were
  /// made again.
  std::optional<int> earlier_schema_version = {};
  /// Why recordings that went on were read again from their first entries: a line for each.
  std::vector<std::string> not_continued = {};
};

/// Called now and then with entries done and entries to do.
using CatchUpProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Turns the evidence that was not ingested yet into segments and names them in the catalog; the
/// catalog changes at once and at the end, so that whatever fails, readers see what they saw
/// before. A recording is the unit: one that is closed (or followed by another) is done for good,
/// one that still goes on is paused, and the next catch-up reads only what is new of it (but of an
/// import: it is ingested anew each time that it has grown). All is ingested anew of a store whose
/// tables are of an earlier schema version. Waits for another process that is ingesting the same
/// store. Fails: kNotFound (no evidence), kUnverified (evidence), kIo (disk full
/// …), kUnsupported.
Result<CatchUpSummary> CatchUp(const StoreLayout& layout, const CatchUpOptions& options,
                               const CatchUpProgress& progress);

/// Who ingests what arrives for as long as it runs holds this sign, so that who only asks leaves it
/// the work. It says nothing of who may write: CatchUp takes turns with whoever else does. Fails:
/// kUnavailable (another one has it), kIo, kCorrupt.
Result<FileLock> BecomeResident(const StoreLayout& layout);
/// Whether somebody holds it.
bool HasResident(const StoreLayout& layout);
/// Waits until the tables show what the log has now, which somebody else is resident to bring into
/// them. Writes nothing. Fails: kUnavailable (not within `time_max`, or nobody is resident any
/// more), and as NotIngested.
Result<> AwaitResident(const StoreLayout& layout, std::chrono::milliseconds time_max);

/// Whether somebody writes to the log at this moment, so that its last recording may go on.
bool HasWriter(const StoreLayout& layout);

/// Entries that the log has and the catalog does not show: [begin, end), empty when it shows all.
/// Writes nothing. Fails: kNotFound (no store), kUnverified, kCorrupt (the catalog).
struct EntryRange {
  std::uint64_t begin = 0, end = 0;
};
Result<EntryRange> NotIngested(const StoreLayout& layout);

/// Entries in ascending order from elsewhere than the store's log: hands each to `visit`.
using EntryFeed = std::function<Result<>(
    const std::function<Result<>(std::uint64_t index, std::span<const std::byte> entry)>& visit)>;

/// What is known of these entries besides.
struct FeedOrigin {
  std::set<std::string> open_recordings;  ///< hex ids: still going on in their log
  wire::Carried carried;                  ///< over from the removed beginning of their log
};

/// Makes the segments and the catalog of `layout`, which has none, from entries under the numbers
/// that they have in their own log: the same rows as there. Fails as CatchUp, or as `feed`.
Result<CatchUpSummary> IngestFrom(const EntryFeed& feed, const FeedOrigin& origin,
                                  const StoreLayout& layout, const CatchUpOptions& options);

struct RebuildSummary {
  CatchUpSummary made;
  /// What lies in segments/ and index/ and was not made by ingest, relative to the store: it stays.
  std::vector<std::string> strangers;
};

/// Makes catalog and segments again from all of the evidence, whatever they are now, beside those
/// that are there. Questions are answered from the old ones until the new catalog takes the place
/// of the old one at once; ended at any moment, the one or the other is there. The old segments go
/// with a later catch-up, for readers may hold them; what ended runs left goes now. Removes
/// nothing that ingest did not make. Fails as CatchUp; kCorrupt (segments/ or index/ is a symbolic
/// link).
Result<RebuildSummary> Rebuild(const StoreLayout& layout, const CatchUpOptions& options,
                               const CatchUpProgress& progress);

}  // namespace spoor::ingest
