// SPDX-License-Identifier: Apache-2.0
#include "importers/snort/unified2_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <deque>
#include <map>
#include <tuple>

#include "base/file.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kSnort = "snort";
constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint32_t kRecordBytesMax = 1 << 20;
constexpr std::size_t kOpenAlertsMax = 1 << 14;
constexpr std::size_t kOpenPacketBytesMax = 64 << 20;

enum : std::uint32_t {
  kPacket = 2,
  kEvent = 7,
  kEventV6 = 72,
  kEvent2 = 104,
  kEvent2V6 = 105,
  kExtraData = 110,
  kEventAppId = 111,
  kEventAppIdV6 = 112,
  kAppStatistics = 113,
};

bool IsKnown(std::uint32_t type) {
  switch (type) {
    case kPacket:
    case kEvent:
    case kEventV6:
    case kEvent2:
    case kEvent2V6:
    case kExtraData:
    case kEventAppId:
    case kEventAppIdV6:
    case kAppStatistics:
      return true;
    default:
      return false;
  }
}

std::uint32_t BigEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

/// Takes numbers off the front of a record; 0 and `short_` when it ends before.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  std::string_view Bytes(std::size_t size) {
    if (rest_.size() < size) {
      short_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::uint32_t Number(std::size_t size = 4) { return BigEndian(Bytes(size)); }
  std::string_view rest() const { return rest_; }
  bool is_short() const { return short_; }

 private:
  std::string_view rest_;
  bool short_ = false;
};

/// How events and packets find each other.
using EventName = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // sensor, id, second

class Unified2Reader : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (lost_) return {};
    held_ += AsText(bytes);
    std::string_view rest = held_;
    while (rest.size() >= kHeaderBytes) {
      const std::uint32_t type = BigEndian(rest.substr(0, 4));
      const std::uint32_t size = BigEndian(rest.substr(4, 4));
      if (size > kRecordBytesMax) {
        ++counts_.record_count;
        CountMalformed();
        lost_ = true;  // where the next record begins is not known any more
        rest = {};
        break;
      }
      if (rest.size() - kHeaderBytes < size) break;
      ++counts_.record_count;
      TakeRecord(type, rest.substr(kHeaderBytes, size), findings);
      rest.remove_prefix(kHeaderBytes + size);
    }
    held_.erase(0, held_.size() - rest.size());
    return {};
  }

  Result<> Finish(event::Findings& findings) override {
    if (!held_.empty()) {
      ++counts_.record_count;
      CountMalformed();
    }
    while (!order_.empty()) CloseOldest(findings);
    counts_.not_decoded_count += early_packets_.size();
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  void CountMalformed() {
    if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
  }

  void TakeRecord(std::uint32_t type, std::string_view record, event::Findings& findings) {
    switch (type) {
      case kEvent:
        return TakeEvent(record, 4, false, false, findings);
      case kEventV6:
        return TakeEvent(record, 16, false, false, findings);
      case kEvent2:
        return TakeEvent(record, 4, true, false, findings);
      case kEvent2V6:
        return TakeEvent(record, 16, true, false, findings);
      case kEventAppId:
        return TakeEvent(record, 4, true, true, findings);
      case kEventAppIdV6:
        return TakeEvent(record, 16, true, true, findings);
      case kPacket:
        return TakePacket(record);
      case kExtraData:
        return TakeExtraData(record, findings);
      default:
        ++counts_.not_decoded_count;
    }
  }

  void TakeEvent(std::string_view record, std::size_t address_bytes, bool version_2, bool app_id,
                 event::Findings& findings) {
    Fields fields(record);
    event::AlertSighting alert;
    alert.source = kSnort;
    const std::uint32_t sensor = fields.Number();
    const std::uint32_t id = fields.Number();
    const std::uint32_t second = fields.Number();
    const std::uint32_t microsecond = fields.Number();
    alert.signature_id = fields.Number();
    alert.generator_id = fields.Number();
    const std::uint32_t revision = fields.Number();
    const std::uint32_t classification = fields.Number();
    alert.priority = fields.Number();
    event::FlowEnds& ends = alert.flow.ends;
    ends.source_ip = AddressOfBytes(fields.Bytes(address_bytes));
    ends.destination_ip = AddressOfBytes(fields.Bytes(address_bytes));
    const auto source_port = static_cast<std::uint16_t>(fields.Number(2));
    const auto destination_port = static_cast<std::uint16_t>(fields.Number(2));
    ends.transport = TransportOf(std::uint64_t{fields.Number(1)});
    fields.Bytes(3);                 // impact flag, impact, blocked
    if (version_2) fields.Bytes(8);  // MPLS label, VLAN, policy
    if (fields.is_short()) return CountMalformed();
    if (HasPorts(ends.transport)) {
      ends.source_port = source_port;
      ends.destination_port = destination_port;
    }
    if (app_id) {
      const std::string_view name = fields.rest();
      alert.flow.application = name.substr(0, name.find('\0'));
    }
    alert.key = fmt::format("{}/{}", sensor, id);
    // The words of the rule are in a file beside the log.
    alert.signature = fmt::format("{}:{}:{}", *alert.generator_id, *alert.signature_id, revision);
    if (classification != 0) alert.classification = fmt::format("{}", classification);
    alert.wall_ns = NsOf(second, microsecond);
    alert.flow.observer = kSnort;
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = alert.wall_ns;

    const EventName name{sensor, id, second};
    if (const auto open = open_.find(name); open != open_.end()) {
      // The same event once more: written again for another packet of a stream.
      return;
    }
    if (const auto early = early_packets_.find(name); early != early_packets_.end()) {
      alert.packets = std::move(early->second);
      early_packets_.erase(early);
    }
    open_.emplace(name, std::move(alert));
    order_.push_back(name);
    while (order_.size() > kOpenAlertsMax || packet_bytes_ > kOpenPacketBytesMax) {
      if (order_.empty()) break;
      CloseOldest(findings);
    }
  }

  void TakePacket(std::string_view record) {
    Fields fields(record);
    const std::uint32_t sensor = fields.Number();
    const std::uint32_t id = fields.Number();
    const std::uint32_t event_second = fields.Number();
    const std::uint32_t second = fields.Number();
    const std::uint32_t microsecond = fields.Number();
    fields.Number();  // link type
    const std::uint32_t size = fields.Number();
    const std::string_view data = fields.Bytes(size);
    if (fields.is_short()) return CountMalformed();
    event::AlertPacket packet{.wall_ns = NsOf(second, microsecond), .data = std::string(data)};
    const EventName name{sensor, id, event_second};
    if (const auto open = open_.find(name); open != open_.end()) {
      open->second.packets.push_back(std::move(packet));
      packet_bytes_ += data.size();
      return;
    }
    if (early_packets_.size() >= kOpenAlertsMax || early_bytes_ > kOpenPacketBytesMax) {
      counts_.not_decoded_count += early_packets_.size();
      early_packets_.clear();
      early_bytes_ = 0;
    }
    early_packets_[name].push_back(std::move(packet));
    early_bytes_ += data.size();
  }

  void TakeExtraData(std::string_view record, event::Findings& findings) {
    constexpr std::array<std::string_view, 14> kNames{"?",
                                                      "client address",
                                                      "client address",
                                                      "reviewer",
                                                      "gzip data",
                                                      "file",
                                                      "mail from",
                                                      "mail to",
                                                      "mail headers",
                                                      "uri",
                                                      "host",
                                                      "source address",
                                                      "destination address",
                                                      "script"};
    Fields fields(record);
    fields.Bytes(8);  // event type and length
    const std::uint32_t sensor = fields.Number();
    const std::uint32_t id = fields.Number();
    const std::uint32_t second = fields.Number();
    const std::uint32_t type = fields.Number();
    fields.Number();  // data type
    fields.Number();  // blob length: counts itself and the data type
    if (fields.is_short()) return CountMalformed();
    const std::string_view data = fields.rest();
    const bool is_address = type == 1 || type == 2 || type == 11 || type == 12;
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = "snort extra data";
    line.program = kSnort;
    line.wall_ns = NsOf(second, 0);
    line.message = fmt::format("event {}/{} {}: {}", sensor, id,
                               type < kNames.size() ? kNames[type] : kNames[0],
                               is_address ? AddressOfBytes(data) : std::string(data));
  }

  void CloseOldest(event::Findings& findings) {
    const auto open = open_.find(order_.front());
    order_.pop_front();
    if (open == open_.end()) return;
    for (const event::AlertPacket& packet : open->second.packets) {
      packet_bytes_ -= std::min(packet_bytes_, packet.data.size());
    }
    findings.alerts.push_back(std::move(open->second));
    open_.erase(open);
  }

  static std::int64_t NsOf(std::uint32_t second, std::uint32_t microsecond) {
    return std::int64_t{second} * 1'000'000'000 + std::int64_t{microsecond} * 1000;
  }

  std::string held_;
  bool lost_ = false;
  event::SourceCounts counts_;
  std::map<EventName, event::AlertSighting> open_;
  std::deque<EventName> order_;
  std::map<EventName, std::vector<event::AlertPacket>> early_packets_;
  std::size_t packet_bytes_ = 0, early_bytes_ = 0;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeUnified2Reader(const ImportOptions&) {
  return std::make_unique<Unified2Reader>();
}

bool LooksLikeUnified2(std::string_view first_bytes) {
  if (first_bytes.size() < kHeaderBytes) return false;
  const std::uint32_t type = BigEndian(first_bytes.substr(0, 4));
  const std::uint32_t size = BigEndian(first_bytes.substr(4, 4));
  if (!IsKnown(type) || size < 28 || size > kRecordBytesMax) return false;
  if (first_bytes.size() < kHeaderBytes + size + kHeaderBytes) return true;
  return IsKnown(BigEndian(first_bytes.substr(kHeaderBytes + size, 4)));
}

}  // namespace spoor::importers
