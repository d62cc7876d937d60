// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "importers/text/json_line.hpp"

namespace spoor::importers {

/// Fields of Zeek's logs that are read by name.
enum class ZeekField : std::uint8_t {
  kTs,
  kUid,
  kOrigHost,
  kOrigPort,
  kRespHost,
  kRespPort,
  kProto,
  kService,
  kDuration,
  kOrigBytes,
  kRespBytes,
  kConnState,
  kOrigPackets,
  kRespPackets,
  kMissedBytes,
  kCommunityId,
  kNote,
  kMessage,
  kSub,
  kSource,
  kDestination,
  kTransportProto,
  kGaps,
  kPeer,
  kHistory,
  kNone
};
inline constexpr std::size_t kZeekFieldCount = static_cast<std::size_t>(ZeekField::kNone);
ZeekField ZeekFieldOf(std::string_view name);

/// One record, whichever writer wrote it: values as the TSV writer spells them, but for escapes,
/// which are undone, and decimal numbers, which have at most six places and no zeros at the end.
/// Unset fields are left out.
struct ZeekRecord {
  std::string path;  ///< name of the log; empty: not told
  /// In the order of the record, all but ts and what the writer added.
  std::vector<std::pair<std::string, std::string>> members;
  std::array<std::string, kZeekFieldCount> fields;  ///< empty: unset

  const std::string& operator[](ZeekField field) const {
    return fields[static_cast<std::size_t>(field)];
  }
  void Clear();
  /// "uid=C1 id.orig_h=10.0.0.1 …", values with spaces in quotes.
  std::string Text() const;
};

/// Header and lines of the TSV writer. Not thread-safe.
class ZeekTsv {
 public:
  enum class Line { kRecord, kHeader, kMalformed };
  /// Fills `record` (cleared before) where `line` is a record.
  Line Take(std::string_view line, ZeekRecord& record);

 private:
  struct Column {
    std::string name;
    ZeekField field = ZeekField::kNone;
    bool is_time = false, is_bool = false, is_decimal = false, is_list = false;
  };
  Line TakeHeader(std::string_view line);
  std::string ValueOf(const Column& column, std::string_view text) const;

  std::string separator_ = "\t", set_separator_ = ",", empty_ = "(empty)", unset_ = "-", path_;
  std::vector<Column> columns_;
};

/// Fills `record` (cleared before) from a line of the JSON writer.
void FillFromJson(JsonObject object, ZeekRecord& record);

}  // namespace spoor::importers
