// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "event/event.hpp"

namespace spoor::event {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, kEventKindCount> kEventKindNames{
    "fork",          "exec",        "exit",     "credential_change",
    "open",          "close",       "dup",      "read",
    "write",         "unlink",      "rename",   "link",
    "symlink",       "chmod",       "chown",    "truncate",
    "mkdir",         "mknod",       "chdir",    "pipe",
    "socketpair",    "socket",      "bind",     "listen",
    "connect",       "accept",      "send",     "recv",
    "shutdown",      "window_size", "signal",   "setsid",
    "set_attribute", "mount",       "set_name", "process",
    "descriptor",    "loss"};

constexpr std::array<std::string_view, static_cast<std::size_t>(ObjectType::kPath) + 1>
    kObjectTypeNames{"none",         "file",      "directory", "symlink", "character_device",
                     "block_device", "pipe",      "socket",    "pty",     "tty",
                     "memfd",        "anonymous", "path"};

template <typename Enum, std::size_t kSize>
std::optional<Enum> ValueOf(const std::array<std::string_view, kSize>& names,
                            std::string_view name) {
  for (std::size_t i = 0; i < kSize; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view EventKindName(EventKind kind) {
  return kEventKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<EventKind> EventKindOf(std::string_view name) {
  return ValueOf<EventKind>(kEventKindNames, name);
}

std::string_view ObjectTypeName(ObjectType type) {
  return kObjectTypeNames.at(static_cast<std::size_t>(type));
}

std::optional<ObjectType> ObjectTypeOf(std::string_view name) {
  return ValueOf<ObjectType>(kObjectTypeNames, name);
}

}  // namespace spoor::event
