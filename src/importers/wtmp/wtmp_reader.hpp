// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Whether a file that begins with these bytes is wtmp or btmp, as glibc has them on machines with
/// times of 32 bits in them (x86-64, i386, arm): records of 384 bytes, little-endian.
bool LooksLikeWtmp(std::string_view first_bytes);
/// Whether such a file can only be btmp: it has a try of sshd or login, and no boot or end of a
/// login. One in which only login of the package shadow wrote looks like wtmp; its name tells.
bool LooksLikeBtmp(std::string_view first_bytes);

/// Each record that says something becomes a line of the log `wtmp`:
/// "login terminal=pts/0 address=192.0.2.7 pid=77 user=alice", likewise `login_failed` (btmp) and
/// `login_ended`, with the user of the login on that terminal; the others "boot" and the like.
/// Spaces, backslashes and what is not printable in them are \xHH. Source: utmp(5).
std::unique_ptr<event::EventSource> MakeWtmpReader(const ImportOptions& options);
/// The same of btmp, where all is a try that failed: login of shadow gives it the type of a login.
std::unique_ptr<event::EventSource> MakeBtmpReader(const ImportOptions& options);

}  // namespace spoor::importers
