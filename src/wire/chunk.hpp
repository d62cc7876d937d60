// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wire/kernel_event.h"

/// Reading and cutting the payload of kRecords batches: chunks, each a chunk_header and its
/// records.
namespace spoor::wire {

/// chunk_header.cpu of chunks that user space made (baseline, loss): not part of any CPU's
/// sequence.
inline constexpr std::uint32_t kUserSpaceCpu = 0xffffffff;

struct Chunk {
  chunk_header header{};
  std::span<const std::byte> records;  ///< lives as long as the bytes it was taken from
};

/// Takes the chunk that `bytes` begins with off its front. Empty when there is none that fits;
/// `bytes` stays as it is then.
std::optional<Chunk> TakeChunk(std::span<const std::byte>& bytes);

/// Likewise the record: a multiple of 8 bytes that holds at least a record_header.
std::optional<std::span<const std::byte>> TakeRecord(std::span<const std::byte>& records);

/// Appends a chunk of `records` (whole ones, `header.count` of them); header.size_bytes is set
/// here.
void AppendChunk(chunk_header header, std::span<const std::byte> records,
                 std::vector<std::byte>& chunks);

/// Chunks in two parts of about the same size: cut between chunks, or a single chunk between its
/// records, whose second part continues the sequence.
struct ChunkHalves {
  std::vector<std::byte> first, second;
};
/// Empty when there is no place to cut (a single record, or no chunk at all).
std::optional<ChunkHalves> CutChunks(std::span<const std::byte> chunks);

}  // namespace spoor::wire
