// SPDX-License-Identifier: Apache-2.0
#include "programs/verify_bundle.hpp"
#include "programs/print.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/recordings_json.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "proof/verify_bundle.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::programs {
namespace {

using Json = nlohmann::ordered_json;

void PrintLine(const Json& json) {
  PrintJson(json);
}

void PrintJson(const proof::BundleReport& report, bool key_given) {
  const evidence::Checkpoint& checkpoint = report.excerpt.checkpoint;
  Json json{{"verified", true},
            {"kind", report.manifest.answer ? "answer" : "evidence"},
            {"made_by", report.manifest.made_by},
            {"made_wall_ns", report.manifest.made_wall_ns},
            {"signed_by", checkpoint.origin},
            {"key_id", evidence::EncodeHex(report.key.key_id)},
            {"key_given", key_given},
            {"checkpoint_size", checkpoint.size},
            {"root_sha256", evidence::EncodeHex(checkpoint.root)},
            {"signed_wall_ns", checkpoint.signed_wall_ns},
            {"other_signatures", checkpoint.other_signatures},
            {"entry_count", report.excerpt.entry_count},
            {"entry_bytes", report.excerpt.entry_bytes},
            {"proof_bytes", report.excerpt.proof_bytes},
            {"whole_log", report.whole_log()},
            {"removed_until_entry", report.removed_until()},
            {"recordings", analysis::RecordingsJson(report.recordings)}};
  if (report.manifest.answer) {
    const proof::AnswerManifest& answer = *report.manifest.answer;
    json["query"] = answer.query;
    json["question"] = report.question;
    json["scope"] = proof::ScopeName(answer.scope);
    json["row_count"] = report.row_count;
    json["rows_derived"] = report.derived;
    json["gap_count"] = report.gaps.size();
    json["foreign_queries"] = report.foreign_queries;
    json["incomplete"] = report.incomplete();
  }
  PrintLine(json);
}

void PrintRecordings(const proof::BundleReport& report) {
  for (const auto& [id, recording] : report.recordings.InOrder()) {
    const wire::RecordingExtent& extent = recording.extent;
    if (extent.is_account) continue;
    PrintOut("  {}  {} batches, {} to {}{}{}\n", wire::FormatRecordingId(id), extent.batch_count,
             WallTimeText(extent.first_wall_ns), WallTimeText(extent.last_wall_ns),
             extent.closed ? "" : ", NO END",
             extent.missing_batch_count == 0
                 ? ""
                 : fmt::format(", {} batches MISSING", extent.missing_batch_count));
  }
}

void PrintAnswer(const proof::BundleReport& report) {
  const proof::AnswerManifest& answer = *report.manifest.answer;
  PrintOut("question   {}\n", VisibleText(report.question));
  if (report.derived) {
    PrintOut(
        "proved     the rows follow: these entries, asked this question here and now, gave "
        "the same {} rows\n",
        report.row_count);
  } else {
    PrintOut(
        "NOT PROVED that the {} rows follow: the bundle brings too few entries to make them "
        "again (made with --touched)\n",
        report.row_count);
  }
  if (answer.scope == proof::Scope::kRecordings) {
    PrintOut("           from these recordings; what else the log holds was not asked\n");
  }
  if (!report.foreign_queries.empty()) {
    PrintOut("to read    the query texts that are not this program's own: {}\n",
             fmt::join(report.foreign_queries, ", "));
  }
  if (report.gaps.empty()) {
    PrintOut("gaps       none {}\n", report.derived ? "recorded" : "claimed");
  } else {
    PrintOut("GAPS       {}: rows may be missing because of what could not be recorded\n",
             report.gaps.size());
    for (const std::string& gap : report.gaps) PrintOut("  {}\n", VisibleText(gap));
  }
}

void PrintStatement(const proof::BundleReport& report, bool key_given) {
  const evidence::Checkpoint& checkpoint = report.excerpt.checkpoint;
  const bool whole = report.whole_log();
  PrintOut("proved     {} entries, {} bytes, are in the signed log{}\n", report.excerpt.entry_count,
           report.excerpt.entry_bytes,
           !whole                        ? fmt::format(", which had {}", checkpoint.size)
           : report.removed_until() == 0 ? ": all that it had"
                                         : ": all that was left of it");
  if (report.removed_until() != 0) {
    const wire::Removal& last = report.removed->retention.removals.back();
    PrintOut("removed    entries 0 to {} by policy before this was made: {}, by {}\n",
             report.removed_until() - 1, VisibleText(last.policy), VisibleText(last.by));
  }
  PrintOut("root       {}\n", evidence::EncodeHex(checkpoint.root));
  PrintOut("signed     {} by {} (key {}), {} other signatures, not checked\n",
           WallTimeText(checkpoint.signed_wall_ns), checkpoint.origin,
           evidence::EncodeHex(report.key.key_id), checkpoint.other_signatures);
  PrintOut("key        {}\n",
           key_given ? "the one you gave"
                     : "OUT OF THE BUNDLE ITSELF: proves that it is of one piece, not whose it "
                       "is (--key)");
  PrintOut("made       {} by {} (both are claims)\n", WallTimeText(report.manifest.made_wall_ns),
           VisibleText(report.manifest.made_by));
  if (report.manifest.answer) PrintAnswer(report);
  const auto recordings = report.recordings.recordings().size();
  if (recordings != 0) PrintOut("recordings\n");
  PrintRecordings(report);
}

}  // namespace

Result<ExitCode> VerifyBundleFile(const VerifyBundleCommand& command) {
  ASSIGN_OR_RETURN(const queries::Library built_in, queries::Library::Load({}));
  ASSIGN_OR_RETURN(const std::chrono::nanoseconds time_max, command.limits.time());
  command.limits.HoldProcess();
  const auto report = proof::VerifyBundle(
      {.file = command.file,
       .public_key = command.public_key,
       .program = "spoor " SPOOR_VERSION,
       .built_in = &built_in,
       .ingest = {.importers = analysis::MakeImporter},
       .watch = [time_max](
                    store::Store& store) { return std::make_shared<QueryWatch>(store, time_max); },
       .memory_bytes_max = command.limits.memory_bytes_max});
  if (!report) {
    if (command.json && report.error().code == ErrorCode::kUnverified) {
      PrintLine({{"verified", false}, {"error", report.error().message}});
    }
    return tl::unexpected<Error>(report.error());
  }
  const bool key_given = !command.public_key.empty();
  if (command.json) {
    PrintJson(*report, key_given);
  } else if (!command.quiet) {
    PrintStatement(*report, key_given);
  }
  return report->incomplete() ? ExitCode::kIncomplete : ExitCode::kDone;
}

}  // namespace spoor::programs
