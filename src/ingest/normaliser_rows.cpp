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

/// Whether things of this type have names in the tree of files.
bool HasPath(ObjectType type) {
  return type != ObjectType::kSocket && type != ObjectType::kMemfd &&
         type != ObjectType::kAnonymous && type != ObjectType::kNone;
}

/// Whether a successful event of this kind shows that its object is called `path`.
bool ShowsName(EventKind kind) {
  switch (kind) {
    case EventKind::kOpen:
    case EventKind::kDescriptor:
    case EventKind::kExec:
    case EventKind::kProcess:
    case EventKind::kMkdir:
    case EventKind::kMknod:
    case EventKind::kSymlink:
    case EventKind::kChdir:
      return true;
    default:
      return false;
  }
}

/// Gone after a boot, and worth forgetting when nobody holds them.
bool IsShortLived(ObjectType type) {
  return type == ObjectType::kSocket || type == ObjectType::kPipe ||
         type == ObjectType::kAnonymous || type == ObjectType::kMemfd;
}

void WriteTerminalColumns(store::TableWriter& table,
                          const std::optional<event::TerminalState>& terminal) {
  if (!terminal) {
    table.Null().Null().Null().Null();
    return;
  }
  table.Integer(terminal->rows)
      .Integer(terminal->columns)
      .Boolean(terminal->echo)
      .Boolean(terminal->canonical);
}

void WriteProcess(store::TableWriter& table, const HostState& host, const ProcessState& process,
                  std::int64_t revision) {
  table.Integer(process.process_id)
      .Integer(host.host_id)
      .Text(*host.boot_id)
      .Integer(process.key.pid)
      .Unsigned(process.key.start_boot_ns)
      .IntegerOrNull(process.start_wall_ns)
      .IntegerOrNull(NotZero(process.parent_process_id));
  if (process.end_boot_ns) {
    table.Unsigned(*process.end_boot_ns);
  } else {
    table.Null();
  }
  table.IntegerOrNull(process.end_wall_ns)
      .IntegerOrNull(process.exit_code)
      .Boolean(process.baseline)
      .TextOrNull(process.name)
      .TextOrNull(process.executable)
      .TextOrNull(process.command_line);
  if (process.user) {
    table.Integer(process.user->uid).Integer(process.user->euid);
  } else {
    table.Null().Null();
  }
  table.Integer(revision).EndRow();
}

void WriteObject(store::TableWriter& table, const HostState& host, const ObjectState& object,
                 std::int64_t revision) {
  table.Integer(object.object_id)
      .Integer(host.host_id)
      .Text(event::ObjectTypeName(object.key.type));
  if (object.key.type == ObjectType::kPath) {
    table.Null().Null().Null().Null();
  } else {
    table.Integer(object.key.device)
        .Unsigned(object.key.inode)
        .Integer(object.key.generation)
        .Unsigned(object.key.instance);
  }
  table.Unsigned(object.first_boot_ns).TextOrNull(object.path).Integer(revision).EndRow();
}

}  // namespace

void Normaliser::ApplyToNames(HostState& host, const Event& event, ObjectState* object,
                              const Moment& now) {
  const std::int64_t revision = last_event_id_;
  if (event.result < 0 || object == nullptr) return;
  const auto call = [&](const std::string& path) {
    if (object->path == path || path.empty()) return;
    object->path = path;
    object->changed = true;
  };
  if (ShowsName(event.kind)) {
    if (event.path_unproven) return;
    const std::string& path = event.path;
    const bool deleted = event.object_unlinked;
    // The clone device of ptys is not a name of the pty that opening it makes.
    const bool clone = object->key.type == ObjectType::kPty && path.ends_with("/ptmx");
    if (!clone || object->path.empty()) call(path);
    if (path.starts_with('/') && !deleted && !clone && HasPath(object->key.type)) {
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
  const std::uint64_t from_boot_ns = std::min(loss.from_boot_ns, event.boot_ns);
  store::TableWriter& table = rows_.table(store::Table::kGap);
  if (event.host.empty()) {
    table.Null();
  } else {
    table.Integer(HostOf(event).host_id);
  }
  table.Text(recording_id_)
      .Unsigned(from_boot_ns)
      .Unsigned(event.boot_ns)
      .Integer(WallTimeAt(from_boot_ns, {event.boot_ns, event.wall_ns}))
      .Integer(event.wall_ns)
      .Text(loss.loss_class)
      .Unsigned(loss.count)
      .Text(loss.reason);
  table.EndRow();
}

void Normaliser::WriteExec(const Event& event, const EventRow& row) {
  const event::Credentials* credentials = event.credentials ? &*event.credentials : nullptr;
  store::TableWriter& table = rows_.table(store::Table::kExec);
  table.Integer(row.event_id)
      .Integer(row.process_id)
      .Unsigned(row.boot_ns)
      .Integer(row.wall_ns)
      .Integer(row.result)
      .IntegerOrNull(NotZero(row.object_id))
      .Text(event.path)
      .TextOrNull(event.user_path == event.path ? "" : event.user_path)
      .TextOrNull(event.interpreter)
      .Texts(event.arguments)
      .Boolean(event.arguments_truncated)
      .Text(CommandLine(event.arguments))
      .TextOrNull(event.working_directory)
      .Integer(credentials == nullptr ? event.uid : credentials->uid)
      .Integer(credentials == nullptr ? event.euid : credentials->euid)
      .Integer(credentials == nullptr ? 0 : credentials->gid)
      .Integer(credentials == nullptr ? 0 : credentials->egid)
      .IntegerOrNull(NotZero(event.mode));
  table.EndRow();
}

void Normaliser::WriteIo(const HostState& host, const Event& event, const EventRow& row,
                         std::int64_t event_id, bool pty_master) {
  store::TableWriter& table = rows_.table(store::Table::kIo);
  table.Integer(event_id)
      .Integer(host.host_id)
      .Integer(row.process_id)
      .Integer(row.object_id)
      .Integer(row.fd)
      .Unsigned(row.end_boot_ns)
      .Integer(row.wall_ns)
      .Text(IsOutput(row.kind) ? "out" : "in")
      .IntegerOrNull(row.offset_bytes < 0 ? std::nullopt : std::optional(row.offset_bytes))
      .Unsigned(row.size_bytes);
  if (event.payload) {
    table.Blob(*event.payload);
  } else {
    table.Null();
  }
  table.Boolean(pty_master);
  WriteTerminalColumns(table, event.terminal);
  table.EndRow();
}

void Normaliser::WriteTerminal(const HostState& host, const Event& event, const EventRow& row) {
  store::TableWriter& table = rows_.table(store::Table::kTerminal);
  table.Integer(row.event_id)
      .Integer(host.host_id)
      .Integer(row.process_id)
      .Integer(row.object_id)
      .Unsigned(row.boot_ns)
      .Integer(row.wall_ns);
  WriteTerminalColumns(table, event.terminal);
  table.EndRow();
}

void Normaliser::Flush() {
  merger_.Flush();
  door_.WriteGaps(recording_id_, rows_.table(store::Table::kGap));
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
      WriteProcess(rows_.table(store::Table::kProcess), host, process, revision);
    }
    process.changed = false;
    process.descriptors.AddObjects(held);
    it = process.end_boot_ns ? host.processes.erase(it) : std::next(it);
  }
  for (auto& [flow_id, flow] : host.flows) {
    if (!flow.changed) continue;
    WriteFlowRow(rows_.table(store::Table::kFlow), host, flow, revision);
    flow.local_bytes = flow.remote_bytes = 0;
    flow.changed = false;
  }
  for (auto it = host.objects.begin(); it != host.objects.end();) {
    ObjectState& object = it->second;
    if (object.changed) {
      WriteObject(rows_.table(store::Table::kObject), host, object, revision);
    }
    if (object.socket != nullptr && object.socket->changed) {
      WriteSocketRow(rows_.table(store::Table::kSocket), host, object, revision);
      object.socket->changed = false;
    }
    object.changed = false;
    const bool forget = !object.touched && IsShortLived(object.key.type) &&
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
