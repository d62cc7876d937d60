// SPDX-License-Identifier: Apache-2.0
#include "proof/verify_bundle.hpp"

#include <algorithm>

#include "base/visible_text.hpp"

namespace spoor::proof {
namespace {

constexpr std::uint64_t kManifestBytesMax = 16 << 20;
constexpr std::uint64_t kSqlBytesMax = 1 << 20;
constexpr std::uint64_t kRowsBytesMax = 512 << 20;

/// What goes wrong with what a bundle says is the bundle's fault.
tl::unexpected<Error> Blame(const ArchiveReader& archive, std::string_view what,
                            const Error& error) {
  const bool ours = error.code == ErrorCode::kIo || error.code == ErrorCode::kUnavailable;
  return Fail(ours ? error.code : ErrorCode::kUnverified, "{}: {}: {}", archive.path().string(),
              what, error.message);
}

Result<> CheckMembers(const ArchiveReader& archive, bool answer) {
  std::vector<std::string_view> wanted{kReadmeName, kManifestName, kKeyName};
  if (answer) wanted.insert(wanted.end(), {kQuestionName, kRowsName, kGapsName});
  wanted.push_back(kExcerptName);
  std::size_t next = 0;
  for (const ArchiveReader::Member& member : archive.members()) {
    const bool query = answer && member.name.starts_with(kQueryPrefix) &&
                       member.name.ends_with(".sql") && next > 0 &&
                       wanted[next - 1] == kQuestionName;
    if (query) continue;
    if (next < wanted.size() && member.name == wanted[next]) {
      ++next;
      continue;
    }
    return Fail(ErrorCode::kUnverified, "{}: {}: does not belong there", archive.path().string(),
                member.name);
  }
  if (next == wanted.size()) return {};
  return Fail(ErrorCode::kUnverified, "{}: has no {}", archive.path().string(), wanted[next]);
}

/// What the entries of a bundle say of the removed beginning of their log: nothing when some of
/// them are of that beginning. Read ahead of all else, for it stands behind the entries that need
/// it.
Result<std::optional<wire::RemovedBeginning>> FindRemovedBeginning(
    const ArchiveReader& archive, const evidence::VerifierKey& key) {
  wire::RemovedBeginningFinder finder;
  std::optional<std::uint64_t> begin;
  ASSIGN_OR_RETURN(const evidence::ByteSource source, archive.Stream(kExcerptName));
  const Result<evidence::ExcerptReport> read = evidence::ReadExcerpt(
      source, key,
      {.range = [&](evidence::EntryRange range, std::span<const evidence::Hash>) -> Result<> {
         if (!begin) begin = range.begin;
         if (*begin == 0) return Fail(ErrorCode::kUnavailable, "enough was read");
         return {};
       },
       .entry = [&](std::uint64_t index,
                    std::span<const std::byte> entry) { return finder.Add(index, entry); }});
  if (begin == 0U) return std::nullopt;
  if (!read) return Blame(archive, kExcerptName, read.error());
  const bool gone = finder.found() && finder.found()->retention.removed_until_entry <= begin;
  return gone ? finder.found() : std::nullopt;
}

class BundleCheck {
 public:
  BundleCheck(const VerifyBundleOptions& options, const ArchiveReader& archive)
      : options_(options), archive_(archive) {}

  Result<BundleReport> Run() {
    ASSIGN_OR_RETURN(BundleHead head, ReadHead(archive_, options_.public_key));
    report_.manifest = std::move(head.manifest);
    report_.key = std::move(head.key);
    ASSIGN_OR_RETURN(report_.removed, FindRemovedBeginning(archive_, report_.key));
    RETURN_IF_ERROR(CheckEntries());
    if (report_.manifest.answer) RETURN_IF_ERROR(CheckAnswer(*report_.manifest.answer));
    return std::move(report_);
  }

 private:
  Result<> CheckEntries() {
    const bool follows =
        !report_.manifest.answer || report_.manifest.answer->scope != Scope::kTouched;
    ASSIGN_OR_RETURN(const evidence::ByteSource source, archive_.Stream(kExcerptName));
    Result<evidence::ExcerptReport> read = evidence::ReadExcerpt(
        source, report_.key,
        {.range = [&](evidence::EntryRange range, std::span<const evidence::Hash>) -> Result<> {
           begin_ = std::min(begin_, range.begin);
           return {};
         },
         .entry = [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
           return follows ? Follow(index, entry) : Result<>();
         }});
    if (!read) return Blame(archive_, kExcerptName, read.error());
    report_.excerpt = std::move(*read);
    return {};
  }

  /// A recording whose beginning was removed goes on from where it stood.
  Result<> Follow(std::uint64_t index, std::span<const std::byte> entry) {
    const std::optional<wire::Batch> batch = wire::PeekBatch(entry);
    if (report_.removed && batch && batch->batch_index > 0 &&
        !report_.recordings.recordings().contains(batch->recording_id)) {
      for (const wire::CarriedRecording& before : report_.removed->carried.recordings) {
        if (before.recording_id != batch->recording_id) continue;
        report_.recordings.Continue(before.recording_id, before.extent, before.last_sha256);
      }
    }
    return report_.recordings.Add(index, entry);
  }

  Result<> CheckAnswer(const AnswerManifest& answer) {
    ASSIGN_OR_RETURN(const queries::Library library, ReadLibrary());
    ASSIGN_OR_RETURN(const std::string question, archive_.Read(kQuestionName, kSqlBytesMax));
    ASSIGN_OR_RETURN(const std::string rows, archive_.Read(kRowsName, kRowsBytesMax));
    ASSIGN_OR_RETURN(const std::string gaps, archive_.Read(kGapsName, kRowsBytesMax));
    report_.question = question.substr(0, question.find_last_not_of('\n') + 1);
    const std::vector<std::string> row_lines = LinesOf(rows);
    report_.row_count = row_lines.size();
    report_.gaps = LinesOf(gaps);
    if (answer.scope == Scope::kTouched) return {};
    const bool whole = report_.excerpt.range_count == 0 ||
                       (report_.excerpt.range_count == 1 && begin_ == report_.removed_until());
    if (answer.scope == Scope::kLog && !whole) {
      return Fail(ErrorCode::kUnverified, "{}: {}: not all entries, as the manifest says",
                  archive_.path().string(), kExcerptName);
    }
    return Derive(answer, library, row_lines);
  }

  Result<queries::Library> ReadLibrary() {
    std::vector<queries::Query> queries;
    for (const ArchiveReader::Member& member : archive_.members()) {
      if (!member.name.starts_with(kQueryPrefix)) continue;
      const std::string name = member.name.substr(
          kQueryPrefix.size(), member.name.size() - kQueryPrefix.size() - std::size(".sql") + 1);
      ASSIGN_OR_RETURN(const std::string sql, archive_.Read(member.name, kSqlBytesMax));
      auto query = queries::ParseQuery(name, sql, "");
      if (!query) return Blame(archive_, member.name, query.error());
      RETURN_IF_ERROR(CompareWithBuiltIn(*query, member.name));
      queries.push_back(std::move(*query));
    }
    auto library = queries::Library::Of(std::move(queries));
    if (!library) return Blame(archive_, kQueryPrefix, library.error());
    return library;
  }

  Result<> CompareWithBuiltIn(const queries::Query& query, const std::string& member) {
    const auto known = options_.built_in->Find(query.name);
    if (known && (*known)->sql == query.sql) return {};
    if (known && report_.manifest.made_by == options_.program) {
      return Fail(ErrorCode::kUnverified, "{}: {}: is not the query of that name in {}",
                  archive_.path().string(), member, options_.program);
    }
    report_.foreign_queries.push_back(query.name);
    return {};
  }

  Result<> Derive(const AnswerManifest& answer, const queries::Library& library,
                  const std::vector<std::string>& rows) {
    const ingest::EntryFeed feed = [&](const evidence::LogReader::Visit& visit) -> Result<> {
      ASSIGN_OR_RETURN(const evidence::ByteSource source, archive_.Stream(kExcerptName));
      RETURN_IF_ERROR(evidence::ReadExcerpt(source, report_.key, {.range = {}, .entry = visit}));
      return {};
    };
    auto derived = DerivedStore::Make(
        feed,
        {.ingest = options_.ingest,
         .origin = {.open_recordings = {answer.open_recordings.begin(),
                                        answer.open_recordings.end()},
                    .carried = report_.removed ? report_.removed->carried : wire::Carried{}},
         .memory_bytes_max = options_.memory_bytes_max},
        library);
    if (!derived) return Blame(archive_, "the rows cannot be made again", derived.error());
    RETURN_IF_ERROR(CheckQuestion(answer, library, (*derived)->store()));
    const auto again =
        Ask((*derived)->store(), {.sql = report_.question, .gaps = report_.manifest.answer->gaps},
            options_.watch);
    if (!again) return Blame(archive_, kQuestionName, again.error());
    if (const auto difference = DifferenceOf(rows, again->rows)) {
      return Fail(ErrorCode::kUnverified, "{}: {}: {}", archive_.path().string(), kRowsName,
                  *difference);
    }
    if (const auto difference = DifferenceOf(report_.gaps, again->gaps)) {
      return Fail(ErrorCode::kUnverified, "{}: {}: {}", archive_.path().string(), kGapsName,
                  *difference);
    }
    report_.derived = true;
    return {};
  }

  /// That the SQL is what the name and the arguments give, and the gaps those that concern it.
  Result<> CheckQuestion(const AnswerManifest& answer, const queries::Library& library,
                         store::Store& store) {
    AskedQuestion wanted{report_.question, queries::GapWindowOf(library, report_.question)};
    if (!answer.query.empty()) {
      const auto query = library.Find(answer.query);
      if (!query) return Blame(archive_, kManifestName, query.error());
      auto sql =
          library.Render(answer.query, answer.arguments, store, report_.manifest.made_wall_ns);
      if (!sql) return Blame(archive_, kManifestName, sql.error());
      wanted = {std::move(*sql), queries::GapWindowOf(library, **query, answer.arguments,
                                                      report_.manifest.made_wall_ns)};
    }
    if (wanted.sql != report_.question) {
      return Fail(ErrorCode::kUnverified,
                  "{}: {}: is not what the manifest's query and arguments "
                  "ask: {}",
                  archive_.path().string(), kQuestionName, VisibleText(wanted.sql));
    }
    if (wanted.gaps != answer.gaps) {
      return Fail(ErrorCode::kUnverified, "{}: {}: other gaps than those that concern the question",
                  archive_.path().string(), kManifestName);
    }
    return {};
  }

  const VerifyBundleOptions& options_;
  const ArchiveReader& archive_;
  BundleReport report_;
  std::uint64_t begin_ = UINT64_MAX;  // of the first range
};

}  // namespace

std::uint64_t BundleReport::missing_batch_count() const {
  std::uint64_t count = 0;
  for (const auto& [id, recording] : recordings.recordings()) {
    count += recording.extent.missing_batch_count;
  }
  return count;
}

std::uint64_t BundleReport::unended_count() const {
  std::uint64_t count = 0;
  for (const auto& [id, recording] : recordings.recordings()) {
    if (!recording.extent.closed && !recording.extent.is_account) ++count;
  }
  return count;
}

bool BundleReport::incomplete() const {
  return manifest.answer &&
         (!derived || !gaps.empty() || missing_batch_count() != 0 || unended_count() != 0);
}

Result<BundleHead> ReadHead(const ArchiveReader& archive, const std::string& public_key) {
  ASSIGN_OR_RETURN(const std::string json, archive.Read(kManifestName, kManifestBytesMax));
  auto manifest = ParseManifest(json);
  if (!manifest) {
    return Fail(manifest.error().code, "{}: {}", archive.path().string(), manifest.error().message);
  }
  RETURN_IF_ERROR(CheckMembers(archive, manifest->answer.has_value()));
  ASSIGN_OR_RETURN(const std::string own_text, archive.Read(kKeyName, 4096));
  const auto own = evidence::VerifierKey::Parse(own_text);
  if (!own) return Blame(archive, kKeyName, own.error());
  if (public_key.empty()) return BundleHead{std::move(*manifest), *own};
  ASSIGN_OR_RETURN(const evidence::VerifierKey given, evidence::VerifierKey::Parse(public_key));
  if (given.Text() == own->Text()) return BundleHead{std::move(*manifest), given};
  return Fail(ErrorCode::kUnverified, "{}: is of the log {} (key {}), not of {} (key {})",
              archive.path().string(), own->name, evidence::EncodeHex(own->key_id), given.name,
              evidence::EncodeHex(given.key_id));
}

Result<BundleReport> VerifyBundle(const VerifyBundleOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ArchiveReader> archive, ArchiveReader::Open(options.file));
  return BundleCheck(options, *archive).Run();
}

}  // namespace spoor::proof
