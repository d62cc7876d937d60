// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/row_cells.hpp"
#include "schema/table.hpp"

/// Who did what on a host: processes, their programs and users, the events.
namespace spoor::schema {

/// One host, or scope of a host that is recorded as one.
struct HostRow {
  Integer host_id;
  Text name;
};
template <>
struct Declaration<HostRow> {
  static constexpr std::string_view kName = "host";
  static constexpr std::string_view kMeaning =
      "One host, or scope of a host that is recorded as one.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"host", "host_id"}};
  static constexpr auto kColumns =
      std::tuple{Column<&HostRow::host_id>{Measure::kId, Merge::kKey, "The host"},
                 Column<&HostRow::name>{Measure::kNone, Merge::kKey, "As the operator calls it"}};
};

/// One process: (host, boot, pid, start).
struct ProcessRow {
  Integer process_id;
  Integer host_id;
  Text boot_id;
  Integer pid;
  Integer start_boot_ns;
  IntegerOrNull start_wall_ns;
  IntegerOrNull parent_process_id;
  IntegerOrNull end_boot_ns;
  IntegerOrNull end_wall_ns;
  IntegerOrNull exit_code;
  Flag baseline;
  TextOrNull name;
  TextOrNull executable;
  TextOrNull command_line;
  IntegerOrNull uid;
  IntegerOrNull euid;
  Integer revision;
};
template <>
struct Declaration<ProcessRow> {
  static constexpr std::string_view kName = "process";
  static constexpr std::string_view kMeaning = "One process: (host, boot, pid, start).";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"process", "process_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&ProcessRow::process_id>{Measure::kId, Merge::kKey, "The process"},
      Column<&ProcessRow::host_id>{Measure::kId, Merge::kAny, "The host that it ran on"},
      Column<&ProcessRow::boot_id>{Measure::kNone, Merge::kAny,
                                   "UUID of the boot; empty where the source has none"},
      Column<&ProcessRow::pid>{Measure::kNone, Merge::kAny, "In the initial pid namespace"},
      Column<&ProcessRow::start_boot_ns>{Measure::kBootNs, Merge::kAny, "When it started"},
      Column<&ProcessRow::start_wall_ns>{Measure::kWallNs, Merge::kMin,
                                         "When it started; NULL: not known"},
      Column<&ProcessRow::parent_process_id>{Measure::kId, Merge::kLatest,
                                             "Its creator; NULL: not seen"},
      Column<&ProcessRow::end_boot_ns>{Measure::kBootNs, Merge::kMax,
                                       "When it ended; NULL: not seen to end"},
      Column<&ProcessRow::end_wall_ns>{Measure::kWallNs, Merge::kMax,
                                       "When it ended; NULL: not seen to end"},
      Column<&ProcessRow::exit_code>{Measure::kNone, Merge::kLatest,
                                     "As wait(2) gives it: status << 8 | signal"},
      Column<&ProcessRow::baseline>{Measure::kNone, Merge::kAnd,
                                    "Whether it was there before the recording"},
      Column<&ProcessRow::name>{Measure::kNone, Merge::kLatest, "Last known command name"},
      Column<&ProcessRow::executable>{Measure::kNone, Merge::kLatest, "Last known program path"},
      Column<&ProcessRow::command_line>{Measure::kNone, Merge::kLatest,
                                        "Last known arguments, joined and quoted for a shell"},
      Column<&ProcessRow::uid>{Measure::kNone, Merge::kLatest, "Last known real user"},
      Column<&ProcessRow::euid>{Measure::kNone, Merge::kLatest, "Last known effective user"},
      Column<&ProcessRow::revision>{Measure::kNone, Merge::kRevision,
                                    "The event_id up to which this row knows"}};
};

/// One attempt to execute a program.
struct ExecRow {
  Integer event_id;
  Integer process_id;
  Integer boot_ns;
  Integer wall_ns;
  Integer result;
  IntegerOrNull object_id;
  Text executable;
  TextOrNull user_path;
  TextOrNull interpreter;
  TextsOrNull arguments;
  Flag arguments_truncated;
  Text command_line;
  TextOrNull working_directory;
  Integer uid;
  Integer euid;
  Integer gid;
  Integer egid;
  IntegerOrNull mode;
};
template <>
struct Declaration<ExecRow> {
  static constexpr std::string_view kName = "exec";
  static constexpr std::string_view kMeaning = "One attempt to execute a program.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"exec", "process_id, boot_ns, event_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&ExecRow::event_id>{Measure::kId, Merge::kRow, "The row of event that it belongs to"},
      Column<&ExecRow::process_id>{Measure::kId, Merge::kRow, "Who executed"},
      Column<&ExecRow::boot_ns>{Measure::kBootNs, Merge::kRow,
                                "Begin of the call where known, else its end"},
      Column<&ExecRow::wall_ns>{Measure::kWallNs, Merge::kRow, "End of the call"},
      Column<&ExecRow::result>{Measure::kNone, Merge::kRow, "0, or -errno: refused"},
      Column<&ExecRow::object_id>{Measure::kId, Merge::kRow, "The program file"},
      Column<&ExecRow::executable>{Measure::kNone, Merge::kRow,
                                   "The program, as the kernel resolved it"},
      Column<&ExecRow::user_path>{Measure::kNone, Merge::kRow,
                                  "What was asked for when it differs: the script of #!"},
      Column<&ExecRow::interpreter>{Measure::kNone, Merge::kRow, "The program that a script names"},
      Column<&ExecRow::arguments>{Measure::kNone, Merge::kRow, "The arguments, one by one"},
      Column<&ExecRow::arguments_truncated>{Measure::kNone, Merge::kRow, "Whether there were more"},
      Column<&ExecRow::command_line>{Measure::kNone, Merge::kRow,
                                     "The arguments, joined and quoted for a shell"},
      Column<&ExecRow::working_directory>{Measure::kNone, Merge::kRow,
                                          "Of the process at that moment"},
      Column<&ExecRow::uid>{Measure::kNone, Merge::kRow, "Real user afterwards"},
      Column<&ExecRow::euid>{Measure::kNone, Merge::kRow, "Effective user afterwards"},
      Column<&ExecRow::gid>{Measure::kNone, Merge::kRow, "Real group afterwards"},
      Column<&ExecRow::egid>{Measure::kNone, Merge::kRow, "Effective group afterwards"},
      Column<&ExecRow::mode>{Measure::kNone, Merge::kRow,
                             "i_mode of the program: 04000 is the setuid bit"}};
};

/// One change of who a process is, with its cause.
struct CredentialChangeRow {
  Integer event_id;
  Integer process_id;
  Integer boot_ns;
  Integer wall_ns;
  Text cause;
  TextOrNull syscall;
  TextOrNull executable;
  IntegerOrNull before_uid;
  IntegerOrNull before_euid;
  IntegerOrNull uid;
  IntegerOrNull euid;
  IntegerOrNull suid;
  IntegerOrNull fsuid;
  IntegerOrNull gid;
  IntegerOrNull egid;
  IntegerOrNull sgid;
  IntegerOrNull fsgid;
  UnsignedOrNull before_cap_effective;
  UnsignedOrNull cap_effective;
  IntegerOrNull user_namespace;
};
template <>
struct Declaration<CredentialChangeRow> {
  static constexpr std::string_view kName = "credential_change";
  static constexpr std::string_view kMeaning = "One change of who a process is, with its cause.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{
      SortOrder{"credential_change", "process_id, boot_ns, event_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&CredentialChangeRow::event_id>{Measure::kId, Merge::kRow,
                                             "The row of event that showed it"},
      Column<&CredentialChangeRow::process_id>{Measure::kId, Merge::kRow,
                                               "Whose credentials changed"},
      Column<&CredentialChangeRow::boot_ns>{Measure::kBootNs, Merge::kRow,
                                            "End of the call that showed it"},
      Column<&CredentialChangeRow::wall_ns>{Measure::kWallNs, Merge::kRow,
                                            "End of the call that showed it"},
      Column<&CredentialChangeRow::cause>{
          Measure::kNone, Merge::kRow,
          "'setuid_exec', 'exec', 'call', or 'unexplained': changed without a call that was seen"},
      Column<&CredentialChangeRow::syscall>{Measure::kNone, Merge::kRow,
                                            "'setuid', 'setresuid', 'capset' and so on"},
      Column<&CredentialChangeRow::executable>{Measure::kNone, Merge::kRow,
                                               "The program of the process at that moment"},
      Column<&CredentialChangeRow::before_uid>{Measure::kNone, Merge::kRow,
                                               "Real user before; NULL: not known"},
      Column<&CredentialChangeRow::before_euid>{Measure::kNone, Merge::kRow,
                                                "Effective user before; NULL: not known"},
      Column<&CredentialChangeRow::uid>{Measure::kNone, Merge::kRow, "Real user afterwards"},
      Column<&CredentialChangeRow::euid>{Measure::kNone, Merge::kRow, "Effective user afterwards"},
      Column<&CredentialChangeRow::suid>{Measure::kNone, Merge::kRow, "Saved user afterwards"},
      Column<&CredentialChangeRow::fsuid>{Measure::kNone, Merge::kRow, "User for files afterwards"},
      Column<&CredentialChangeRow::gid>{Measure::kNone, Merge::kRow, "Real group afterwards"},
      Column<&CredentialChangeRow::egid>{Measure::kNone, Merge::kRow, "Effective group afterwards"},
      Column<&CredentialChangeRow::sgid>{Measure::kNone, Merge::kRow, "Saved group afterwards"},
      Column<&CredentialChangeRow::fsgid>{Measure::kNone, Merge::kRow,
                                          "Group for files afterwards"},
      Column<&CredentialChangeRow::before_cap_effective>{
          Measure::kNone, Merge::kRow, "Effective capabilities before, as bits; NULL: not known"},
      Column<&CredentialChangeRow::cap_effective>{Measure::kNone, Merge::kRow,
                                                  "Effective capabilities afterwards, as bits"},
      Column<&CredentialChangeRow::user_namespace>{Measure::kNone, Merge::kRow,
                                                   "Inode of the user namespace"}};
};

/// One event; reads, writes, sends and receives that follow each other may be one row.
struct EventRow {
  Integer event_id;
  Integer host_id;
  Text boot_id;
  Integer boot_ns;
  Integer end_boot_ns;
  Integer wall_ns;
  Integer process_id;
  Integer tid;
  Text kind;
  IntegerOrNull object_id;
  IntegerOrNull other_object_id;
  IntegerOrNull other_process_id;
  IntegerOrNull fd;
  IntegerOrNull other_fd;
  TextOrNull path;
  TextOrNull other_path;
  IntegerOrNull size_bytes;
  IntegerOrNull offset_bytes;
  Integer count;
  Integer result;
  IntegerOrNull flags;
  IntegerOrNull value;
  Integer uid;
  Integer euid;
  Flag baseline;
  IntegerOrNull entry_index;
};
template <>
struct Declaration<EventRow> {
  static constexpr std::string_view kName = "event";
  static constexpr std::string_view kMeaning =
      "One event; reads, writes, sends and receives that follow each other may be one row.";
  static constexpr Split kSplit = Split::kHostAndDay;
  static constexpr std::array kSortOrders{
      SortOrder{"event", "process_id, boot_ns, event_id"},
      SortOrder{"event_by_object", "object_id NULLS LAST, boot_ns, event_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&EventRow::event_id>{Measure::kId, Merge::kRow,
                                  "Unique; ascends in the order of recording"},
      Column<&EventRow::host_id>{Measure::kId, Merge::kRow, "Where it happened"},
      Column<&EventRow::boot_id>{Measure::kNone, Merge::kRow,
                                 "UUID of the boot; empty where the source has none"},
      Column<&EventRow::boot_ns>{Measure::kBootNs, Merge::kRow,
                                 "Begin of the (first) call where known, else its end"},
      Column<&EventRow::end_boot_ns>{Measure::kBootNs, Merge::kRow, "End of the (last) call"},
      Column<&EventRow::wall_ns>{Measure::kWallNs, Merge::kRow, "End of the (last) call"},
      Column<&EventRow::process_id>{Measure::kId, Merge::kRow, "Who did it"},
      Column<&EventRow::tid>{Measure::kNone, Merge::kRow, "The thread that did it"},
      Column<&EventRow::kind>{Measure::kNone, Merge::kRow, "What was done: docs/formats/events.md"},
      Column<&EventRow::object_id>{Measure::kId, Merge::kRow, "To what"},
      Column<&EventRow::other_object_id>{
          Measure::kId, Merge::kRow,
          "The second object: listening socket, write end of a pipe, what a rename replaced"},
      Column<&EventRow::other_process_id>{Measure::kId, Merge::kRow,
                                          "fork: the child; signal: who got it"},
      Column<&EventRow::fd>{Measure::kNone, Merge::kRow, "Descriptor of the object"},
      Column<&EventRow::other_fd>{Measure::kNone, Merge::kRow, "Descriptor of the second object"},
      Column<&EventRow::path>{Measure::kNone, Merge::kRow, "Name of the object in this event"},
      Column<&EventRow::other_path>{Measure::kNone, Merge::kRow,
                                    "The second name: rename, link, symlink"},
      Column<&EventRow::size_bytes>{Measure::kBytes, Merge::kRow,
                                    "Moved by all merged calls; NULL: a kind that moves none"},
      Column<&EventRow::offset_bytes>{Measure::kBytes, Merge::kRow,
                                      "In the file, of the first call"},
      Column<&EventRow::count>{Measure::kCount, Merge::kRow, "Calls merged into this row"},
      Column<&EventRow::result>{Measure::kNone, Merge::kRow,
                                "Of the last call; -errno when it failed"},
      Column<&EventRow::flags>{Measure::kNone, Merge::kRow, "As the kernel's call has them"},
      Column<&EventRow::value>{Measure::kNone, Merge::kRow,
                               "Mode, owner, length, signal: docs/formats/events.md"},
      Column<&EventRow::uid>{Measure::kNone, Merge::kRow, "Real user of the thread"},
      Column<&EventRow::euid>{Measure::kNone, Merge::kRow, "Effective user of the thread"},
      Column<&EventRow::baseline>{Measure::kNone, Merge::kRow,
                                  "State that was found, not something that happened"},
      Column<&EventRow::entry_index>{Measure::kNone, Merge::kRow,
                                     "Entry of the evidence log that it comes from"}};
};

}  // namespace spoor::schema
