// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace spoor::causality {

/// A small break-in as SQL for OpenMemoryStore, for the tests of this folder: nginx (worker 102,
/// two clients) hands a request over a unix socket to fcgiwrap (110), which runs a CGI shell (120);
/// that connects back to the attacker, reads commands from there and writes /etc/cron.d/backup. At
/// the same time nginx and fcgiwrap serve an innocent client (CGI 130), and a shell uses a helper.
class Story {
 public:
  static constexpr std::int64_t kHost = 1;
  static constexpr std::int64_t kNginx = 100, kWorker = 102, kFcgiwrap = 110, kShell = 120,
                                kInnocent = 130, kHelper = 140, kCron = 150;
  static constexpr std::int64_t kAttack = 1001, kClient = 1002, kUpstreamA = 1003,
                                kUpstreamB = 1004, kServerA = 1005, kServerB = 1006,
                                kReverse = 1007, kHelperPipe = 1010, kLibrary = 1020,
                                kShellProgram = 1021, kNull = 1022, kCronJob = 1030,
                                kInnocentFile = 1031, kEmptyPipe = 1011;
  static constexpr std::int64_t kWallShift = 1'795'293'000'000'000'000;

  /// All INSERT statements.
  static std::string Sql() {
    Story story;
    story.AddThings();
    story.AddEvents();
    return story.sql_;
  }

 private:
  void AddProcess(std::int64_t id, std::int64_t parent, const char* name, const char* command_line,
                  int uid) {
    sql_ += fmt::format(
        "INSERT INTO process (process_id, host_id, boot_id, pid, start_boot_ns, parent_process_id, "
        "baseline, name, executable, command_line, uid, euid) VALUES ({0}, 1, 'b', {0}, {0}, {1}, "
        "{2}, '{3}', '/usr/bin/{3}', '{4}', {5}, {5});\n",
        id, parent == 0 ? "NULL" : std::to_string(parent), id < 115 ? "true" : "false", name,
        command_line, uid);
  }

  void AddObject(std::int64_t id, const char* type, const char* path) {
    sql_ += fmt::format(
        "INSERT INTO object (object_id, host_id, type, first_boot_ns, path) VALUES ({}, 1, '{}', "
        "1, "
        "{});\n",
        id, type, path == nullptr ? "NULL" : fmt::format("'{}'", path));
  }

  void AddSocket(std::int64_t id, const char* remote, std::int64_t peer, const char* direction) {
    AddObject(id, "socket", nullptr);
    sql_ += remote != nullptr
                ? fmt::format(
                      "INSERT INTO socket (object_id, host_id, family, local_ip, local_port, "
                      "remote_ip, remote_port, direction, first_boot_ns, first_wall_ns) VALUES "
                      "({}, 1, 'inet', '10.0.0.2', 80, '{}', 4444, '{}', 1, 1);\n",
                      id, remote, direction)
                : fmt::format(
                      "INSERT INTO socket (object_id, host_id, family, unix_path, "
                      "peer_object_id, direction, first_boot_ns, first_wall_ns) VALUES "
                      "({}, 1, 'unix', '/run/fcgiwrap.socket', {}, '{}', 1, 1);\n",
                      id, peer, direction);
  }

  void AddThings() {
    sql_ += "INSERT INTO host VALUES (1, 'web');\n";
    AddProcess(kNginx, 0, "nginx", "nginx: master process", 0);
    AddProcess(kWorker, kNginx, "nginx", "nginx: worker process", 33);
    AddProcess(kFcgiwrap, 0, "fcgiwrap", "fcgiwrap -s unix:/run/fcgiwrap.socket", 33);
    AddProcess(kShell, kFcgiwrap, "sh", "/bin/sh /srv/cgi/ping.cgi", 33);
    AddProcess(kInnocent, kFcgiwrap, "sh", "/bin/sh /srv/cgi/ping.cgi", 33);
    AddProcess(kHelper, kShell, "id", "id -u", 33);
    AddProcess(kCron, kShell, "tee", "tee /etc/cron.d/backup", 0);
    AddSocket(kAttack, "203.0.113.9", 0, "inbound");
    AddSocket(kClient, "198.51.100.7", 0, "inbound");
    AddSocket(kUpstreamA, nullptr, kServerA, "outbound");
    AddSocket(kUpstreamB, nullptr, kServerB, "outbound");
    AddSocket(kServerA, nullptr, kUpstreamA, "inbound");
    AddSocket(kServerB, nullptr, kUpstreamB, "inbound");
    AddSocket(kReverse, "203.0.113.9", 0, "outbound");
    AddObject(kHelperPipe, "pipe", nullptr);
    AddObject(kEmptyPipe, "pipe", nullptr);
    AddObject(kLibrary, "file", "/usr/lib/libc.so.6");
    AddObject(kShellProgram, "file", "/usr/bin/sh");
    AddObject(kNull, "character_device", "/dev/null");
    AddObject(kCronJob, "file", "/etc/cron.d/backup");
    AddObject(kInnocentFile, "file", "/var/tmp/innocent");
  }

  void At(std::int64_t boot_ns, std::int64_t process, const char* kind, std::int64_t object) {
    sql_ += fmt::format(
        "INSERT INTO event (event_id, host_id, boot_id, boot_ns, end_boot_ns, wall_ns, process_id, "
        "tid, kind, {6}, size_bytes, count, result, flags, uid, euid, baseline) VALUES ({0}, "
        "1, 'b', {1}, {1}, {2}, {3}, {3}, '{4}', {5}, 10, 1, 0, 577, 0, 0, false);\n",
        ++event_id_, boot_ns, kWallShift + boot_ns, process, kind, object,
        event::TraitsOf(*event::EventKindOf(kind)).dependence ==
                event::Dependence::kProcessToProcess
            ? "other_process_id"
            : "object_id");
  }

  void AddEvents() {
    // The innocent client first, then the attacker, through the same worker and the same fcgiwrap.
    At(1000, kWorker, "accept", kClient);
    At(1010, kWorker, "recv", kClient);
    At(1020, kWorker, "connect", kUpstreamB);
    At(1030, kWorker, "write", kUpstreamB);
    At(1040, kFcgiwrap, "accept", kServerB);
    At(1050, kFcgiwrap, "read", kServerB);
    At(1060, kFcgiwrap, "fork", kInnocent);
    At(1070, kInnocent, "exec", kShellProgram);
    At(1080, kInnocent, "write", kInnocentFile);
    At(1090, kInnocent, "write", kNull);

    At(2000, kWorker, "accept", kAttack);
    At(2010, kWorker, "recv", kAttack);
    At(2020, kWorker, "connect", kUpstreamA);
    At(2030, kWorker, "write", kUpstreamA);
    At(2040, kFcgiwrap, "accept", kServerA);
    At(2050, kFcgiwrap, "read", kServerA);
    At(2060, kFcgiwrap, "fork", kShell);
    At(2070, kShell, "exec", kShellProgram);
    At(2080, kShell, "read", kLibrary);
    At(2085, kShell, "read", kEmptyPipe);
    At(2090, kShell, "read", kNull);
    At(2100, kShell, "connect", kReverse);
    At(2110, kShell, "fork", kHelper);
    At(2120, kHelper, "write", kHelperPipe);
    At(2130, kShell, "read", kHelperPipe);
    At(2140, kShell, "write", kReverse);
    At(2150, kShell, "read", kReverse);
    At(2160, kShell, "fork", kCron);
    At(2170, kCron, "open", kCronJob);
    At(2180, kCron, "write", kCronJob);
    At(2190, kShell, "unlink", kInnocentFile);
  }

  std::string sql_;
  std::int64_t event_id_ = 0;
};

}  // namespace spoor::causality
