// SPDX-License-Identifier: Apache-2.0
// A payload of kCarried is items, one behind the other: { u32 size, u8 type, u8 flags, u16 name
// bytes, fixed part of the type, name, blob to the end }. All little-endian.
#include "wire/retention.hpp"

#include <bit>
#include <cstring>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// A first batch or an open frame hardly compresses: one of each kind fits beside a full payload.
constexpr std::size_t kPayloadBytesMax = 40 << 10;
/// What is larger is left out: its recording then has no description.
constexpr std::size_t kBlobBytesMax = 20 << 10;

enum class ItemType : std::uint8_t { kRecording = 1, kChain = 2 };
constexpr std::uint8_t kFlagClosed = 1;   // chain or recording
constexpr std::uint8_t kFlagAccount = 2;  // recording

struct ItemHead {
  std::uint32_t item_bytes;
  std::uint8_t type;
  std::uint8_t flags;
  std::uint16_t name_bytes;
};
static_assert(sizeof(ItemHead) == 8);

struct RecordingItem {
  std::array<std::uint8_t, 16> recording_id;
  std::uint64_t first_entry, last_entry;
  std::uint64_t batch_count, missing_batch_count;
  std::int64_t first_wall_ns, last_wall_ns;
  std::array<std::uint8_t, 32> last_sha256;
};
static_assert(sizeof(RecordingItem) == 96);

struct ChainItem {
  std::array<std::uint8_t, 16> chain_id;
  std::uint64_t next_sequence;
  std::int64_t last_wall_ns;
  std::array<std::uint8_t, 32> last_sha256;
};
static_assert(sizeof(ChainItem) == 64);

using Bytes = std::vector<std::byte>;

template <typename Item>
Bytes Encode(ItemHead head, const Item& item, std::string_view name,
             std::span<const std::byte> blob) {
  head.name_bytes = static_cast<std::uint16_t>(name.size());
  head.item_bytes =
      static_cast<std::uint32_t>(sizeof(head) + sizeof(item) + name.size() + blob.size());
  Bytes bytes;
  const auto append = [&bytes](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  append(std::as_bytes(std::span(&head, 1)));
  append(std::as_bytes(std::span(&item, 1)));
  append(AsBytes(name));
  append(blob);
  return bytes;
}

Bytes EncodeRecording(const CarriedRecording& recording) {
  const RecordingExtent& extent = recording.extent;
  const bool fits = recording.first_batch.size() <= kBlobBytesMax;
  return Encode(
      ItemHead{.item_bytes = 0,
               .type = static_cast<std::uint8_t>(ItemType::kRecording),
               .flags = static_cast<std::uint8_t>((extent.closed ? kFlagClosed : 0) |
                                                  (extent.is_account ? kFlagAccount : 0)),
               .name_bytes = 0},
      RecordingItem{.recording_id = recording.recording_id,
                    .first_entry = extent.first_entry,
                    .last_entry = extent.last_entry,
                    .batch_count = extent.batch_count,
                    .missing_batch_count = extent.missing_batch_count,
                    .first_wall_ns = extent.first_wall_ns,
                    .last_wall_ns = extent.last_wall_ns,
                    .last_sha256 = recording.last_sha256},
      "", fits ? std::span<const std::byte>(recording.first_batch) : std::span<const std::byte>());
}

Bytes EncodeChain(const CarriedChain& chain) {
  return Encode(ItemHead{.item_bytes = 0,
                         .type = static_cast<std::uint8_t>(ItemType::kChain),
                         .flags = chain.closed ? kFlagClosed : std::uint8_t{0},
                         .name_bytes = 0},
                ChainItem{.chain_id = chain.chain_id,
                          .next_sequence = chain.next_sequence,
                          .last_wall_ns = chain.last_wall_ns,
                          .last_sha256 = chain.last_sha256},
                chain.sensor, chain.open_frame);
}

/// Takes the fixed part and the name off an item's body; what is left is the blob.
template <typename Item>
bool Take(std::span<const std::byte>& body, const ItemHead& head, Item& item, std::string& name) {
  if (body.size() < sizeof(item) + head.name_bytes) return false;
  std::memcpy(&item, body.data(), sizeof(item));
  name = std::string(AsText(body.subspan(sizeof(item), head.name_bytes)));
  body = body.subspan(sizeof(item) + head.name_bytes);
  return true;
}

bool TakeRecording(std::span<const std::byte> body, const ItemHead& head, Carried& carried) {
  RecordingItem item{};
  std::string name;
  if (!Take(body, head, item, name)) return false;
  carried.recordings.push_back({.recording_id = item.recording_id,
                                .extent = {.first_entry = item.first_entry,
                                           .last_entry = item.last_entry,
                                           .batch_count = item.batch_count,
                                           .missing_batch_count = item.missing_batch_count,
                                           .first_wall_ns = item.first_wall_ns,
                                           .last_wall_ns = item.last_wall_ns,
                                           .is_account = (head.flags & kFlagAccount) != 0,
                                           .closed = (head.flags & kFlagClosed) != 0},
                                .last_sha256 = item.last_sha256,
                                .first_batch = {body.begin(), body.end()}});
  return true;
}

bool TakeChain(std::span<const std::byte> body, const ItemHead& head, Carried& carried) {
  ChainItem item{};
  std::string name;
  if (!Take(body, head, item, name)) return false;
  carried.chains.push_back({.chain_id = item.chain_id,
                            .sensor = std::move(name),
                            .closed = (head.flags & kFlagClosed) != 0,
                            .next_sequence = item.next_sequence,
                            .last_wall_ns = item.last_wall_ns,
                            .last_sha256 = item.last_sha256,
                            .open_frame = {body.begin(), body.end()}});
  return true;
}

}  // namespace

std::vector<Bytes> EncodeCarried(const Carried& carried) {
  std::vector<Bytes> payloads;
  const auto add = [&payloads](const Bytes& item) {
    if (payloads.empty() || payloads.back().size() + item.size() > kPayloadBytesMax) {
      payloads.emplace_back();
    }
    payloads.back().insert(payloads.back().end(), item.begin(), item.end());
  };
  for (const CarriedRecording& recording : carried.recordings) add(EncodeRecording(recording));
  for (const CarriedChain& chain : carried.chains) add(EncodeChain(chain));
  return payloads;
}

Result<> DecodeCarried(std::span<const std::byte> payload, Carried& carried) {
  while (!payload.empty()) {
    ItemHead head{};
    const auto bad = [](std::string_view why) {
      return Fail(ErrorCode::kCorrupt, "carried state: {}", why);
    };
    if (payload.size() < sizeof(head)) return bad("cut off");
    std::memcpy(&head, payload.data(), sizeof(head));
    if (head.item_bytes < sizeof(head) || head.item_bytes > payload.size()) {
      return bad("its lengths do not fit");
    }
    const std::span<const std::byte> body =
        payload.subspan(sizeof(head), head.item_bytes - sizeof(head));
    payload = payload.subspan(head.item_bytes);
    bool good = false;
    if (head.type == static_cast<std::uint8_t>(ItemType::kRecording)) {
      good = TakeRecording(body, head, carried);
    } else if (head.type == static_cast<std::uint8_t>(ItemType::kChain)) {
      good = TakeChain(body, head, carried);
    } else {
      return bad("unknown item");
    }
    if (!good) return bad("its lengths do not fit");
  }
  return {};
}

}  // namespace spoor::wire
