// SPDX-License-Identifier: Apache-2.0
#include "collector/collected_record.hpp"

#include <bit>
#include <cstring>

#include "base/check.hpp"
#include "base/file.hpp"

namespace spoor::collector {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

struct EncodedRecord {
  std::uint32_t record_bytes;  // with what follows
  std::uint8_t verdict;
  std::uint8_t sensor_bytes;
  std::uint16_t head_bytes;
  std::uint64_t entry_index;
  std::int64_t received_wall_ns;
};
static_assert(sizeof(EncodedRecord) == 24);

void Append(std::span<const std::byte> bytes, std::vector<std::byte>& payload) {
  payload.insert(payload.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOpened:
      return "opened";
    case Verdict::kAccepted:
      return "accepted";
    case Verdict::kGap:
      return "gap";
    case Verdict::kClosed:
      return "closed";
    case Verdict::kMissing:
      return "missing";
    case Verdict::kRefused:
      return "refused";
  }
  return "unknown";
}

void AppendRecord(const CollectedRecord& record, std::vector<std::byte>& payload) {
  SPOOR_CHECK(record.sensor.size() <= 0xFF && record.head.size() <= 0xFFFF) << "record too large";
  const EncodedRecord encoded{
      .record_bytes = static_cast<std::uint32_t>(sizeof(EncodedRecord) + record.sensor.size() +
                                                 record.head.size() + record.note.size()),
      .verdict = static_cast<std::uint8_t>(record.verdict),
      .sensor_bytes = static_cast<std::uint8_t>(record.sensor.size()),
      .head_bytes = static_cast<std::uint16_t>(record.head.size()),
      .entry_index = record.entry_index,
      .received_wall_ns = record.received_wall_ns};
  Append(std::as_bytes(std::span(&encoded, 1)), payload);
  Append(AsBytes(record.sensor), payload);
  Append(record.head, payload);
  Append(AsBytes(record.note), payload);
}

Result<std::vector<CollectedRecord>> ParseRecords(std::span<const std::byte> payload) {
  std::vector<CollectedRecord> records;
  while (!payload.empty()) {
    EncodedRecord encoded{};
    const auto bad = [&records](std::string_view why) {
      return Fail(ErrorCode::kCorrupt, "collector's account: record {}: {}", records.size(), why);
    };
    if (payload.size() < sizeof(encoded)) return bad("cut off");
    std::memcpy(&encoded, payload.data(), sizeof(encoded));
    const std::size_t fixed_bytes = sizeof(encoded) + encoded.sensor_bytes + encoded.head_bytes;
    if (encoded.record_bytes < fixed_bytes || encoded.record_bytes > payload.size()) {
      return bad("its lengths do not fit");
    }
    if (encoded.verdict < static_cast<std::uint8_t>(Verdict::kOpened) ||
        encoded.verdict > static_cast<std::uint8_t>(Verdict::kRefused)) {
      return bad("unknown verdict");
    }
    const std::span<const std::byte> head =
        payload.subspan(sizeof(encoded) + encoded.sensor_bytes, encoded.head_bytes);
    records.push_back(
        {.verdict = static_cast<Verdict>(encoded.verdict),
         .entry_index = encoded.entry_index,
         .received_wall_ns = encoded.received_wall_ns,
         .sensor = std::string(AsText(payload.subspan(sizeof(encoded), encoded.sensor_bytes))),
         .head = {head.begin(), head.end()},
         .note = std::string(
             AsText(payload.subspan(fixed_bytes, encoded.record_bytes - fixed_bytes)))});
    payload = payload.subspan(encoded.record_bytes);
  }
  return records;
}

}  // namespace spoor::collector
