// SPDX-License-Identifier: Apache-2.0
// `spoor status`: what is in a store.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/status.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

using Json = nlohmann::ordered_json;

std::string TimeOrNone(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  return WallTimeText(found->get<std::int64_t>());
}

std::string TextOrNone(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? "-" : found->get<std::string>();
}

std::int64_t NumberOrZero(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? 0 : found->get<std::int64_t>();
}

void PrintText(const Json& status) {
  PrintOut("store      {}{}\n", TextOrNone(status, "store"),
           status.at("being_written").get<bool>() ? " (being written)" : "");
  PrintOut("time       {} to {}\n", TimeOrNone(status, "first_wall_ns"),
           TimeOrNone(status, "last_wall_ns"));
  PrintOut("events     {} in {} rows, {} processes, {} flows\n",
           NumberOrZero(status, "event_count"), NumberOrZero(status, "event_row_count"),
           NumberOrZero(status, "process_count"), NumberOrZero(status, "flow_count"));
  PrintOut("evidence   {} entries, {} bytes, the last sealed at {}\n",
           NumberOrZero(status, "entry_count"), NumberOrZero(status, "evidence_bytes"),
           TimeOrNone(status, "last_batch_wall_ns"));
  if (NumberOrZero(status, "set_aside_bytes") > 0) {
    PrintOut("set aside  {} bytes without a checkpoint\n", NumberOrZero(status, "set_aside_bytes"));
  }
  PrintOut("segments   {}, {} bytes\n", NumberOrZero(status, "segment_count"),
           NumberOrZero(status, "segment_bytes"));
  for (const Json& host : status.at("hosts")) PrintOut("host       {}\n", TextOrNone(host, "name"));
  const bool being_written = status.at("being_written").get<bool>();
  for (const Json& recording : status.at("recordings")) {
    const bool closed = recording.at("closed").get<bool>();
    const bool newest = &recording == &status.at("recordings").back();
    PrintOut("recording  {} {} on {}, {} to {}{}\n", TextOrNone(recording, "recording_id"),
             TextOrNone(recording, "kind"), TextOrNone(recording, "host"),
             TimeOrNone(recording, "begin_wall_ns"), TimeOrNone(recording, "end_wall_ns"),
             closed                    ? ""
             : being_written && newest ? " (open)"
                                       : " (cut off)");
  }
  for (const Json& gap : status.at("gaps")) {
    PrintOut("gap        {}: {} lost in {} gaps, {} to {}\n", TextOrNone(gap, "loss_class"),
             NumberOrZero(gap, "lost_count"), NumberOrZero(gap, "gap_count"),
             TimeOrNone(gap, "from_wall_ns"), TimeOrNone(gap, "until_wall_ns"));
  }
  if (status.at("gaps").empty()) PrintOut("gaps       none\n");
}

Result<ExitCode> PrintStatus(const std::string& folder, bool json) {
  const StoreLayout layout{folder};
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(folder));
  ASSIGN_OR_RETURN(const Json status, analysis::StatusOf(layout, *store));
  if (json) {
    PrintJson(status);
  } else {
    PrintText(status);
  }
  return store.Judge(ExitCode::kDone);
}

}  // namespace

void RegisterStatus(CLI::App& application, Action& action) {
  struct Options {
    std::string store;
    bool json = false;
  };
  CLI::App* const subcommand = application.add_subcommand("status", "show what is in a store");
  const auto options = std::make_shared<Options>();
  AddStoreOption(*subcommand, options->store);
  subcommand->add_flag("--json", options->json, "one JSON object");
  subcommand->callback([&action, options] {
    action = [options] { return PrintStatus(options->store, options->json); };
  });
}

}  // namespace spoor::programs
