// SPDX-License-Identifier: Apache-2.0
#include "sensor/kernel_source_scope.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

namespace spoor::sensor {
namespace {

constexpr std::uint64_t kRootCgroupId = 1;  // kernfs: the root of every hierarchy
constexpr int kCgroupDepthMax = 64;

struct CgroupPlace {
  std::uint64_t id = 0;
  std::uint32_t level = 0;
};

// In cgroup v2 the inode number of a folder is the id that BPF sees. The level is how many folders
// are above it, which a cgroup namespace would hide: hence up to the id of the true root.
Result<CgroupPlace> FindCgroup(const std::string& path) {
  struct statfs file_system {};
  if (statfs(path.c_str(), &file_system) != 0)
    return Fail(ErrorCode::kNotFound, "cgroup {}: {}", path, ErrnoText(errno));
  if (file_system.f_type != CGROUP2_SUPER_MAGIC)
    return Fail(ErrorCode::kInvalidArgument, "{} is not a folder of a cgroup v2 mount", path);
  CgroupPlace place;
  std::string folder = path;
  for (int depth = 0; depth <= kCgroupDepthMax; depth++) {
    struct stat status {};
    if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
      return Fail(ErrorCode::kInvalidArgument, "cgroup {}: not a folder", path);
    if (depth == 0) place.id = status.st_ino;
    if (status.st_ino == kRootCgroupId) {
      place.level = static_cast<std::uint32_t>(depth);
      return place;
    }
    folder += "/..";
  }
  return Fail(ErrorCode::kInvalidArgument,
              "cgroup {}: the root of the hierarchy is not above it (cgroup namespace?)", path);
}

}  // namespace

Result<sensor_config> MakeConfig(const KernelSourceOptions& options) {
  if (options.scopes.empty() || options.scopes.size() > SCOPE_COUNT_MAX) {
    return Fail(ErrorCode::kInvalidArgument, "{} scopes: 1 to {} are possible",
                options.scopes.size(), SCOPE_COUNT_MAX);
  }
  struct CgroupScope {
    CgroupPlace place;
    std::int32_t scope;
  };
  std::vector<CgroupScope> groups;
  sensor_config config{};
  config.machine_scope = SCOPE_NONE;
  for (std::size_t i = 0; i < options.scopes.size(); i++) {
    const Scope& scope = options.scopes[i];
    switch (scope.kind) {
      case Scope::Kind::kMachine:
        config.machine_scope = static_cast<std::int32_t>(i);
        break;
      case Scope::Kind::kTree:
        config.has_tree = 1;
        break;
      case Scope::Kind::kCgroup: {
        ASSIGN_OR_RETURN(const CgroupPlace place, FindCgroup(scope.cgroup_path));
        groups.push_back({place, static_cast<std::int32_t>(i)});
        break;
      }
    }
  }
  // The kernel half takes the first that fits: a scope within another one wins.
  std::ranges::stable_sort(groups, std::ranges::greater(),
                           [](const CgroupScope& group) { return group.place.level; });
  for (const CgroupScope& group : groups) {
    const std::uint32_t slot = config.cgroup_count++;
    config.cgroup_id[slot] = group.place.id;
    config.cgroup_level[slot] = group.place.level;
    config.cgroup_scope[slot] = group.scope;
  }
  config.self_tgid = static_cast<std::uint32_t>(getpid());
  config.payload_bytes_max = std::min<std::uint32_t>(options.payload_bytes_max, PAYLOAD_BYTES_MAX);
  config.terminal_payload_bytes_max =
      std::min<std::uint32_t>(options.terminal_payload_bytes_max, PAYLOAD_BYTES_MAX);
  config.payload_bytes_per_second = options.payload_bytes_per_second;
  return config;
}

}  // namespace spoor::sensor
