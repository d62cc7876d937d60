// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "event/event.hpp"
#include "store/segment_writer.hpp"

namespace spoor::ingest {

/// A row of the table `event` before it is written; 0 is NULL in ids, -1 in descriptors and
/// offsets.
struct EventRow {
  std::int64_t event_id = 0;
  std::int64_t host_id = 0;
  std::shared_ptr<const std::string> boot_id;  ///< shared by all rows of a boot
  std::uint64_t begin_boot_ns = 0, end_boot_ns = 0;
  std::int64_t wall_ns = 0;
  std::int64_t process_id = 0;
  std::uint32_t tid = 0;
  event::EventKind kind = event::EventKind::kFork;
  std::int64_t object_id = 0, other_object_id = 0, other_process_id = 0;
  std::int32_t fd = -1, other_fd = -1;
  std::string path, other_path;
  std::uint64_t size_bytes = 0;
  std::int64_t offset_bytes = -1;
  std::uint64_t count = 1;
  std::int64_t result = 0;
  std::uint64_t flags = 0, value = 0;
  std::uint32_t uid = 0, euid = 0;
  bool baseline = false;
  std::int64_t entry_index = -1;
};

void WriteEventRow(store::SegmentWriter& rows, const EventRow& row);

}  // namespace spoor::ingest
