// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "store/store.hpp"

/// From what a user writes to ids.
namespace spoor::store {

/// `text`: a process_id, a pid, or pid@start_boot_ns. Fails: kInvalidArgument (not a number, or a
/// pid that several processes had: the message lists them with host, start and command), kNotFound.
Result<std::int64_t> FindProcess(Store& store, std::string_view text);

/// The objects that ever had the absolute path `path`, oldest name first; or `path` is an
/// object_id. Fails: kNotFound.
Result<std::vector<std::int64_t>> FindFile(Store& store, std::string_view path);

/// `text`: a flow_id (= object_id of the socket), or ADDRESS:PORT of either end. Fails: as
/// FindProcess.
Result<std::int64_t> FindFlow(Store& store, std::string_view text);

/// The first column of all rows as integers; NULLs are left out.
Result<std::vector<std::int64_t>> ReadIntegers(Store& store, std::string_view query,
                                               const std::vector<Value>& parameters);

}  // namespace spoor::store
