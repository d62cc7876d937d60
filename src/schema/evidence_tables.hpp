// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/row_cells.hpp"
#include "schema/table.hpp"

/// What the rows rest on: recordings, entries of the evidence, what was not seen.
namespace spoor::schema {

/// One run of a sensor, or one import.
struct RecordingRow {
  Text recording_id;
  Text kind;
  IntegerOrNull host_id;
  TextOrNull boot_id;
  Integer begin_wall_ns;
  IntegerOrNull end_wall_ns;
  Flag closed;
  TextOrNull profile;
  TextOrNull description;
};
template <>
struct Declaration<RecordingRow> {
  static constexpr std::string_view kName = "recording";
  static constexpr std::string_view kMeaning = "One run of a sensor, or one import.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"recording", "recording_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&RecordingRow::recording_id>{Measure::kNone, Merge::kRow, "32 hex digits"},
      Column<&RecordingRow::kind>{Measure::kNone, Merge::kRow, "'sensor' or 'import'"},
      Column<&RecordingRow::host_id>{Measure::kId, Merge::kRow,
                                     "First host (scope) of the recording"},
      Column<&RecordingRow::boot_id>{Measure::kNone, Merge::kRow, "UUID of the boot"},
      Column<&RecordingRow::begin_wall_ns>{Measure::kWallNs, Merge::kRow, "Of the first batch"},
      Column<&RecordingRow::end_wall_ns>{
          Measure::kWallNs, Merge::kRow,
          "Of the closing batch; NULL: still running, or ended without a close"},
      Column<&RecordingRow::closed>{Measure::kNone, Merge::kRow,
                                    "false: what came after is not known"},
      Column<&RecordingRow::profile>{Measure::kNone, Merge::kRow,
                                     "What the sensor was told to record"},
      Column<&RecordingRow::description>{Measure::kNone, Merge::kRow,
                                         "JSON of the recording's first batch"}};
};

/// Something that was not seen.
struct GapRow {
  IntegerOrNull host_id;
  Text recording_id;
  Integer from_boot_ns;
  Integer until_boot_ns;
  Integer from_wall_ns;
  Integer until_wall_ns;
  Text loss_class;
  IntegerOrNull count;
  Text reason;
};
template <>
struct Declaration<GapRow> {
  static constexpr std::string_view kName = "gap";
  static constexpr std::string_view kMeaning = "Something that was not seen.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"gap", "from_boot_ns"}};
  static constexpr auto kColumns = std::tuple{
      Column<&GapRow::host_id>{Measure::kId, Merge::kRow, "Where; NULL: not known, or everywhere"},
      Column<&GapRow::recording_id>{
          Measure::kNone, Merge::kRow,
          "The recording that lacks it; 32 zeros: all that a policy removed"},
      Column<&GapRow::from_boot_ns>{Measure::kBootNs, Merge::kRow, "Since when"},
      Column<&GapRow::until_boot_ns>{Measure::kBootNs, Merge::kRow,
                                     "Until when; 9223372036854775807: not known"},
      Column<&GapRow::from_wall_ns>{Measure::kWallNs, Merge::kRow, "Since when"},
      Column<&GapRow::until_wall_ns>{Measure::kWallNs, Merge::kRow,
                                     "Until when; 9223372036854775807: not known"},
      Column<&GapRow::loss_class>{Measure::kNone, Merge::kRow,
                                  "What kind of record is missing: below"},
      Column<&GapRow::count>{Measure::kCount, Merge::kRow, "How many; NULL: not known"},
      Column<&GapRow::reason>{Measure::kNone, Merge::kRow, "Why, in words"}};
};

/// One entry of the evidence log that is a batch of the recording.
struct EvidenceBatchRow {
  Integer entry_index;
  Text recording_id;
  Integer batch_index;
  Text kind;
  Integer boot_ns;
  Integer wall_ns;
  Integer size_bytes;
  Integer payload_bytes;
  IntegerOrNull record_count;
};
template <>
struct Declaration<EvidenceBatchRow> {
  static constexpr std::string_view kName = "evidence_batch";
  static constexpr std::string_view kMeaning =
      "One entry of the evidence log that is a batch of the recording.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"evidence_batch", "entry_index"}};
  static constexpr auto kColumns = std::tuple{
      Column<&EvidenceBatchRow::entry_index>{Measure::kNone, Merge::kRow,
                                             "Number of the entry in the log"},
      Column<&EvidenceBatchRow::recording_id>{Measure::kNone, Merge::kRow, "The recording"},
      Column<&EvidenceBatchRow::batch_index>{Measure::kNone, Merge::kRow,
                                             "Number of the batch in its recording"},
      Column<&EvidenceBatchRow::kind>{Measure::kNone, Merge::kRow,
                                      "'open', 'records', 'close', 'import_data'"},
      Column<&EvidenceBatchRow::boot_ns>{Measure::kBootNs, Merge::kRow, "When it was sealed"},
      Column<&EvidenceBatchRow::wall_ns>{Measure::kWallNs, Merge::kRow, "When it was sealed"},
      Column<&EvidenceBatchRow::size_bytes>{Measure::kBytes, Merge::kRow, "Of the entry"},
      Column<&EvidenceBatchRow::payload_bytes>{Measure::kBytes, Merge::kRow,
                                               "Of what it carries, decompressed"},
      Column<&EvidenceBatchRow::record_count>{Measure::kCount, Merge::kRow,
                                              "Records or events in it"}};
};

}  // namespace spoor::schema
