// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "schema/evidence_tables.hpp"
#include "schema/host_tables.hpp"
#include "schema/network_tables.hpp"
#include "schema/object_tables.hpp"

namespace spoor::schema {

/// All tables, in the order in which documents list them.
template <typename... Rows>
struct RowList {
  static constexpr std::size_t kSize = sizeof...(Rows);
  template <typename Row>
  static constexpr std::size_t IndexOf() {
    std::size_t index = 0;
    static_cast<void>(((std::is_same_v<Row, Rows> || (++index, false)) || ...));
    return index;
  }
  static std::vector<TableDescription> DescribeAll() { return {Describe<Rows>()...}; }
};
using AllRows =
    RowList<HostRow, RecordingRow, ProcessRow, ExecRow, CredentialChangeRow, EventRow, ObjectRow,
            ObjectNameRow, SocketRow, IoRow, TerminalRow, FlowRow, FlowProcessRow, AlertRow,
            AlertPacketRow, FingerprintRow, ClockOffsetRow, LogLineRow, GapRow, EvidenceBatchRow>;

/// The place of a row's table in Tables().
template <typename Row>
inline constexpr std::size_t kTableIndex = AllRows::IndexOf<Row>();

/// The declarations as data, in the order of AllRows.
const std::vector<TableDescription>& Tables();

/// Whether `name` is a folder of segments: a sort order of a table.
bool IsSegmentFolder(std::string_view name);

}  // namespace spoor::schema
