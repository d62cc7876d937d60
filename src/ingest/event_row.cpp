// SPDX-License-Identifier: Apache-2.0
#include "ingest/event_row.hpp"

namespace spoor::ingest {
namespace {

using event::EventKind;

std::optional<std::int64_t> NotNegative(std::int64_t number) {
  return number < 0 ? std::nullopt : std::optional(number);
}

/// Whether 0 means something in `flags` or `value` of this kind.
bool HasFlags(EventKind kind) {
  switch (kind) {
    case EventKind::kOpen:
    case EventKind::kDup:
    case EventKind::kUnlink:
    case EventKind::kRename:
    case EventKind::kPipe:
    case EventKind::kDescriptor:
      return true;
    default:
      return false;
  }
}

bool HasValue(EventKind kind) {
  switch (kind) {
    case EventKind::kChmod:
    case EventKind::kChown:
    case EventKind::kTruncate:
    case EventKind::kShutdown:
    case EventKind::kSignal:
    case EventKind::kSetAttribute:
      return true;
    default:
      return false;
  }
}

/// Flags and values are bit patterns of 64 bits; BIGINT holds the same bits.
std::int64_t Bits(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

bool IsIo(EventKind kind) {
  return kind == EventKind::kRead || kind == EventKind::kRecv || IsOutput(kind);
}

bool IsOutput(EventKind kind) {
  return kind == EventKind::kWrite || kind == EventKind::kSend;
}

void WriteEventRow(store::TableWriter& table, const EventRow& row) {
  table.Integer(row.event_id)
      .Integer(row.host_id)
      .Text(*row.boot_id)
      .Unsigned(row.boot_ns)
      .Unsigned(row.end_boot_ns)
      .Integer(row.wall_ns)
      .Integer(row.process_id)
      .Integer(row.tid)
      .Text(event::EventKindName(row.kind))
      .IntegerOrNull(NotZero(row.object_id))
      .IntegerOrNull(NotZero(row.other_object_id))
      .IntegerOrNull(NotNegative(row.fd))
      .IntegerOrNull(NotNegative(row.other_fd))
      .TextOrNull(row.path)
      .TextOrNull(row.other_path);
  if (IsIo(row.kind)) {
    table.Unsigned(row.size_bytes);
  } else {
    table.Null();
  }
  table.IntegerOrNull(NotNegative(row.offset_bytes)).Unsigned(row.count).Integer(row.result);
  if (row.flags != 0 || HasFlags(row.kind)) {
    table.Integer(Bits(row.flags));
  } else {
    table.Null();
  }
  if (row.value != 0 || HasValue(row.kind)) {
    table.Integer(Bits(row.value));
  } else {
    table.Null();
  }
  table.Integer(row.uid)
      .Integer(row.euid)
      .Boolean(row.baseline)
      .IntegerOrNull(NotNegative(row.entry_index));
  table.EndRow();
}

}  // namespace spoor::ingest
