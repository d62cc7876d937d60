// SPDX-License-Identifier: Apache-2.0
#include "importers/sebek/sebek_translator.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/saturating.hpp"
#include "base/stable_id.hpp"
#include "event/unknown_user.hpp"
#include "importers/text/fields.hpp"
#include "packets/bytes.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using event::ObjectType;

constexpr std::uint32_t kPtyMajor = 136, kTtyMajor = 4, kThisTtyMajor = 5;
constexpr unsigned kMinorBits = 20;
constexpr unsigned kParentsMax = 8;
constexpr std::size_t kSocketDataBytes = 15;

std::uint64_t BootNsOf(std::int64_t wall_ns) {
  return static_cast<std::uint64_t>(std::max(wall_ns, std::int64_t{0}));
}

/// The numbers of socketcall(2).
std::optional<EventKind> KindOfCall(std::uint16_t call) {
  switch (call) {
    case 1:
      return EventKind::kSocket;
    case 2:
      return EventKind::kBind;
    case 3:
      return EventKind::kConnect;
    case 4:
      return EventKind::kListen;
    case 5:
    case 18:  // accept4
      return EventKind::kAccept;
    case 9:
    case 11:
    case 16:
      return EventKind::kSend;
    case 10:
    case 12:
    case 17:
      return EventKind::kRecv;
    case 13:
      return EventKind::kShutdown;
    default:
      return std::nullopt;
  }
}

/// What a name in /dev tells of a terminal; else the file of that name.
event::ObjectKey ObjectOfPath(const std::string& path) {
  const auto terminal = [&](std::string_view folder, ObjectType type, std::uint32_t major) {
    event::ObjectKey key;
    if (!path.starts_with(folder)) return key;
    const auto number = ParseNumber(std::string_view(path).substr(folder.size()));
    if (!number || *number >= 1u << kMinorBits) return key;
    key.type = type;
    key.device = major << kMinorBits | static_cast<std::uint32_t>(*number);
    return key;
  };
  event::ObjectKey key = terminal("/dev/pts/", ObjectType::kPty, kPtyMajor);
  if (key.type == ObjectType::kNone) key = terminal("/dev/tty", ObjectType::kTty, kTtyMajor);
  if (path == "/dev/tty") {
    key.type = ObjectType::kTty;
    key.device = kThisTtyMajor << kMinorBits;
  }
  if (key.type == ObjectType::kNone) {
    key.type = ObjectType::kPath;
    key.path = path;
  }
  return key;
}

/// A descriptor of which nothing but its number is known.
event::ObjectKey UnknownObject(const SebekRecord& record, const event::ProcessKey& process) {
  event::ObjectKey key;
  key.type = ObjectType::kUnknown;
  key.inode = record.inode;
  if (record.inode == 0) {
    key.instance = static_cast<std::uint64_t>(StableIdBuilder("sebek descriptor")
                                                  .Add(std::uint64_t{process.pid})
                                                  .Add(process.start_boot_ns)
                                                  .Add(static_cast<std::uint64_t>(record.fd))
                                                  .Build());
  }
  return key;
}

}  // namespace

SebekOrder::Visit SebekTranslator::Visitor(Sender& sender, const std::string& host,
                                           event::Findings& findings) {
  return {.record = [&](const HeldRecord& held) { Tell(held, sender.is_windows, findings); },
          .loss = [&](const SebekOrder::Loss& loss) { TellLoss(host, loss, findings); }};
}

void SebekTranslator::Take(const SebekRecord& record, event::Findings& findings) {
  if (senders_.size() >= kSendersMax && !senders_.contains(record.host_ip)) {
    const auto first = senders_.begin();
    first->second.order.Finish(Visitor(first->second, first->first, findings));
    senders_.erase(first);
  }
  const auto [found, made] = senders_.try_emplace(record.host_ip);
  Sender& sender = found->second;
  sender.is_windows = sender.is_windows || record.swapped_microseconds;
  HeldRecord held{.record = record, .data = std::string(record.data.begin(), record.data.end())};
  held.record.data = {};
  sender.order.Take(std::move(held), Visitor(sender, found->first, findings));
}

void SebekTranslator::Finish(event::Findings& findings) {
  for (auto& [host, sender] : senders_) sender.order.Finish(Visitor(sender, host, findings));
}

void SebekTranslator::TellLoss(const std::string& host, const SebekOrder::Loss& loss,
                               event::Findings& findings) {
  event::Event& event = findings.events.emplace_back();
  event.kind = EventKind::kLoss;
  event.host = host;
  event.wall_ns = loss.until_wall_ns;
  event.end_boot_ns = BootNsOf(loss.until_wall_ns);
  event.loss = event::LossCount{
      .loss_class = "sequence",
      .count = loss.count,
      .from_boot_ns = BootNsOf(loss.from_wall_ns),
      .reason = fmt::format("Sebek's counters {} to {} were not captured", loss.first_counter,
                            loss.first_counter + static_cast<std::uint32_t>(loss.count - 1))};
}

void SebekTranslator::Tell(const HeldRecord& held, bool is_windows, event::Findings& findings) {
  const SebekRecord& record = held.record;
  event::Event event;
  event.host = record.host_ip;
  event.wall_ns = record.wall_ns;
  if (is_windows) event.wall_ns = SaturatingSub(event.wall_ns, options_.time.utc_offset_ns);
  event.end_boot_ns = BootNsOf(event.wall_ns);
  event.uid = event.euid = is_windows ? event::kUnknownUser : record.uid;
  event.command = record.command;
  event.tid = record.pid;
  // The child tells that it was made, and a read that ends at nothing has an inode.
  const bool fork = record.version == 3 && record.type == SebekType::kRead && record.fd == 0 &&
                    record.inode == 0 && record.told_bytes == 0 && !is_windows;
  if (fork && record.parent_pid != 0 && record.parent_pid != record.pid) {
    event.kind = EventKind::kFork;
    event.process = processes_.Mention(event.host, record.parent_pid, event.wall_ns);
    event.tid = record.parent_pid;
    event.other_process = processes_.Start(event.host, record.pid, event.wall_ns);
    event.result = record.pid;
    known_[{event.host, record.pid}] = {record.parent_pid, record.command};
    findings.events.push_back(std::move(event));
    return;
  }
  event.process = ProcessOf(event, record, findings);
  event.command.clear();
  event.fd = record.fd;
  switch (record.type) {
    case SebekType::kRead:
    case SebekType::kWrite:
      FillData(held, event);
      break;
    case SebekType::kSocket:
      if (!FillSocket(held, event)) return;
      break;
    case SebekType::kOpen:
      FillOpen(held, event);
      break;
  }
  if (is_windows) event.fd = -1;
  findings.events.push_back(std::move(event));
}

event::ProcessKey SebekTranslator::ProcessOf(const event::Event& begun, const SebekRecord& record,
                                             event::Findings& findings) {
  const auto [place, made] = known_.try_emplace(ProcessAt{begun.host, record.pid},
                                                Known{record.parent_pid, record.command});
  Known& known = place->second;
  // Whoever loses its parent gets 1 as such: with yet another one it is another process.
  constexpr std::uint32_t kInit = 1;
  if (record.parent_pid != 0 && record.parent_pid != kInit && known.parent_pid != 0 &&
      record.parent_pid != known.parent_pid) {
    processes_.End(begun.host, record.pid);
    known.command = record.command;
  }
  if (record.parent_pid != 0) known.parent_pid = record.parent_pid;
  const HostProcesses::Found found = processes_.Find(begun.host, record.pid, begun.wall_ns);
  if (found.first) {
    event::Event told = begun;
    told.kind = EventKind::kProcess;
    told.baseline = true;
    told.process = found.process;
    if (record.parent_pid != 0) {
      told.parent_process = processes_.Mention(begun.host, record.parent_pid, begun.wall_ns);
    }
    findings.events.push_back(std::move(told));
  } else if (known.command != record.command) {
    event::Event named = begun;
    named.kind = EventKind::kSetName;
    named.process = found.process;
    findings.events.push_back(std::move(named));
  }
  known.command = record.command;
  return found.process;
}

void SebekTranslator::FillData(const HeldRecord& held, event::Event& event) const {
  const SebekRecord& record = held.record;
  event.kind = record.type == SebekType::kRead ? EventKind::kRead : EventKind::kWrite;
  event.size_bytes = record.told_bytes;
  event.result = record.told_bytes;
  if (!held.data.empty()) event.payload = held.data;
  if (const Opened* const opened = FindOpened(record)) {
    event.object = opened->object;
    event.path = opened->path;
  } else {
    event.object = UnknownObject(record, event.process);
  }
}

bool SebekTranslator::FillSocket(const HeldRecord& held, event::Event& event) {
  if (held.data.size() < kSocketDataBytes) return false;
  const auto* const at = reinterpret_cast<const std::uint8_t*>(held.data.data());
  const std::optional<EventKind> kind = KindOfCall(packets::Big16(at + 12));
  if (!kind) return false;
  event.kind = *kind;
  event::SocketInfo socket;
  socket.family = "inet";
  socket.protocol = at[14];
  if (socket.protocol == IPPROTO_TCP) socket.type = "stream";
  if (socket.protocol == IPPROTO_UDP) socket.type = "dgram";
  const auto address = [&](std::size_t place) {
    const std::string_view bytes = std::string_view(held.data).substr(place, 4);
    return bytes == std::string_view("\0\0\0\0", 4) ? std::string() : AddressOfBytes(bytes);
  };
  socket.remote_ip = address(0);
  socket.remote_port = packets::Big16(at + 4);
  socket.local_ip = address(6);
  socket.local_port = packets::Big16(at + 10);
  event.object.type = ObjectType::kSocket;
  event.object.inode = held.record.inode;
  if (held.record.inode == 0) {
    event.object.instance =
        static_cast<std::uint64_t>(StableIdBuilder("sebek socket")
                                       .Add(std::uint64_t{held.record.pid})
                                       .Add(std::string_view(held.data).substr(0, 12))
                                       .Build());
  } else {
    Remember(held.record, event.object, {});
  }
  event.socket = std::move(socket);
  return true;
}

void SebekTranslator::FillOpen(const HeldRecord& held, event::Event& event) {
  event.kind = EventKind::kOpen;
  event.result = held.record.fd;
  std::string path = held.data.substr(0, held.data.find('\0'));
  if (path.starts_with('/')) {
    event.path = path;
    event.object = ObjectOfPath(path);
  } else {
    event.user_path = path;
    event.object = UnknownObject(held.record, event.process);
  }
  Remember(held.record, event.object, event.path);
}

/// By descriptor, in the process or in one that it was forked from.
const SebekTranslator::Opened* SebekTranslator::FindOpened(const SebekRecord& record) const {
  if (record.inode == 0) return nullptr;
  std::uint32_t pid = record.pid;
  for (unsigned depth = 0; depth < kParentsMax && pid != 0; ++depth) {
    const auto opened = opened_.find(DescriptorAt{record.host_ip, pid, record.fd});
    if (opened != opened_.end() && opened->second.inode == record.inode) return &opened->second;
    const auto known = known_.find(ProcessAt{record.host_ip, pid});
    if (known == known_.end()) return nullptr;
    pid = known->second.parent_pid;
  }
  return nullptr;
}

void SebekTranslator::Remember(const SebekRecord& record, event::ObjectKey object,
                               std::string path) {
  if (opened_.size() >= kDescriptorsMax) opened_.clear();
  opened_[DescriptorAt{record.host_ip, record.pid, record.fd}] =
      Opened{record.inode, std::move(object), std::move(path)};
}

}  // namespace spoor::importers
