// SPDX-License-Identifier: Apache-2.0
// Linux keeps credentials by thread. A process is its main thread here; other threads are
// remembered once they were seen, and a new one may be whoever a thread of its process already is.
#include "ingest/users.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace spoor::ingest {
namespace {

using event::Credentials;
using event::Event;
using event::EventKind;

User& UserOf(ProcessState& process, const Event& event, bool& known) {
  if (event.tid == 0 || event.tid == process.key.pid) {
    known = process.user.has_value();
    return known ? *process.user : process.user.emplace();
  }
  const auto [position, added] = process.thread_users.try_emplace(event.tid);
  const User now{event.uid, event.euid};
  known = !added;
  if (added) {
    known = process.user.has_value() && *process.user != now;
    for (const auto& [tid, user] : process.thread_users) {
      known = known && (tid == event.tid || user != now);
    }
    if (known) position->second = *process.user;
  }
  return position->second;
}

void WriteChange(const ProcessState& process, const Event& event, std::int64_t event_id,
                 std::string_view cause, const User* before, store::TableWriter& table) {
  const bool exec = event.kind == EventKind::kExec;
  const auto number = [](std::uint32_t value) { return std::optional<std::int64_t>(value); };
  const Credentials* now = event.credentials ? &*event.credentials : nullptr;
  const auto told = [&](std::uint32_t Credentials::*member) {
    return now == nullptr ? std::nullopt : number(now->*member);
  };
  const auto unsigned_or_null = [&](const Credentials* from, std::uint64_t Credentials::*member) {
    if (from == nullptr) {
      table.Null();
    } else {
      table.Unsigned(from->*member);
    }
  };
  table.Integer(event_id)
      .Integer(process.process_id)
      .Unsigned(event.boot_ns)
      .Integer(event.wall_ns)
      .Text(cause)
      .TextOrNull(exec ? "execve" : std::string_view(event.syscall))
      .TextOrNull(exec ? event.path : process.executable)
      .IntegerOrNull(before != nullptr ? number(before->uid) : std::nullopt)
      .IntegerOrNull(before != nullptr ? number(before->euid) : std::nullopt)
      .Integer(now == nullptr ? event.uid : now->uid)
      .Integer(now == nullptr ? event.euid : now->euid)
      .IntegerOrNull(told(&Credentials::suid))
      .IntegerOrNull(told(&Credentials::fsuid))
      .IntegerOrNull(told(&Credentials::gid))
      .IntegerOrNull(told(&Credentials::egid))
      .IntegerOrNull(told(&Credentials::sgid))
      .IntegerOrNull(told(&Credentials::fsgid));
  unsigned_or_null(process.credentials ? &*process.credentials : nullptr,
                   &Credentials::cap_effective);
  unsigned_or_null(now, &Credentials::cap_effective);
  table.IntegerOrNull(told(&Credentials::user_namespace));
  table.EndRow();
}

/// Why an exec changed credentials; empty: it did not.
std::string_view CauseOfExec(const ProcessState& process, const Event& event, const User* before) {
  const Credentials& now = *event.credentials;
  const bool user_changed =
      before != nullptr && (before->euid != now.euid || before->uid != now.uid);
  const std::optional<Credentials>& known = process.credentials;
  const bool group_changed = known && (known->egid != now.egid || known->gid != now.gid);
  const bool gained = known && (now.cap_effective & ~known->cap_effective) != 0;
  if ((user_changed && (event.mode & S_ISUID) != 0) ||
      (group_changed && (event.mode & S_ISGID) != 0)) {
    return "setuid_exec";
  }
  return user_changed || group_changed || gained ? "exec" : "";
}

}  // namespace

void FollowUser(ProcessState& process, const Event& event, std::int64_t event_id,
                store::TableWriter& changes) {
  bool known = false;
  User& user = UserOf(process, event, known);
  const User was = user;
  const User* const before = known ? &was : nullptr;
  const User now{event.uid, event.euid};
  const bool told = event.credentials.has_value() && event.result >= 0;
  std::string_view cause;
  if (event.baseline || event.kind == EventKind::kProcess) {
    cause = "";
  } else if (told && event.kind == EventKind::kExec) {
    cause = CauseOfExec(process, event, before);
  } else if (told && event.kind == EventKind::kCredentialChange) {
    const bool same =
        process.credentials
            ? *process.credentials == *event.credentials
            : before != nullptr && *before == User{event.credentials->uid, event.credentials->euid};
    cause = same ? "" : "call";
  } else if (known && user != now) {
    cause = "unexplained";
  }
  if (!cause.empty()) WriteChange(process, event, event_id, cause, before, changes);
  process.changed = process.changed || !known || user != now;
  user = told ? User{event.credentials->uid, event.credentials->euid} : now;
  if (told) process.credentials = event.credentials;
  if (event.kind == EventKind::kExec && event.result >= 0) {
    // Only one thread lives on, and it is the main thread from now on.
    process.user = User(user);
    process.thread_users.clear();
  }
}

}  // namespace spoor::ingest
