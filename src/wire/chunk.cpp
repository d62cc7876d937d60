// SPDX-License-Identifier: Apache-2.0
#include "wire/chunk.hpp"

#include <cstring>

namespace spoor::wire {

std::optional<Chunk> TakeChunk(std::span<const std::byte>& bytes) {
  Chunk chunk;
  if (bytes.size() < sizeof(chunk.header)) return std::nullopt;
  std::memcpy(&chunk.header, bytes.data(), sizeof(chunk.header));
  if (chunk.header.size_bytes > bytes.size() - sizeof(chunk.header)) return std::nullopt;
  chunk.records = bytes.subspan(sizeof(chunk.header), chunk.header.size_bytes);
  bytes = bytes.subspan(sizeof(chunk.header) + chunk.header.size_bytes);
  return chunk;
}

std::optional<std::span<const std::byte>> TakeRecord(std::span<const std::byte>& records) {
  record_header header;
  if (records.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, records.data(), sizeof(header));
  const std::size_t size_bytes = header.size_bytes;
  if (size_bytes < sizeof(header) || size_bytes % 8 != 0 || size_bytes > RECORD_SIZE_BYTES_MAX ||
      size_bytes > records.size()) {
    return std::nullopt;
  }
  const std::span<const std::byte> record = records.first(size_bytes);
  records = records.subspan(size_bytes);
  return record;
}

void AppendChunk(chunk_header header, std::span<const std::byte> records,
                 std::vector<std::byte>& chunks) {
  header.size_bytes = static_cast<std::uint32_t>(records.size());
  const auto* begin = reinterpret_cast<const std::byte*>(&header);
  chunks.insert(chunks.end(), begin, begin + sizeof(header));
  chunks.insert(chunks.end(), records.begin(), records.end());
}

std::optional<ChunkHalves> CutChunks(std::span<const std::byte> chunks) {
  std::span<const std::byte> rest = chunks;
  const std::optional<Chunk> first = TakeChunk(rest);
  if (!first) return std::nullopt;
  if (!rest.empty()) {
    // At a chunk: the last one that begins in the first half, but never before the second.
    while (rest.size() > chunks.size() / 2) {
      std::span<const std::byte> after = rest;
      if (!TakeChunk(after) || after.empty()) break;
      rest = after;
    }
    const std::span<const std::byte> head = chunks.first(chunks.size() - rest.size());
    return ChunkHalves{{head.begin(), head.end()}, {rest.begin(), rest.end()}};
  }
  std::span<const std::byte> tail = first->records;
  chunk_header head_header = first->header;
  head_header.count = 0;
  while (tail.size() > first->records.size() / 2 && TakeRecord(tail)) ++head_header.count;
  if (tail.empty() || head_header.count == 0) return std::nullopt;
  chunk_header tail_header = first->header;
  tail_header.first_sequence += head_header.count;
  tail_header.count -= head_header.count;
  ChunkHalves halves;
  AppendChunk(head_header, first->records.first(first->records.size() - tail.size()), halves.first);
  AppendChunk(tail_header, tail, halves.second);
  return halves;
}

}  // namespace spoor::wire
