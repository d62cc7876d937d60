// SPDX-License-Identifier: Apache-2.0
#include "ingest/normaliser.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "ingest/command_line.hpp"
#include "ingest/sockets.hpp"
#include "ingest/users.hpp"

namespace spoor::ingest {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectKey;
using event::ObjectType;

/// An entry gives at most 4 MiB of records or text, so its events fit in 24 bits.
constexpr unsigned kEventsOfEntryBits = 24;
constexpr std::uint64_t kCloseRangeCloseOnExec = 4;

}  // namespace

Normaliser::Normaliser(store::SegmentWriter& rows, std::string recording_id)
    : rows_(rows),
      recording_id_(std::move(recording_id)),
      names_(rows),
      merger_([this](const EventRow& row) { WriteEventRow(rows_, row); }) {}

void Normaliser::Take(const Event& event, std::uint64_t entry_index) {
  TakeAdmitted(door_.Admit(event), entry_index);
}

std::int64_t Normaliser::RevisionAt(std::uint64_t entry_index) const {
  return std::max(last_event_id_, static_cast<std::int64_t>(entry_index << kEventsOfEntryBits));
}

void Normaliser::TakeAdmitted(const Event& event, std::uint64_t entry_index) {
  ++event_count_;
  last_event_id_ =
      std::max(last_event_id_ + 1, static_cast<std::int64_t>(entry_index << kEventsOfEntryBits));
  const Moment now{event.end_boot_ns, event.wall_ns};
  last_moment_ = now;
  if (event.kind == EventKind::kLoss) return TakeLoss(event);

  HostState& host = HostOf(event);
  ProcessState& process = ProcessOf(host, event.process, now);
  ObjectState* const object = Resolve(host, process, event, now);
  ObjectState* const other = ResolveOther(host, process, event, now);
  EventRow row = MakeRow(host, process, event, object, other);
  row.entry_index =
      event.entry_index >= 0 ? event.entry_index : static_cast<std::int64_t>(entry_index);
  rows_.NotePartition(host.host_id, host.host, row.wall_ns);
  FollowUser(process, event, row.event_id, rows_);

  if (object != nullptr && object->key.type == ObjectType::kSocket) {
    NoteSocket(host, *object, event, process.process_id, now);
  }
  if (event.kind == EventKind::kSocketpair && object != nullptr && other != nullptr) {
    NoteSocket(host, *other, event, process.process_id, now);
    PairSockets(host, object->object_id, other->object_id);
  }
  if (event::MovesBytes(event.kind) && object != nullptr) {
    TakeIo(host, process, event, *object, row);
  } else {
    if (event.kind == EventKind::kExec) WriteExec(event, row);
    if (event.kind == EventKind::kWindowSize) WriteTerminal(host, event, row);
    WriteEventRow(rows_, row);
    BumpFlows(host, process, event, object, other);
  }
  ApplyToDescriptors(process, event, object, other);
  ApplyToNames(host, event, object, other, now);
  ApplyToProcess(host, process, event, now);
}

HostState& Normaliser::HostOf(const Event& event) {
  if (last_host_ != nullptr && last_host_->host == event.host &&
      *last_host_->boot_id == event.boot_id) {
    return *last_host_;
  }
  const auto [position, added] = hosts_.try_emplace({event.host, event.boot_id});
  HostState& host = position->second;
  if (added) {
    host.host = event.host;
    host.host_id = event::HostId(event.host);
    host.boot_id = std::make_shared<const std::string>(event.boot_id);
    rows_.Append(schema::HostRow{.host_id = host.host_id, .name = host.host});
  }
  last_host_ = &host;
  return host;
}

ProcessState& Normaliser::ProcessOf(HostState& host, const event::ProcessKey& key,
                                    const Moment& now) {
  const auto [position, added] = host.processes.try_emplace(key);
  ProcessState& process = position->second;
  if (added) {
    process.process_id = event::ProcessId(host.host, *host.boot_id, key);
    process.key = key;
    if (key.start_boot_ns != 0) {
      process.start_wall_ns = WallTimeAt(key.start_boot_ns, now);
    }
  }
  return process;
}

ObjectState& Normaliser::ObjectOf(HostState& host, const ObjectKey& key, const Moment& now) {
  const std::int64_t id = event::ObjectId(host.host, *host.boot_id, key);
  const auto [position, added] = host.objects.try_emplace(id);
  ObjectState& object = position->second;
  if (added) {
    object.object_id = id;
    object.key = key;
    object.path = std::move(object.key.path);
    object.first_boot_ns = now.boot_ns;
  }
  object.touched = true;
  return object;
}

ObjectState* Normaliser::ByDescriptor(HostState& host, const ProcessState& process,
                                      std::int32_t fd) {
  const Descriptor* const descriptor = process.descriptors.Find(fd);
  if (descriptor == nullptr) return nullptr;
  const auto object = host.objects.find(descriptor->object_id);
  if (object == host.objects.end()) return nullptr;
  object->second.touched = true;
  return &object->second;
}

ObjectState* Normaliser::ByName(HostState& host, const std::string& path, const Moment& now) {
  if (const std::int64_t id = NameKeeper::Find(host, path); id != 0) {
    if (const auto object = host.objects.find(id); object != host.objects.end()) {
      return &object->second;
    }
  }
  ObjectKey key;
  key.type = ObjectType::kPath;
  key.path = path;
  return &ObjectOf(host, key, now);
}

ObjectState* Normaliser::Resolve(HostState& host, ProcessState& process, const Event& event,
                                 const Moment& now) {
  if (event.object.type != ObjectType::kNone) return &ObjectOf(host, event.object, now);
  if (event.fd >= 0 && !event::TraitsOf(event.kind).makes_descriptor) {
    if (ObjectState* const object = ByDescriptor(host, process, event.fd)) return object;
  }
  if (event.looked_up) return nullptr;  // where that did not tell, the name does not
  if (event.path.starts_with('/')) return ByName(host, event.path, now);
  return nullptr;
}

ObjectState* Normaliser::ResolveOther(HostState& host, ProcessState& process, const Event& event,
                                      const Moment& now) {
  if (event.other_object.type != ObjectType::kNone) {
    return &ObjectOf(host, event.other_object, now);
  }
  if (event.kind == EventKind::kAccept) return ByDescriptor(host, process, event.other_fd);
  // What a rename replaced, where the kernel was not asked.
  if (event.kind == EventKind::kRename && event.result >= 0 && !event.other_path_unproven &&
      !event.other_looked_up) {
    const auto object = host.objects.find(NameKeeper::Find(host, event.other_path));
    // Another device's file is called so in another mount namespace.
    if (object != host.objects.end() &&
        (!event.looked_up || object->second.key.device == event.object.device)) {
      return &object->second;
    }
  }
  return nullptr;
}

EventRow Normaliser::MakeRow(const HostState& host, const ProcessState& process, const Event& event,
                             const ObjectState* object, const ObjectState* other) const {
  EventRow row;
  row.event_id = last_event_id_;
  row.host_id = host.host_id;
  row.boot_id = host.boot_id;
  const bool begin_known = event.begin_boot_ns != 0 && event.begin_boot_ns <= event.end_boot_ns;
  row.begin_boot_ns = begin_known ? event.begin_boot_ns : event.end_boot_ns;
  row.end_boot_ns = event.end_boot_ns;
  row.wall_ns = event.wall_ns;
  row.process_id = process.process_id;
  row.tid = event.tid;
  row.kind = event.kind;
  if (object != nullptr) row.object_id = object->object_id;
  if (event.other_process) {
    row.other_process_id = event::ProcessId(host.host, *host.boot_id, *event.other_process);
  }
  if (other != nullptr) row.other_object_id = other->object_id;
  row.fd = event.fd;
  row.other_fd = event.other_fd;
  row.path = event.path;
  row.other_path = event.other_path;
  row.size_bytes = event.size_bytes;
  row.offset_bytes = event.offset_bytes;
  row.result = event.result;
  row.flags = event.flags;
  row.value = event.value;
  row.uid = event.uid;
  row.euid = event.euid;
  row.baseline = event.baseline || event::TraitsOf(event.kind).baseline;
  return row;
}

void Normaliser::TakeIo(HostState& host, ProcessState& process, const Event& event,
                        ObjectState& object, EventRow& row) {
  const Descriptor* descriptor = process.descriptors.Find(event.fd);
  if (descriptor != nullptr && descriptor->object_id != object.object_id) descriptor = nullptr;
  if (descriptor == nullptr && event.fd >= 0 && event.result >= 0) {
    // Its opening was not seen.
    SetDescriptor(process, event.fd, &object, false, event.object_pty_master);
    descriptor = process.descriptors.Find(event.fd);
  }
  const std::uint64_t serial = descriptor == nullptr ? 0 : descriptor->serial;
  const std::int64_t event_id = merger_.Add(row, serial, process.flows, object.flows);
  // What is written to one end of a connection flows on to the other: seen as one node.
  if (object.socket != nullptr && object.socket->peer_object_id != 0 && event.size_bytes > 0) {
    const auto peer = host.objects.find(object.socket->peer_object_id);
    if (peer != host.objects.end()) {
      FlowCounters& flows = peer->second.flows;
      ++(event::IsOutput(event.kind) ? flows.in_count : flows.out_count);
    }
  }
  const bool pty_master =
      event.object_pty_master || (descriptor != nullptr && descriptor->pty_master);
  if (event.size_bytes > 0 && (event.payload || event.payload_shed || event.terminal)) {
    WriteIo(host, event, row, event_id, pty_master);
  }
}

void Normaliser::BumpFlows(HostState& host, ProcessState& process, const Event& event,
                           ObjectState* object, ObjectState* other) {
  if (event.result < 0 || event::TraitsOf(event.kind).moves_nothing) return;
  const auto bump = [](FlowCounters& flows) {
    ++flows.in_count;
    ++flows.out_count;
  };
  bump(process.flows);
  if (object != nullptr) bump(object->flows);
  if (other != nullptr) bump(other->flows);
  if (event.other_process) {
    bump(ProcessOf(host, *event.other_process, {event.end_boot_ns, event.wall_ns}).flows);
  }
}

void Normaliser::SetDescriptor(ProcessState& process, std::int32_t fd, const ObjectState* object,
                               bool close_on_exec, bool pty_master) {
  if (fd < 0 || object == nullptr) return;
  process.descriptors.Set(fd, {.object_id = object->object_id,
                               .serial = next_serial_++,
                               .close_on_exec = close_on_exec,
                               .pty_master = pty_master});
}

void Normaliser::ApplyToDescriptors(ProcessState& process, const Event& event,
                                    const ObjectState* object, const ObjectState* other) {
  const bool close_on_exec = (event.flags & O_CLOEXEC) != 0;
  DescriptorTable& descriptors = process.descriptors;
  if (event.kind == EventKind::kClose) {
    if (event.result == -EBADF || event.result == -EINVAL) return;  // others close all the same
    const std::int32_t last = std::max(event.fd, event.other_fd);
    if ((event.flags & kCloseRangeCloseOnExec) != 0) {
      descriptors.SetCloseOnExec(event.fd, last);
    } else {
      descriptors.Close(event.fd, last);
    }
    return;
  }
  if (event.result < 0) return;
  if (event::TraitsOf(event.kind).makes_descriptor) {
    SetDescriptor(process, event.fd, object, close_on_exec, event.object_pty_master);
  }
  switch (event.kind) {
    case EventKind::kPipe:
    case EventKind::kSocketpair:
      SetDescriptor(process, event.other_fd, other == nullptr ? object : other, close_on_exec,
                    false);
      break;
    case EventKind::kDup: {
      const Descriptor* const from = descriptors.Find(event.fd);
      const bool master = event.object_pty_master || (from != nullptr && from->pty_master);
      SetDescriptor(process, event.other_fd, object, close_on_exec, master);
      break;
    }
    case EventKind::kExec:
      descriptors.CloseOnExec();
      break;
    case EventKind::kExit:
      descriptors.Clear();
      break;
    default: {
      // A descriptor whose making was not seen is known from its first use.
      const Descriptor* const known = descriptors.Find(event.fd);
      const bool same =
          object != nullptr && known != nullptr && known->object_id == object->object_id;
      if (event.object.type != ObjectType::kNone && !same && !event::MovesBytes(event.kind)) {
        SetDescriptor(process, event.fd, object, false, event.object_pty_master);
      }
      break;
    }
  }
}

void Normaliser::ApplyToProcess(HostState& host, ProcessState& process, const Event& event,
                                const Moment& now) {
  const auto set = [&](std::string& member, const std::string& value) {
    if (value.empty() || member == value) return;
    member = value;
    process.changed = true;
  };
  switch (event.kind) {
    case EventKind::kFork:
      if (event.result >= 0) ApplyFork(host, process, event, now);
      break;
    case EventKind::kExec:
      if (event.result < 0) break;
      set(process.executable, event.path);
      set(process.command_line, CommandLine(event.arguments));
      set(process.name, event.command);
      break;
    case EventKind::kProcess:
      process.baseline = true;
      process.changed = true;
      if (event.parent_process) {
        ProcessState& parent = ProcessOf(host, *event.parent_process, now);
        // It was there as well, even if nothing more is said of it.
        if (parent.changed && !parent.user) parent.baseline = true;
        process.parent_process_id = parent.process_id;
      }
      set(process.executable, event.path);
      set(process.command_line, CommandLine(event.arguments));
      set(process.name, event.command);
      break;
    case EventKind::kSetName:
      // Of the main thread it is the process's; what it executed stands beside it.
      if (event.tid == event.process.pid) set(process.name, event.command);
      break;
    case EventKind::kExit:
      process.end_boot_ns = now.boot_ns;
      process.end_wall_ns = now.wall_ns;
      process.exit_code = event.exit_code;
      process.changed = true;
      break;
    default:
      break;
  }
}

void Normaliser::ApplyFork(HostState& host, ProcessState& process, const Event& event,
                           const Moment& now) {
  if (!event.other_process || *event.other_process == process.key) return;
  ProcessState& child = ProcessOf(host, *event.other_process, now);
  child.parent_process_id = process.process_id;
  child.baseline = false;
  // The child may have been seen at work before its fork was told: what is known of it stays.
  if (child.name.empty()) child.name = event.command.empty() ? process.name : event.command;
  if (child.executable.empty()) {
    child.executable = process.executable;
    child.command_line = process.command_line;
  }
  if (!child.user) child.user = User{event.uid, event.euid};
  if (!child.credentials) child.credentials = process.credentials;
  child.descriptors.Inherit(process.descriptors);
  child.changed = true;
}

}  // namespace spoor::ingest
