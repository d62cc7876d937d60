// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"
#include "packets/capture_reader.hpp"
#include "packets/flow.hpp"

namespace spoor::importers {

/// Reads captures, pcap and pcapng: each flow is given out when it is over, the others at the end.
/// Records are packets; those that hold no IP are not decoded. Packets of Sebek give the events
/// that they tell of beside their flow. What statistics of a pcapng say was dropped is a loss.
std::unique_ptr<event::EventSource> MakeCaptureSource(const ImportOptions& options);
/// The same, where every packet that can be a record of Sebek is taken for one.
std::unique_ptr<event::EventSource> MakeSebekCaptureSource(const ImportOptions& options);

/// Reads the same files, also compressed, and finds nothing: `visit` is called with every
/// packet.
std::unique_ptr<event::EventSource> MakePacketSource(packets::CaptureReader::Visit visit);

/// A flow of packets as what the observer "packets" says. The key tells apart flows of one file.
event::FlowSighting SightingOf(const packets::Flow& flow);

}  // namespace spoor::importers
