// SPDX-License-Identifier: Apache-2.0
// DecodeBatch on any bytes: as they come, and once more with the checksum made right, so that the
// fields behind it are reached. What decodes must encode to something that decodes to the same.
#include <xxhash.h>

#include <cstring>

#include "base/check.hpp"
#include "wire/batch.hpp"

namespace {

void Check(std::span<const std::byte> bytes) {
  const spoor::Result<spoor::wire::Batch> batch = spoor::wire::DecodeBatch(bytes);
  if (!batch) return;
  SPOOR_CHECK(batch->payload.size() <= spoor::wire::kBatchPayloadBytesMax);
  const auto encoded = spoor::wire::EncodeBatch(*batch);
  if (!encoded) return;  // its author may have compressed harder than level 1
  const auto again = spoor::wire::DecodeBatch(*encoded);
  SPOOR_CHECK(again && again->payload == batch->payload &&
              again->batch_index == batch->batch_index && again->wall_ns == batch->wall_ns);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size != 0) std::memcpy(bytes.data(), data, size);
  Check(bytes);
  if (size > sizeof(std::uint64_t)) {
    const std::size_t covered = size - sizeof(std::uint64_t);
    const std::uint64_t checksum = XXH3_64bits(bytes.data(), covered);
    std::memcpy(bytes.data() + covered, &checksum, sizeof(checksum));
    Check(bytes);
  }
  return 0;
}
