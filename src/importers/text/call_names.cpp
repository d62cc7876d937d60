// SPDX-License-Identifier: Apache-2.0
#include "importers/text/call_names.hpp"

#include <fcntl.h>

#include <array>
#include <csignal>
#include <cstring>

#include "importers/text/fields.hpp"

namespace spoor::importers {

std::optional<int> ErrnoOf(std::string_view name) {
  constexpr int kErrnoMax = 133;
  name = name.substr(0, name.find('('));
  for (int number = 1; number <= kErrnoMax; ++number) {
    const char* const known = ::strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  return std::nullopt;
}

std::optional<int> SignalOf(std::string_view name) {
  if (!name.starts_with("SIG")) return std::nullopt;
  name.remove_prefix(3);
  for (int number = 1; number < NSIG; ++number) {
    const char* const known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> OpenFlagsOf(std::string_view names) {
  struct Flag {
    std::string_view name;
    std::uint64_t value;
  };
  static constexpr std::array kFlags{
      Flag{"O_RDONLY", O_RDONLY},       Flag{"O_WRONLY", O_WRONLY},
      Flag{"O_RDWR", O_RDWR},           Flag{"O_CREAT", O_CREAT},
      Flag{"O_EXCL", O_EXCL},           Flag{"O_NOCTTY", O_NOCTTY},
      Flag{"O_TRUNC", O_TRUNC},         Flag{"O_APPEND", O_APPEND},
      Flag{"O_NONBLOCK", O_NONBLOCK},   Flag{"O_DSYNC", O_DSYNC},
      Flag{"O_SYNC", O_SYNC},           Flag{"O_DIRECT", O_DIRECT},
      Flag{"O_DIRECTORY", O_DIRECTORY}, Flag{"O_NOFOLLOW", O_NOFOLLOW},
      Flag{"O_NOATIME", O_NOATIME},     Flag{"O_CLOEXEC", O_CLOEXEC},
      Flag{"O_PATH", O_PATH},           Flag{"O_TMPFILE", O_TMPFILE},
      Flag{"O_LARGEFILE", 0100000}};
  std::uint64_t flags = 0;
  while (!names.empty()) {
    const std::string_view name = TakeUntil(names, "|");
    const Flag* known = nullptr;
    for (const Flag& flag : kFlags) {
      if (flag.name == name) known = &flag;
    }
    if (known == nullptr) return std::nullopt;
    flags |= known->value;
  }
  return flags;
}

}  // namespace spoor::importers
