// SPDX-License-Identifier: Apache-2.0
#include "analysis/flow_packets.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analysis/open_store.hpp"
#include "base/visible_text.hpp"
#include "event/event_text.hpp"
#include "event/network.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "evidence/tree.hpp"
#include "importers/pcap/capture_source.hpp"
#include "ingest/catch_up.hpp"
#include "packets/capture_writer.hpp"
#include "packets/flow_builder.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::analysis {
namespace {

std::string Comment(const std::vector<store::Value>& row) {
  return event::MakeUtf8(VisibleText(std::get<std::string>(row[4]), 1000));
}

/// Calls `visit` with every packet of the capture.
Result<> ForEachPacket(evidence::LogReader& log, const FlowCapture& capture,
                       packets::CaptureReader::Visit visit) {
  const std::unique_ptr<event::EventSource> source = importers::MakePacketSource(std::move(visit));
  event::Findings none;
  bool past_it = false;
  const auto read =
      log.ForEach(capture.entries.begin,
                  [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
                    past_it = index >= capture.entries.end;
                    if (past_it) return Fail(ErrorCode::kUnavailable, "past the last entry");
                    if (wire::PeekKind(entry) != wire::BatchKind::kImportData) return {};
                    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
                    if (wire::FormatRecordingId(batch.recording_id) != capture.recording_id)
                      return {};
                    return source->Feed(batch.payload, none);
                  });
  if (!past_it) RETURN_IF_ERROR(read);
  return source->Finish(none);
}

/// Appends the packets of the wanted flows; returns how many there are.
Result<std::uint64_t> CopyPackets(evidence::LogReader& log, const FlowCapture& capture,
                                  packets::CaptureWriter& writer,
                                  const std::function<Result<>(std::string_view)>& write) {
  std::map<std::int64_t, std::string> comments;  // by the builder's ids
  const packets::FlowPolicy policy = FlowPolicyOf(capture.description);
  packets::FlowBuilder finder(policy, capture.description.sha256, [&](const packets::Flow& flow) {
    const auto wanted =
        capture.comments.find(event::FlowId(capture.description.host, importers::SightingOf(flow)));
    if (wanted != capture.comments.end()) comments.emplace(flow.flow_id, wanted->second);
  });
  RETURN_IF_ERROR(ForEachPacket(
      log, capture, [&](const packets::CapturedPacket& packet) { finder.Add(packet); }));
  finder.Finish();
  packets::FlowBuilder builder(policy, capture.description.sha256, [](const packets::Flow&) {});
  std::uint64_t count = 0;
  Result<> written;
  std::string part;
  RETURN_IF_ERROR(ForEachPacket(log, capture, [&](const packets::CapturedPacket& packet) {
    for (const std::int64_t id : builder.Add(packet)) {
      const auto wanted = comments.find(id);
      if (wanted == comments.end() || !written) continue;
      part.clear();
      writer.Append(packet, wanted->second, part);
      written = write(part);
      ++count;
      return;
    }
  }));
  RETURN_IF_ERROR(written);
  return count;
}

}  // namespace

Result<std::vector<FlowCapture>> FindFlowCaptures(store::Store& store, std::int64_t flow_id) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<store::RowReader> rows,
      store.Sql("WITH wanted AS MATERIALIZED ("
                "  SELECT f.flow_id, f.recording_id FROM flow AS f WHERE f.observer = 'packets' "
                "  AND (f.flow_id = $1 OR f.connection_id IN "
                "       (SELECT o.connection_id FROM flow AS o WHERE o.flow_id = $1))"
                "), said AS ("
                "  SELECT fp.flow_id, string_agg(concat('process ', p.pid, ' ', "
                "    coalesce(p.executable, p.name, '?'), ' of ', h.name, ', user ', fp.uid, "
                "    ', descriptor ', fp.fd, ': ', fp.reason, ' (', fp.confidence, ')'), '; ' "
                "    ORDER BY fp.confidence DESC, fp.process_id) AS comment "
                "  FROM flow_process AS fp JOIN process AS p ON p.process_id = fp.process_id "
                "  LEFT JOIN host AS h ON h.host_id = p.host_id "
                "  WHERE fp.flow_id IN (SELECT w.flow_id FROM wanted AS w) GROUP BY fp.flow_id"
                ") SELECT w.recording_id, any_value(r.description), min(b.entry_index), "
                "         max(b.entry_index), coalesce(any_value(s.comment), ''), w.flow_id "
                "FROM wanted AS w JOIN recording AS r ON r.recording_id = w.recording_id "
                "JOIN evidence_batch AS b ON b.recording_id = w.recording_id "
                "LEFT JOIN said AS s ON s.flow_id = w.flow_id "
                "GROUP BY w.recording_id, w.flow_id ORDER BY 3, w.flow_id",
                {flow_id}));
  std::vector<FlowCapture> captures;
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows->Next(row));
    if (!more) return captures;
    const std::string& recording_id = std::get<std::string>(row[0]);
    if (captures.empty() || captures.back().recording_id != recording_id) {
      FlowCapture& capture = captures.emplace_back();
      capture.recording_id = recording_id;
      ASSIGN_OR_RETURN(capture.description,
                       ingest::ParseImportDescription(std::get<std::string>(row[1])));
      capture.entries = {static_cast<std::uint64_t>(std::get<std::int64_t>(row[2])),
                         static_cast<std::uint64_t>(std::get<std::int64_t>(row[3])) + 1};
    }
    captures.back().comments.emplace(std::get<std::int64_t>(row[5]), Comment(row));
  }
}

Result<FlowPackets> WriteFlowPackets(const StoreLayout& layout,
                                     const std::vector<FlowCapture>& captures,
                                     const std::function<Result<>(std::string_view)>& write) {
  FlowPackets packets{.capture_count = captures.size()};
  if (captures.empty()) return packets;
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(layout));
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), key));
  packets::CaptureWriter writer;
  for (const FlowCapture& capture : captures) {
    ASSIGN_OR_RETURN(const std::uint64_t copied, CopyPackets(*log, capture, writer, write));
    packets.packet_count += copied;
    packets.flow_count += capture.comments.size();
  }
  return packets;
}

}  // namespace spoor::analysis
