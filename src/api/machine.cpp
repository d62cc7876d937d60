// SPDX-License-Identifier: Apache-2.0
#include "api/machine.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <utmp.h>

#include <cstdlib>
#include <set>

#include "base/file.hpp"

namespace spoor::api {
namespace {

constexpr std::uint64_t kProcBytesMax = 1 << 20;
constexpr std::size_t kFileSystemsMax = 200;

std::string Proc(const char* name) {
  Result<std::string> text = ReadTextFile(name, kProcBytesMax);
  return text ? *std::move(text) : std::string();
}

/// Who is logged in, as utmp has it; 0 where there is none.
std::int64_t LoggedIn() {
  std::int64_t count = 0;
  setutent();
  while (const utmp* entry = getutent()) count += entry->ut_type == USER_PROCESS ? 1 : 0;
  endutent();
  return count;
}

bool HoldsBytes(std::string_view type) {
  for (const std::string_view none :
       {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "bpf",
        "securityfs", "pstore", "configfs", "fusectl", "hugetlbfs", "autofs", "binfmt_misc", "nsfs",
        "rpc_pipefs", "efivarfs"}) {
    if (type == none) return false;
  }
  return true;
}

Json FileSystems(const std::filesystem::path& store) {
  struct stat of_store {};
  const bool known = stat(store.c_str(), &of_store) == 0;
  Json all = Json::array();
  std::set<std::string> seen;
  const std::string mounts = Proc("/proc/self/mounts");
  std::string_view rest = mounts;
  while (!rest.empty() && all.size() < kFileSystemsMax) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::vector<std::string> fields;
    for (std::string_view words = line; !words.empty() && fields.size() < 3;) {
      const std::string_view word = words.substr(0, words.find(' '));
      fields.push_back(MountField(word));
      words.remove_prefix(std::min(words.size(), word.size() + 1));
    }
    if (fields.size() < 3 || !HoldsBytes(fields[2]) || !seen.insert(fields[1]).second) continue;
    struct statvfs size {};
    struct stat of_mount {};
    if (statvfs(fields[1].c_str(), &size) != 0 || size.f_blocks == 0) continue;
    const bool holds =
        known && stat(fields[1].c_str(), &of_mount) == 0 && of_mount.st_dev == of_store.st_dev;
    const auto bytes = [&](fsblkcnt_t blocks) {
      return static_cast<std::int64_t>(blocks * size.f_frsize);
    };
    all.push_back({{"source", Utf8(fields[0])},
                   {"mount_point", Utf8(fields[1])},
                   {"type", fields[2]},
                   {"size_bytes", bytes(size.f_blocks)},
                   {"used_bytes", bytes(size.f_blocks - size.f_bfree)},
                   {"available_bytes", bytes(size.f_bavail)},
                   {"holds_store", holds}});
  }
  return all;
}

}  // namespace

std::int64_t MeminfoBytes(std::string_view meminfo, std::string_view name) {
  const std::string wanted = std::string(name) + ":";
  std::string_view rest = meminfo;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with(wanted)) continue;
    return std::strtoll(std::string(line.substr(wanted.size())).c_str(), nullptr, 10) * 1024;
  }
  return 0;
}

std::string MountField(std::string_view field) {
  std::string text;
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 3 < field.size() && octal(field[i + 1]) && octal(field[i + 2]) &&
        octal(field[i + 3])) {
      text += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
                                (field[i + 3] - '0'));
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

Json MachineJson(const std::filesystem::path& store) {
  struct sysinfo system {};
  sysinfo(&system);
  Json load = Json::array();
  for (const unsigned long each : system.loads) {
    load.push_back(static_cast<double>(each) / (1 << SI_LOAD_SHIFT));
  }
  const std::string meminfo = Proc("/proc/meminfo");
  const auto bytes = [&](std::string_view name) { return MeminfoBytes(meminfo, name); };
  const std::int64_t cached = bytes("Cached") + bytes("SReclaimable");
  return {{"uptime_s", system.uptime},
          {"users", LoggedIn()},
          {"load", std::move(load)},
          {"memory",
           {{"total_bytes", bytes("MemTotal")},
            {"used_bytes", bytes("MemTotal") - bytes("MemFree") - bytes("Buffers") - cached},
            {"free_bytes", bytes("MemFree")},
            {"shared_bytes", bytes("Shmem")},
            {"buffers_bytes", bytes("Buffers")},
            {"cached_bytes", cached}}},
          {"swap",
           {{"total_bytes", bytes("SwapTotal")},
            {"used_bytes", bytes("SwapTotal") - bytes("SwapFree")},
            {"free_bytes", bytes("SwapFree")}}},
          {"file_systems", FileSystems(store)}};
}

}  // namespace spoor::api
