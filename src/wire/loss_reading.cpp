// SPDX-License-Identifier: Apache-2.0
#include "wire/loss_reading.hpp"

#include <cstring>
#include <optional>
#include <span>

#include "wire/chunk.hpp"

namespace spoor::wire {

void ForEachLossReading(const Batch& batch, const std::function<void(const loss_record&)>& take) {
  std::span<const std::byte> rest = batch.payload;
  while (std::optional<Chunk> chunk = TakeChunk(rest)) {
    if (chunk->header.cpu != kUserSpaceCpu) continue;
    while (const auto bytes = TakeRecord(chunk->records)) {
      loss_record reading{};
      if (bytes->size() < sizeof(reading)) continue;
      std::memcpy(&reading, bytes->data(), sizeof(reading));
      if (reading.header.kind == RECORD_LOSS) take(reading);
    }
  }
}

}  // namespace spoor::wire
