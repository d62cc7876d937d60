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

/// `text`: a flow_id, or ADDRESS:PORT of either end. Of a connection that several observers saw it
/// is what a sensor saw, if one did. Fails: as FindProcess.
Result<std::int64_t> FindFlow(Store& store, std::string_view text);

/// What sensors saw of the connection of a flow of any observer: the flow itself, if it is a
/// sensor's. Fails: kNotFound (why no sensor saw it).
Result<std::vector<std::int64_t>> FindRecordedFlows(Store& store, std::int64_t flow_id);

/// The same of the flow of an alert. `text`: an alert_id. Fails: kNotFound, kInvalidArgument.
Result<std::vector<std::int64_t>> FindAlert(Store& store, std::string_view text);

/// The first column of all rows as integers; NULLs are left out.
Result<std::vector<std::int64_t>> ReadIntegers(Store& store, std::string_view query,
                                               const std::vector<Value>& parameters);

}  // namespace spoor::store
