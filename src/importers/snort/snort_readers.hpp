// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

/// Alerts of Snort (and the fast.log of Suricata, which has the same form with a year of four
/// digits), each format a reader. Times without a year need one.
namespace spoor::importers {

/// alert_fast: one line an alert.
std::unique_ptr<event::EventSource> MakeSnortFastReader(const ImportOptions& options);
bool LooksLikeSnortFast(std::string_view first_bytes);

/// alert_full: several lines an alert, also with the lines of link layers.
std::unique_ptr<event::EventSource> MakeSnortFullReader(const ImportOptions& options);
bool LooksLikeSnortFull(std::string_view first_bytes);

/// alert_json of Snort 3, with whatever fields were chosen.
std::unique_ptr<event::EventSource> MakeSnortJsonReader(const ImportOptions& options);
bool LooksLikeSnortJson(std::string_view first_bytes);

bool LooksLikeSnortCsv(std::string_view first_bytes);
std::unique_ptr<event::EventSource> MakeSnortCsvReader(const ImportOptions& options);

}  // namespace spoor::importers
