// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/archive.hpp"
#include "event/event.hpp"
#include "ingest/event_row.hpp"
#include "ingest/host_state.hpp"
#include "ingest/moment.hpp"

/// How the state of ingest becomes bytes and state again (base/archive.hpp): each member of each
/// struct is named here. `Pause.LeavesNoTraceInTheTables` fails for one that is not. What changes
/// here changes kStateVersion (recording_ingest.cpp), too.
namespace spoor::event {

template <typename Archive>
void Walk(Archive& archive, ProcessKey& key) {
  archive(key.pid, key.start_boot_ns);
}

template <typename Archive>
void Walk(Archive& archive, ObjectKey& key) {
  WalkEnum(archive, key.type, kObjectTypeCount);
  archive(key.device, key.inode, key.generation, key.instance, key.path);
}

template <typename Archive>
void Walk(Archive& archive, Credentials& credentials) {
  archive(credentials.uid, credentials.euid, credentials.suid, credentials.fsuid, credentials.gid,
          credentials.egid, credentials.sgid, credentials.fsgid, credentials.cap_effective,
          credentials.cap_permitted, credentials.cap_inheritable, credentials.user_namespace);
}

template <typename Archive>
void Walk(Archive& archive, SocketInfo& info) {
  archive(info.netns, info.family, info.type, info.protocol, info.local_ip, info.remote_ip,
          info.local_port, info.remote_port, info.unix_path, info.peer_inode, info.state);
}

/// A kLoss event with all that one has.
template <typename Archive>
void WalkLoss(Archive& archive, Event& event) {
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    event.kind = EventKind::kLoss;
    event.loss.emplace();
  }
  archive(event.host, event.boot_id, event.end_boot_ns, event.wall_ns, event.entry_index,
          event.loss->loss_class, event.loss->count, event.loss->from_boot_ns, event.loss->reason);
}

}  // namespace spoor::event

namespace spoor::ingest {

template <typename Archive>
void Walk(Archive& archive, Moment& moment) {
  archive(moment.boot_ns, moment.wall_ns);
}

template <typename Archive>
void Walk(Archive& archive, FlowCounters& flows) {
  archive(flows.in_count, flows.out_count);
}

template <typename Archive>
void Walk(Archive& archive, Descriptor& descriptor) {
  archive(descriptor.object_id, descriptor.serial, descriptor.close_on_exec, descriptor.pty_master);
}

template <typename Archive>
void Walk(Archive& archive, User& user) {
  archive(user.uid, user.euid);
}

template <typename Archive>
void Walk(Archive& archive, ProcessState& process) {
  archive(process.process_id, process.key, process.start_wall_ns, process.parent_process_id,
          process.end_boot_ns, process.end_wall_ns, process.exit_code, process.baseline,
          process.name, process.executable, process.command_line, process.user, process.credentials,
          process.thread_users, process.descriptors, process.flows, process.changed);
}

template <typename Archive>
void Walk(Archive& archive, SocketState& socket) {
  archive(socket.info, socket.peer_object_id, socket.direction, socket.first_boot_ns,
          socket.first_wall_ns, socket.changed, socket.bound, socket.flow_ids, socket.first_remote);
}

template <typename Archive>
void Walk(Archive& archive, FlowState& flow) {
  archive(flow.flow_id, flow.process_id, flow.object_id, flow.fd, flow.uid, flow.info, flow.inbound,
          flow.begin_boot_ns, flow.begin_wall_ns, flow.end_wall_ns, flow.local_bytes,
          flow.remote_bytes, flow.state, flow.process_written, flow.changed);
}

template <typename Archive>
void Walk(Archive& archive, ObjectState& object) {
  archive(object.object_id, object.key, object.first_boot_ns, object.path, object.flows,
          object.socket, object.changed, object.touched);
}

template <typename Archive>
void Walk(Archive& archive, Name& name) {
  archive(name.object_id, name.from_boot_ns, name.from_wall_ns);
  WalkEnum(archive, name.cause, event::kEventKindCount);
}

/// A text that many rows share.
template <typename Archive>
void WalkSharedText(Archive& archive, std::shared_ptr<const std::string>& text) {
  std::shared_ptr<std::string> shared = std::const_pointer_cast<std::string>(text);
  archive.Shared(
      shared, 0, [] { return std::make_shared<std::string>(); },
      [](Archive& inner, std::string& value) { inner(value); });
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    if (shared == nullptr) return archive.Fail();
    text = std::move(shared);
  }
}

template <typename Archive>
void Walk(Archive& archive, HostState& host) {
  archive(host.host, host.host_id);
  WalkSharedText(archive, host.boot_id);
  archive(host.processes, host.objects, host.names, host.names_not_followed,
          host.names_not_followed_since, host.socket_ends, host.flows, host.waiting_ports);
}

template <typename Archive>
void Walk(Archive& archive, EventRow& row) {
  archive(row.event_id, row.host_id);
  WalkSharedText(archive, row.boot_id);
  archive(row.begin_boot_ns, row.end_boot_ns, row.wall_ns, row.process_id, row.tid);
  WalkEnum(archive, row.kind, event::kEventKindCount);
  archive(row.object_id, row.other_object_id, row.other_process_id, row.fd, row.other_fd, row.path,
          row.other_path, row.size_bytes, row.offset_bytes, row.count, row.result, row.flags,
          row.value, row.uid, row.euid, row.baseline, row.entry_index);
}

}  // namespace spoor::ingest
