// SPDX-License-Identifier: Apache-2.0
#include "ingest/event_row.hpp"

namespace spoor::ingest {

void WriteEventRow(store::SegmentWriter& rows, const EventRow& row) {
  using schema::AtMostMax, schema::NotNegative, schema::NotZero, schema::SameBits;
  const event::KindTraits& traits = event::TraitsOf(row.kind);
  const auto bits_if = [](bool told, std::uint64_t bits) {
    return told ? std::optional(SameBits(bits)) : std::nullopt;
  };
  rows.Append(schema::EventRow{
      .event_id = row.event_id,
      .host_id = row.host_id,
      .boot_id = *row.boot_id,
      .boot_ns = AtMostMax(row.begin_boot_ns),
      .end_boot_ns = AtMostMax(row.end_boot_ns),
      .wall_ns = row.wall_ns,
      .process_id = row.process_id,
      .tid = row.tid,
      .kind = traits.name,
      .object_id = NotZero(row.object_id),
      .other_object_id = NotZero(row.other_object_id),
      .other_process_id = NotZero(row.other_process_id),
      .fd = NotNegative(row.fd),
      .other_fd = NotNegative(row.other_fd),
      .path = schema::NotEmpty(row.path),
      .other_path = schema::NotEmpty(row.other_path),
      .size_bytes =
          event::MovesBytes(row.kind) ? std::optional(AtMostMax(row.size_bytes)) : std::nullopt,
      .offset_bytes = NotNegative(row.offset_bytes),
      .count = AtMostMax(row.count),
      .result = row.result,
      .flags = bits_if(row.flags != 0 || traits.has_flags, row.flags),
      .value = bits_if(row.value != 0 || traits.has_value, row.value),
      .uid = row.uid,
      .euid = row.euid,
      .baseline = row.baseline,
      .entry_index = NotNegative(row.entry_index),
  });
}

}  // namespace spoor::ingest
