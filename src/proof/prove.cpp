// SPDX-License-Identifier: Apache-2.0
#include "proof/prove.hpp"

#include <algorithm>
#include <set>

#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "proof/answer.hpp"
#include "proof/archive.hpp"
#include "store/lookup.hpp"

namespace spoor::proof {
namespace {

constexpr std::string_view kReadme =
    "This is a proof bundle of Spoor, an ordinary tar archive.\n"
    "\n"
    "  spoor verify --key log.vkey BUNDLE      the whole proof\n"
    "  python3 verify.py --key log.vkey BUNDLE     the same without Spoor, except making the rows\n"
    "                                          again (tools/verify.py of Spoor's source)\n"
    "  sha256sum -c SHA256SUMS                 that no member was damaged (unpacked)\n"
    "\n"
    "Take log.vkey from whoever runs the log, not from here: the copy in here only says which one\n"
    "is meant. evidence.excerpt holds the recorded entries, what leads from them to the signed\n"
    "checkpoint of the log, and that checkpoint. rows.ndjson is the answer to question.sql, which\n"
    "calls the files in queries/; gaps.ndjson is what could not be recorded and may be missing in\n"
    "it. Every byte is described in docs/formats/proof-bundle.md of Spoor's source.\n";

Result<std::unique_ptr<evidence::LogReader>> OpenLog(const StoreLayout& layout,
                                                     const std::string& key) {
  return evidence::LogReader::Open(layout.evidence(), key);
}

/// The entries that say what was removed from the beginning of `log`, and what they carry over.
std::optional<evidence::EntryRange> StatementOf(const evidence::LogReader& log) {
  if (!log.retention()) return std::nullopt;
  return evidence::EntryRange{log.retention_entry() - log.retention()->carried_count,
                              log.retention_entry() + 1};
}

/// The whole numbers of `values` as a list for SQL.
std::string ListOf(const std::set<std::int64_t>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

/// The entries in which the events begin that rows name by id, or else that have to do with the
/// processes and objects that they name.
class TouchedEntries {
 public:
  explicit TouchedEntries(store::Store& store) : store_(store) {}

  Result<std::vector<std::uint64_t>> Of(const std::string& sql) {
    RETURN_IF_ERROR(ReadIds(sql));
    if (entries_.empty() && processes_.empty() && objects_.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the rows name no event, process or object, so no entries can be chosen: leave "
                  "out --touched");
    }
    if (entries_.empty()) {
      RETURN_IF_ERROR(
          Add("SELECT DISTINCT event_id >> 24 FROM event WHERE process_id IN ({0}) OR "
              "object_id IN ({1}) OR other_object_id IN ({1})",
              processes_, objects_));
    }
    // What a recording is of stands in its first batch.
    RETURN_IF_ERROR(
        Add("SELECT entry_index FROM evidence_batch WHERE batch_index = 0 AND recording_id IN "
            "(SELECT recording_id FROM evidence_batch WHERE entry_index IN ({0}))",
            entries_, {}));
    return std::vector<std::uint64_t>(entries_.begin(), entries_.end());
  }

 private:
  Result<> ReadIds(const std::string& sql) {
    ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> rows, store_.Sql(sql));
    std::vector<store::Value> row;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, rows->Next(row));
      if (!more) return {};
      for (std::size_t i = 0; i < row.size(); ++i) {
        const auto* id = std::get_if<std::int64_t>(&row[i]);
        const std::string_view name = rows->columns()[i].name;
        if (id == nullptr) continue;
        if (name.ends_with("event_id")) entries_.insert(*id >> 24);
        if (name.ends_with("process_id") || name == "session_id") processes_.insert(*id);
        if (name.ends_with("object_id") || name.ends_with("flow_id")) objects_.insert(*id);
      }
    }
  }

  Result<> Add(fmt::string_view query, const std::set<std::int64_t>& first,
               const std::set<std::int64_t>& second) {
    const auto list = [](const std::set<std::int64_t>& ids) {
      return ids.empty() ? "NULL" : ListOf(ids);
    };
    ASSIGN_OR_RETURN(const std::vector<std::int64_t> found,
                     store::ReadIntegers(
                         store_, fmt::format(fmt::runtime(query), list(first), list(second)), {}));
    entries_.insert(found.begin(), found.end());
    return {};
  }

  store::Store& store_;
  std::set<std::int64_t> entries_;
  std::set<std::int64_t> processes_;
  std::set<std::int64_t> objects_;
};

/// Entries of a log, in order; or why they cannot be had.
struct Chosen {
  std::vector<std::uint64_t> indices{};
  std::string not_there{};
};

/// Whether a recording in the tables began in entries that are gone.
Result<bool> AnyIsCut(store::Store& store, const std::vector<std::uint64_t>& entries) {
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> cut,
      store::ReadIntegers(
          store,
          fmt::format("SELECT count(*) FROM (SELECT min(batch_index) AS first FROM evidence_batch "
                      "WHERE recording_id IN (SELECT recording_id FROM evidence_batch WHERE "
                      "entry_index IN ({})) GROUP BY recording_id) WHERE first > 0",
                      entries.empty() ? "NULL" : fmt::format("{}", fmt::join(entries, ","))),
          {}));
  return cut.front() != 0;
}

Result<Chosen> EntriesOfRecordings(store::Store& store, const evidence::LogReader& log,
                                   const std::vector<std::string>& recordings) {
  Chosen chosen;
  std::vector<std::uint64_t>& indices = chosen.indices;
  for (const std::string& recording : recordings) {
    ASSIGN_OR_RETURN(
        const std::vector<std::int64_t> found,
        store::ReadIntegers(store, "SELECT entry_index FROM evidence_batch WHERE recording_id = $1",
                            {recording}));
    if (found.empty() && log.removed_until() != 0) {
      chosen.not_there = fmt::format("no recording {} in what is left of the evidence", recording);
      return chosen;
    }
    if (found.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "no recording {} in the store (spoor status)",
                  recording);
    }
    indices.insert(indices.end(), found.begin(), found.end());
  }
  return chosen;
}

/// The entries to bring along, in order. Nothing may be missing of a recording that was cut in two
/// by a removal, so what the log carried over of it goes along.
Result<Chosen> ChooseEntries(const ProveOptions& options, const std::string& sql,
                             store::Store& store, const evidence::LogReader& log) {
  Chosen chosen;
  if (options.scope == Scope::kRecordings) {
    ASSIGN_OR_RETURN(chosen, EntriesOfRecordings(store, log, options.recordings));
  } else {
    ASSIGN_OR_RETURN(chosen.indices, TouchedEntries(store).Of(sql));
  }
  std::vector<std::uint64_t>& indices = chosen.indices;
  if (const std::optional<evidence::EntryRange> statement = StatementOf(log)) {
    ASSIGN_OR_RETURN(const bool cut, AnyIsCut(store, indices));
    for (std::uint64_t i = statement->begin; cut && i < statement->end; ++i) indices.push_back(i);
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return chosen;
}

/// Why the tables, which have seen `next_entry` entries, do not show what is left of `log`; empty:
/// they do.
std::string LagOf(const evidence::LogReader& log, std::uint64_t next_entry) {
  if (!log.retention() || log.retention_entry() < next_entry) return {};
  return fmt::format(
      "the tables still have rows of entries 0 to {}, which were removed from the evidence since, "
      "and cannot be brought up to date now",
      log.removed_until() - 1);
}

Result<> CheckSize(const ProveOptions& options, store::Store& store,
                   const std::vector<evidence::EntryRange>& ranges) {
  std::string in;
  for (const evidence::EntryRange& range : ranges) {
    in += fmt::format("{}entry_index BETWEEN {} AND {}", in.empty() ? "" : " OR ", range.begin,
                      range.end - 1);
  }
  if (in.empty() || options.scope == Scope::kTouched) return {};
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> bytes,
      store::ReadIntegers(store, "SELECT _bigint(sum(size_bytes)) FROM evidence_batch WHERE " + in,
                          {}));
  const auto size_bytes = bytes.empty() ? 0 : static_cast<std::uint64_t>(bytes.front());
  if (size_bytes <= options.evidence_bytes_max) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "the evidence of this answer has {} bytes, above --max {}: allow more, or bring less "
              "with --recording or --touched",
              size_bytes, options.evidence_bytes_max);
}

/// The queries that go into the bundle: what the question names and all that is below.
Result<queries::Library> LibraryFor(const queries::Library& library, const ProveOptions& options) {
  std::vector<std::string> names{options.query};
  if (options.query.empty()) {
    names = queries::NamesIn(library, options.sql);
  } else {
    ASSIGN_OR_RETURN(const queries::Query* const query, library.Find(options.query));
    for (const queries::Parameter& parameter : query->parameters) {
      // Which session a process is in is asked when the arguments are filled in.
      if (parameter.type == "session") names.emplace_back("_session_walk");
    }
  }
  const std::set<std::string> reached = library.Reach(names);
  std::vector<queries::Query> queries;
  for (const queries::Query& query : library.queries()) {
    if (reached.contains(query.name)) queries.push_back(query);
  }
  return queries::Library::Of(std::move(queries));
}

Result<AskedQuestion> QuestionOf(const ProveOptions& options, const queries::Library& library,
                                 store::Store& store) {
  if (options.query.empty()) {
    return AskedQuestion{options.sql, queries::GapWindowOf(library, options.sql)};
  }
  ASSIGN_OR_RETURN(const queries::Query* const query, library.Find(options.query));
  ASSIGN_OR_RETURN(std::string sql,
                   library.Render(options.query, options.arguments, store, options.now_wall_ns));
  return AskedQuestion{std::move(sql), queries::GapWindowOf(library, *query, options.arguments,
                                                            options.now_wall_ns)};
}

/// The answer that follows from the entries that are brought along: it must have the rows of
/// `answer`, and for the whole log its gaps; single recordings have their own.
Result<Answer> CheckThatItFollows(const ProveOptions& options, const Answer& answer,
                                  const AskedQuestion& question, const queries::Library& library,
                                  const AnswerManifest& manifest, evidence::LogReader& log,
                                  const std::vector<evidence::EntryRange>& ranges) {
  const ingest::EntryFeed feed = [&](const evidence::LogReader::Visit& visit) {
    return ForEachIn(log, ranges, visit);
  };
  ASSIGN_OR_RETURN(wire::Carried carried, log.ReadCarried());
  ASSIGN_OR_RETURN(
      const std::unique_ptr<DerivedStore> derived,
      DerivedStore::Make(feed,
                         {.ingest = options.ingest,
                          .origin = {.open_recordings = {manifest.open_recordings.begin(),
                                                         manifest.open_recordings.end()},
                                     .carried = std::move(carried)},
                          .memory_bytes_max = 0},
                         library));
  ASSIGN_OR_RETURN(Answer again, Ask(derived->store(), question, options.watch));
  std::optional<std::string> difference = DifferenceOf(answer.rows, again.rows);
  if (!difference && options.scope == Scope::kLog) {
    difference = DifferenceOf(answer.gaps, again.gaps);
  }
  if (!difference) return again;
  if (options.scope == Scope::kRecordings) {
    return Fail(ErrorCode::kInvalidArgument,
                "the answer needs more than the recordings that were named: {}", *difference);
  }
  return Fail(ErrorCode::kUnverified,
              "made again from the evidence, the answer is another: {}. Either the store is not "
              "what its evidence gives (spoor verify, spoor rebuild), or the question leaves its "
              "answer open (random, now, a limit without an order)",
              *difference);
}

/// The last member of every bundle, and its end.
Result<> AddEvidence(evidence::LogReader& log, const std::vector<evidence::EntryRange>& ranges,
                     ArchiveWriter& archive, ProveReport& report) {
  RETURN_IF_ERROR(archive.Begin(kExcerptName));
  ASSIGN_OR_RETURN(report.excerpt, WriteExcerpt(log, ranges, [&](std::span<const std::byte> bytes) {
                     return archive.Write(bytes);
                   }));
  RETURN_IF_ERROR(archive.End());
  RETURN_IF_ERROR(archive.Finish());
  report.size_bytes = archive.size_bytes();
  return {};
}

}  // namespace

Result<ProveReport> Prove(const ProveOptions& options, const queries::Library& library,
                          store::Store& store, const store::Catalog& catalog) {
  // First of all, for what follows may take long.
  ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveWriter> archive,
                   ArchiveWriter::Create(options.out));
  ASSIGN_OR_RETURN(const queries::Library used, LibraryFor(library, options));
  ASSIGN_OR_RETURN(const AskedQuestion question, QuestionOf(options, used, store));
  ASSIGN_OR_RETURN(Answer answer, Ask(store, question, options.watch));
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(options.layout));
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(options.layout, key));
  ProveReport report{.not_there = LagOf(*log, catalog.next_entry)};
  if (!report.not_there.empty()) return report;
  std::vector<evidence::EntryRange> ranges;
  if (options.scope != Scope::kLog) {
    ASSIGN_OR_RETURN(Chosen chosen, ChooseEntries(options, question.sql, store, *log));
    report.not_there = std::move(chosen.not_there);
    if (!report.not_there.empty()) return report;
    ranges = evidence::RangesOf(chosen.indices);
  } else if (catalog.next_entry != 0) {
    ranges.push_back({log->removed_until(), catalog.next_entry});
  }
  RETURN_IF_ERROR(CheckSize(options, store, ranges));

  Manifest manifest{.made_by = options.made_by,
                    .made_wall_ns = options.now_wall_ns,
                    .answer = AnswerManifest{.query = options.query,
                                             .arguments = options.arguments,
                                             .scope = options.scope,
                                             .open_recordings = {},
                                             .gaps = question.gaps,
                                             .segments = {}}};
  for (const store::IngestedRecording& recording : catalog.recordings) {
    if (recording.provisional) manifest.answer->open_recordings.push_back(recording.recording_id);
  }
  for (const store::Segment& segment : catalog.segments) {
    manifest.answer->segments.push_back(
        {segment.table, segment.file, segment.sha256, segment.row_count});
  }
  if (options.scope != Scope::kTouched) {
    ASSIGN_OR_RETURN(Answer again, CheckThatItFollows(options, answer, question, used,
                                                      *manifest.answer, *log, ranges));
    answer.gaps = std::move(again.gaps);
  }

  RETURN_IF_ERROR(archive->Add(kReadmeName, kReadme));
  RETURN_IF_ERROR(archive->Add(kManifestName, ManifestJson(manifest)));
  RETURN_IF_ERROR(archive->Add(kKeyName, key));
  RETURN_IF_ERROR(archive->Add(kQuestionName, question.sql + "\n"));
  for (const queries::Query& query : used.queries()) {
    RETURN_IF_ERROR(archive->Add(fmt::format("{}{}.sql", kQueryPrefix, query.name), query.sql));
  }
  RETURN_IF_ERROR(archive->Add(kRowsName, TextOfLines(answer.rows)));
  RETURN_IF_ERROR(archive->Add(kGapsName, TextOfLines(answer.gaps)));
  report.row_count = answer.rows.size();
  report.gap_count = answer.gaps.size();
  RETURN_IF_ERROR(AddEvidence(*log, ranges, *archive, report));
  return report;
}

Result<ProveReport> Export(const StoreLayout& layout,
                           const std::vector<evidence::EntryRange>& ranges,
                           const std::filesystem::path& out, const Manifest& manifest) {
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(layout));
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(layout, key));
  ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveWriter> archive, ArchiveWriter::Create(out));
  RETURN_IF_ERROR(archive->Add(kReadmeName, kReadme));
  RETURN_IF_ERROR(archive->Add(kManifestName, ManifestJson(manifest)));
  RETURN_IF_ERROR(archive->Add(kKeyName, key));
  ProveReport report;
  RETURN_IF_ERROR(AddEvidence(*log, ranges, *archive, report));
  return report;
}

}  // namespace spoor::proof
