// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "event/event.hpp"
#include "wire/kernel_event.h"

/// The numbers of kernel_event.h as the words of event.hpp.
namespace spoor::ingest {

/// The event of a path_record (unlink, renameat2 …) by its call; empty for a call not known here.
std::optional<event::EventKind> PathEventOf(std::uint16_t syscall_nr);
/// Likewise of a socket_record.
std::optional<event::EventKind> SocketEventOf(std::uint16_t syscall_nr);
/// Whether it is one of the send and recv families (sendto, recvmmsg …).
bool IsMessageCall(std::uint16_t syscall_nr);
/// "setresuid"; empty for calls that no event is named by.
std::string_view SyscallName(std::uint16_t syscall_nr);

/// OBJECT_… and its flags; empty for a value not known here.
std::optional<event::ObjectType> ObjectTypeOf(const object_ref& object);

/// Words for what has one, else the number.
event::SocketInfo SocketInfoOf(const socket_ref& socket, std::string_view unix_path);

/// `path` as it reads from the root: behind `base` when it is relative, without ".", ".." and
/// doubled slashes (by the letters only: symbolic links are not known here). Relative without a
/// base, it is returned as it is. Empty stays empty.
std::string AbsolutePath(std::string_view base, std::string_view path);

}  // namespace spoor::ingest
