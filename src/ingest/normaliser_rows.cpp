// SPDX-License-Identifier: Apache-2.0
// The half of the normaliser that follows names and writes rows.
#include "ingest/command_line.hpp"
#include "ingest/normaliser.hpp"
#include "ingest/sockets.hpp"

namespace spoor::ingest {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;

constexpr std::uint64_t kRenameExchange = 2;

/// A state of the terminal, where there is one.
template <typename Member>
auto StateOf(const std::optional<event::TerminalState>& terminal,
             Member event::TerminalState::*member) {
  return terminal ? std::optional((*terminal).*member) : std::nullopt;
}

std::optional<std::int64_t> NumberOf(std::optional<std::uint64_t> number) {
  return number ? std::optional(schema::AtMostMax(*number)) : std::nullopt;
}

void WriteProcess(store::SegmentWriter& rows, const HostState& host, const ProcessState& process,
                  std::int64_t revision) {
  const auto user = [&](std::uint32_t User::*member) {
    return process.user ? std::optional((*process.user).*member) : std::nullopt;
  };
  rows.Append(schema::ProcessRow{
      .process_id = process.process_id,
      .host_id = host.host_id,
      .boot_id = *host.boot_id,
      .pid = process.key.pid,
      .start_boot_ns = schema::AtMostMax(process.key.start_boot_ns),
      .start_wall_ns = process.start_wall_ns,
      .parent_process_id = schema::NotZero(process.parent_process_id),
      .end_boot_ns = NumberOf(process.end_boot_ns),
      .end_wall_ns = process.end_wall_ns,
      .exit_code = process.exit_code,
      .baseline = process.baseline,
      .name = schema::NotEmpty(process.name),
      .executable = schema::NotEmpty(process.executable),
      .command_line = schema::NotEmpty(process.command_line),
      .uid = user(&User::uid),
      .euid = user(&User::euid),
      .revision = revision,
  });
}

void WriteObject(store::SegmentWriter& rows, const HostState& host, const ObjectState& object,
                 std::int64_t revision) {
  const auto unless_path = [&](std::uint64_t number) {
    return object.key.type == ObjectType::kPath ? std::nullopt : NumberOf(number);
  };
  rows.Append(schema::ObjectRow{
      .object_id = object.object_id,
      .host_id = host.host_id,
      .type = event::ObjectTypeName(object.key.type),
      .device = unless_path(object.key.device),
      .inode = unless_path(object.key.inode),
      .generation = unless_path(object.key.generation),
      .instance = unless_path(object.key.instance),
      .first_boot_ns = schema::AtMostMax(object.first_boot_ns),
      .path = schema::NotEmpty(object.path),
      .revision = revision,
  });
}

}  // namespace

void Normaliser::ApplyToNames(HostState& host, const Event& event, ObjectState* object,
                              ObjectState* other, const Moment& now) {
  const std::int64_t revision = last_event_id_;
  if (event.result < 0 || object == nullptr) return;
  const auto call = [&](const std::string& path) {
    if (object->path == path || path.empty()) return;
    object->path = path;
    object->changed = true;
  };
  if (event::TraitsOf(event.kind).shows_name) {
    if (event.path_unproven) return;
    const std::string& path = event.path;
    const bool deleted = event.object_unlinked;
    // The clone device of ptys is not a name of the pty that opening it makes.
    const bool clone = object->key.type == ObjectType::kPty && path.ends_with("/ptmx");
    if (!clone || object->path.empty()) call(path);
    if (path.starts_with('/') && !deleted && !clone && event::TraitsOf(object->key.type).has_path) {
      names_.Show(host, object->object_id, path, now, event.kind, revision);
    }
    return;
  }
  switch (event.kind) {
    case EventKind::kUnlink:
      if (event.path_unproven) break;
      // A name that was not known is told with the moment of its end.
      names_.Show(host, object->object_id, event.path, now, event.kind, revision);
      names_.End(host, event.path, now, revision);
      break;
    case EventKind::kRename:
      if (event.path_unproven || event.other_path_unproven) {
        // One of its names is not known: what is known of the other holds all the same.
        if (!event.path_unproven) names_.End(host, event.path, now, revision);
        if (!event.other_path_unproven) {
          names_.Show(host, object->object_id, event.other_path, now, event.kind, revision);
        }
        break;
      }
      if (NameKeeper::Find(host, event.path) == 0) {
        names_.Show(host, object->object_id, event.path, now, event.kind, revision);
      }
      if (event.other_looked_up && other != nullptr && other != object) {
        if (other->path.empty()) {
          other->path = event.other_path;
          other->changed = true;
        }
        names_.Show(host, other->object_id, event.other_path, now, event.kind, revision);
      }
      if ((event.flags & kRenameExchange) != 0) {
        names_.Exchange(host, event.path, event.other_path, now, revision);
      } else {
        names_.Rename(host, event.path, event.other_path, now, revision);
      }
      break;
    case EventKind::kLink:
      if (!event.path_unproven) {
        names_.Show(host, object->object_id, event.path, now, event.kind, revision);
      }
      if (event.other_path_unproven) break;
      names_.Show(host, object->object_id, event.other_path, now, event.kind, revision);
      call(event.other_path);
      break;
    default:
      if (object->path.empty() && !event.path_unproven) call(event.path);
      break;
  }
}

void Normaliser::TakeLoss(const Event& event) {
  if (!event.loss || event.loss->count == 0) return;
  const event::LossCount& loss = *event.loss;
  const std::uint64_t from_boot_ns = std::min(loss.from_boot_ns, event.end_boot_ns);
  rows_.Append(schema::GapRow{
      .host_id = event.host.empty() ? std::nullopt : std::optional(HostOf(event).host_id),
      .recording_id = recording_id_,
      .from_boot_ns = schema::AtMostMax(from_boot_ns),
      .until_boot_ns = schema::AtMostMax(event.end_boot_ns),
      .from_wall_ns = WallTimeAt(from_boot_ns, {event.end_boot_ns, event.wall_ns}),
      .until_wall_ns = event.wall_ns,
      .loss_class = loss.loss_class,
      .count = schema::AtMostMax(loss.count),
      .reason = loss.reason,
  });
}

void Normaliser::WriteExec(const Event& event, const EventRow& row) {
  const event::Credentials* const credentials = event.credentials ? &*event.credentials : nullptr;
  const std::string command_line = CommandLine(event.arguments);
  rows_.Append(schema::ExecRow{
      .event_id = row.event_id,
      .process_id = row.process_id,
      .boot_ns = schema::AtMostMax(row.begin_boot_ns),
      .wall_ns = row.wall_ns,
      .result = row.result,
      .object_id = schema::NotZero(row.object_id),
      .executable = event.path,
      .user_path =
          schema::NotEmpty(event.user_path == event.path ? std::string_view() : event.user_path),
      .interpreter = schema::NotEmpty(event.interpreter),
      .arguments = event.arguments,
      .arguments_truncated = event.arguments_truncated,
      .command_line = command_line,
      .working_directory = schema::NotEmpty(event.working_directory),
      .uid = credentials == nullptr ? event.uid : credentials->uid,
      .euid = credentials == nullptr ? event.euid : credentials->euid,
      .gid = credentials == nullptr ? 0 : credentials->gid,
      .egid = credentials == nullptr ? 0 : credentials->egid,
      .mode = schema::NotZero(event.mode),
  });
}

void Normaliser::WriteIo(const HostState& host, const Event& event, const EventRow& row,
                         std::int64_t event_id, bool pty_master) {
  rows_.Append(schema::IoRow{
      .event_id = event_id,
      .host_id = host.host_id,
      .process_id = row.process_id,
      .object_id = row.object_id,
      .fd = row.fd,
      .boot_ns = schema::AtMostMax(row.end_boot_ns),
      .wall_ns = row.wall_ns,
      .direction = event::IsOutput(row.kind) ? "out" : "in",
      .offset_bytes = schema::NotNegative(row.offset_bytes),
      .size_bytes = schema::AtMostMax(row.size_bytes),
      .data = event.payload ? std::optional(schema::Bytes{*event.payload}) : std::nullopt,
      .pty_master = pty_master,
      .rows = StateOf(event.terminal, &event::TerminalState::rows),
      .columns = StateOf(event.terminal, &event::TerminalState::columns),
      .echo = StateOf(event.terminal, &event::TerminalState::echo),
      .canonical = StateOf(event.terminal, &event::TerminalState::canonical),
  });
}

void Normaliser::WriteTerminal(const HostState& host, const Event& event, const EventRow& row) {
  rows_.Append(schema::TerminalRow{
      .event_id = row.event_id,
      .host_id = host.host_id,
      .process_id = row.process_id,
      .object_id = row.object_id,
      .boot_ns = schema::AtMostMax(row.begin_boot_ns),
      .wall_ns = row.wall_ns,
      .rows = StateOf(event.terminal, &event::TerminalState::rows),
      .columns = StateOf(event.terminal, &event::TerminalState::columns),
      .echo = StateOf(event.terminal, &event::TerminalState::echo),
      .canonical = StateOf(event.terminal, &event::TerminalState::canonical),
  });
}

void Normaliser::Flush() {
  merger_.Flush();
  door_.WriteGaps(recording_id_, rows_);
  for (auto& [key, host] : hosts_) {
    names_.WriteGap(host, recording_id_, last_moment_);
    FlushHost(host);
  }
}

void Normaliser::FlushHost(HostState& host) {
  const std::int64_t revision = last_event_id_;
  DescriptorTable::Objects held;
  for (auto it = host.processes.begin(); it != host.processes.end();) {
    ProcessState& process = it->second;
    if (process.changed) {
      WriteProcess(rows_, host, process, revision);
    }
    process.changed = false;
    process.descriptors.AddObjects(held);
    it = process.end_boot_ns ? host.processes.erase(it) : std::next(it);
  }
  for (auto& [flow_id, flow] : host.flows) {
    if (!flow.changed) continue;
    WriteFlowRows(rows_, host, flow, recording_id_, revision);
    flow.process_written = true;
    flow.local_bytes = flow.remote_bytes = 0;
    flow.changed = false;
  }
  for (auto it = host.objects.begin(); it != host.objects.end();) {
    ObjectState& object = it->second;
    if (object.changed) {
      WriteObject(rows_, host, object, revision);
    }
    if (object.socket != nullptr && object.socket->changed) {
      WriteSocketRow(rows_, host, object, revision);
      object.socket->changed = false;
    }
    object.changed = false;
    const bool forget = !object.touched && event::TraitsOf(object.key.type).short_lived &&
                        !held.object_ids.contains(object.object_id);
    object.touched = false;
    if (!forget) {
      ++it;
      continue;
    }
    if (object.socket != nullptr) {
      for (const std::int64_t flow_id : object.socket->flow_ids) host.flows.erase(flow_id);
    }
    it = host.objects.erase(it);
  }
}

}  // namespace spoor::ingest
