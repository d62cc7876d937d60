// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/archive.hpp"
#include "event/event.hpp"
#include "ingest/host_state.hpp"
#include "ingest/io_merger.hpp"
#include "ingest/names.hpp"
#include "ingest/range_door.hpp"
#include "store/segment_writer.hpp"

namespace spoor::ingest {

/// Turns the events of one recording, in the order of time, into rows of the tables (src/schema):
/// gives processes, files, sockets their ids, follows descriptors, names and credentials, pairs
/// sockets, sums flows up and merges repeated I/O. One vocabulary, whatever the source. Not
/// thread-safe.
///
/// Memory grows with the processes alive, the files named and the sockets in use at a time, not
/// with the number of events.
class Normaliser {
 public:
  /// Rows go to `rows`, which must outlive it.
  Normaliser(store::SegmentWriter& rows, std::string recording_id);

  /// `entry_index`: the evidence entry that was read last; ids of events ascend with it, and the
  /// same evidence gives the same ids.
  void Take(const event::Event& event, std::uint64_t entry_index);

  /// Brings to `rows` what is known of processes, objects, sockets and flows since the last time,
  /// and the merged I/O that was held back; then forgets what has ended.
  void Flush();

  /// Its state between two Takes for base/archive.hpp, without the rows that it wrote; include
  /// ingest/state_walk.hpp to use it.
  template <typename Archive>
  void Walk(Archive& archive) {
    last_host_ = nullptr;
    archive(door_, names_, merger_, hosts_, next_serial_, event_count_, last_moment_);
    WalkNumber(archive, last_event_id_, std::int64_t{0}, INT64_MAX / 2);
  }

  std::uint64_t event_count() const { return event_count_; }
  /// The revision of rows that other things than events tell of, when `entry_index` was read last.
  std::int64_t RevisionAt(std::uint64_t entry_index) const;
  /// Time of the newest event taken.
  const Moment& last_moment() const { return last_moment_; }

 private:
  HostState& HostOf(const event::Event& event);
  ProcessState& ProcessOf(HostState& host, const event::ProcessKey& key, const Moment& now);
  ObjectState& ObjectOf(HostState& host, const event::ObjectKey& key, const Moment& now);

  /// The object that `event` is about, from its key, its descriptor or its name; null: none.
  ObjectState* Resolve(HostState& host, ProcessState& process, const event::Event& event,
                       const Moment& now);
  ObjectState* ResolveOther(HostState& host, ProcessState& process, const event::Event& event,
                            const Moment& now);
  ObjectState* ByDescriptor(HostState& host, const ProcessState& process, std::int32_t fd);
  ObjectState* ByName(HostState& host, const std::string& path, const Moment& now);

  void TakeAdmitted(const event::Event& event, std::uint64_t entry_index);
  void TakeLoss(const event::Event& event);
  void ApplyToProcess(HostState& host, ProcessState& process, const event::Event& event,
                      const Moment& now);
  void ApplyFork(HostState& host, ProcessState& process, const event::Event& event,
                 const Moment& now);
  void ApplyToDescriptors(ProcessState& process, const event::Event& event,
                          const ObjectState* object, const ObjectState* other);
  void ApplyToNames(HostState& host, const event::Event& event, ObjectState* object,
                    ObjectState* other, const Moment& now);
  void TakeIo(HostState& host, ProcessState& process, const event::Event& event,
              ObjectState& object, EventRow& row);
  void BumpFlows(HostState& host, ProcessState& process, const event::Event& event,
                 ObjectState* object, ObjectState* other);
  void SetDescriptor(ProcessState& process, std::int32_t fd, const ObjectState* object,
                     bool close_on_exec, bool pty_master);
  EventRow MakeRow(const HostState& host, const ProcessState& process, const event::Event& event,
                   const ObjectState* object, const ObjectState* other) const;
  void WriteExec(const event::Event& event, const EventRow& row);
  void WriteIo(const HostState& host, const event::Event& event, const EventRow& row,
               std::int64_t event_id, bool pty_master);
  void WriteTerminal(const HostState& host, const event::Event& event, const EventRow& row);
  void FlushHost(HostState& host);

  store::SegmentWriter& rows_;
  std::string recording_id_;
  RangeDoor door_;
  NameKeeper names_;
  IoMerger merger_;
  std::map<std::pair<std::string, std::string>, HostState> hosts_;  // (host, boot_id)
  HostState* last_host_ = nullptr;
  std::int64_t last_event_id_ = 0;
  std::uint64_t next_serial_ = 1;
  std::uint64_t event_count_ = 0;
  Moment last_moment_;
};

}  // namespace spoor::ingest
