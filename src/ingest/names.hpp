// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ingest/host_state.hpp"
#include "store/segment_writer.hpp"

/// The names of files over time: rows of object_name.
namespace spoor::ingest {

/// A rename of a folder renames everything below it. Below small folders each name is followed;
/// where that would make more than a few rows per event, names below end and are known again from
/// their next use, and are counted: the rename itself stays one row, whatever lies below.
class NameKeeper {
 public:
  /// Rows go to `rows`, which must outlive it; `revision` is the newest event_id.
  explicit NameKeeper(store::SegmentWriter& rows);

  /// Who is called `path` now; 0: not known.
  static std::int64_t Find(const HostState& host, const std::string& path);
  /// `object_id` was found to be called `path`: whoever had the name has it no longer.
  void Show(HostState& host, std::int64_t object_id, const std::string& path, const Moment& now,
            event::EventKind cause, std::int64_t revision);
  /// Nobody is called `path` any longer.
  void End(HostState& host, const std::string& path, const Moment& now, std::int64_t revision);
  /// What was called `from`, and everything below it, is called `to` now.
  void Rename(HostState& host, const std::string& from, const std::string& to, const Moment& now,
              std::int64_t revision);
  /// The two names, and everything below them, change places.
  void Exchange(HostState& host, const std::string& a, const std::string& b, const Moment& now,
                std::int64_t revision);
  void Write(const HostState& host, const std::string& path, const Name& name,
             std::optional<std::uint64_t> until_boot_ns, std::int64_t revision);
  /// Writes a row of gap, class "name", where names of `host` were not followed since the last
  /// call.
  void WriteGap(HostState& host, const std::string& recording_id, const Moment& now);

  /// Its state for base/archive.hpp.
  template <typename Archive>
  void Walk(Archive& archive) {
    archive(affordable_);
  }

 private:
  using Tree = std::vector<std::pair<std::string, std::int64_t>>;
  /// Ends `path` and all names below it; returns them relative to `path`, with their objects.
  Tree Take(HostState& host, const std::string& path, const Moment& now, std::int64_t revision);
  /// Takes from what may be spent on `tree`; where it is not enough, only the folder itself stays
  /// in it.
  void Afford(HostState& host, Tree& tree, const Moment& now);
  void Put(HostState& host, std::int64_t object_id, const std::string& path, const Moment& now,
           event::EventKind cause, std::int64_t revision);
  void Give(HostState& host, const std::string& path, const Tree& tree, const Moment& now,
            std::int64_t revision);

  store::SegmentWriter* rows_;
  std::uint64_t affordable_ = 0;  // names that renames of folders may still move
};

}  // namespace spoor::ingest
