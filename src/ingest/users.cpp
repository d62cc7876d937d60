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
                 std::string_view cause, const User* before, store::SegmentWriter& rows) {
  const bool exec = event.kind == EventKind::kExec;
  const Credentials* const now = event.credentials ? &*event.credentials : nullptr;
  const Credentials* const known = process.credentials ? &*process.credentials : nullptr;
  const auto told = [&](std::uint32_t Credentials::*member) {
    return now == nullptr ? std::nullopt : std::optional(now->*member);
  };
  const auto capabilities = [](const Credentials* of) {
    return of == nullptr ? std::nullopt : std::optional(of->cap_effective);
  };
  rows.Append(schema::CredentialChangeRow{
      .event_id = event_id,
      .process_id = process.process_id,
      .boot_ns = schema::AtMostMax(event.end_boot_ns),
      .wall_ns = event.wall_ns,
      .cause = cause,
      .syscall = schema::NotEmpty(exec ? std::string_view("execve") : event.syscall),
      .executable = schema::NotEmpty(exec ? event.path : process.executable),
      .before_uid = before == nullptr ? std::nullopt : std::optional(before->uid),
      .before_euid = before == nullptr ? std::nullopt : std::optional(before->euid),
      .uid = now == nullptr ? event.uid : now->uid,
      .euid = now == nullptr ? event.euid : now->euid,
      .suid = told(&Credentials::suid),
      .fsuid = told(&Credentials::fsuid),
      .gid = told(&Credentials::gid),
      .egid = told(&Credentials::egid),
      .sgid = told(&Credentials::sgid),
      .fsgid = told(&Credentials::fsgid),
      .before_cap_effective = capabilities(known),
      .cap_effective = capabilities(now),
      .user_namespace = told(&Credentials::user_namespace),
  });
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
                store::SegmentWriter& rows) {
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
  if (!cause.empty()) WriteChange(process, event, event_id, cause, before, rows);
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
