// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ingest/host_state.hpp"
#include "ingest/moment.hpp"
#include "store/segment_writer.hpp"

/// The names of files over time: rows of object_name.
namespace spoor::ingest {

class NameKeeper {
 public:
  /// Rows go to `rows`, which must outlive it; `revision` is the newest event_id.
  explicit NameKeeper(store::SegmentWriter& rows) : rows_(&rows) {}

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

 private:
  using Tree = std::vector<std::pair<std::string, std::int64_t>>;
  /// Ends `path` and all names below it; returns them relative to `path`, with their objects.
  Tree Take(HostState& host, const std::string& path, const Moment& now, std::int64_t revision);
  void Give(HostState& host, const std::string& path, const Tree& tree, const Moment& now,
            std::int64_t revision);

  store::SegmentWriter* rows_;
};

}  // namespace spoor::ingest
