// SPDX-License-Identifier: Apache-2.0
// One pass each way. A range's proof stands before its entries, so a reader holds the proof (at
// most 4 KiB) and one entry, and folds leaf after leaf into the root as they come.
#include "evidence/excerpt.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/file.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

constexpr std::string_view kMagic = "SPOOREXC";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kNoteBytesMax = 1 << 16;
constexpr std::size_t kProofHashesMax = 128;
constexpr std::size_t kReadBytes = 1 << 16;

template <typename T>
void AppendNumber(T value, std::vector<std::byte>& bytes) {
  for (std::size_t i = sizeof(T); i-- > 0;) bytes.push_back(static_cast<std::byte>(value >> 8 * i));
}

void AppendBytes(std::span<const std::byte> more, std::vector<std::byte>& bytes) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

/// Takes numbers and runs of bytes off a source.
class Input {
 public:
  explicit Input(const ByteSource& source) : source_(source) {}

  Result<> Read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      if (begin_ == end_) RETURN_IF_ERROR(Fill());
      if (begin_ == end_) return Fail(ErrorCode::kUnverified, "excerpt: it is cut off");
      const std::size_t count = std::min(bytes.size(), end_ - begin_);
      std::memcpy(bytes.data(), buffer_.data() + begin_, count);
      begin_ += count;
      bytes = bytes.subspan(count);
    }
    return {};
  }
  template <typename T>
  Result<T> Number() {
    std::array<std::byte, sizeof(T)> bytes{};
    RETURN_IF_ERROR(Read(bytes));
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return static_cast<T>(value);
  }
  Result<bool> AtEnd() {
    if (begin_ == end_) RETURN_IF_ERROR(Fill());
    return begin_ == end_;
  }

 private:
  Result<> Fill() {
    begin_ = 0;
    ASSIGN_OR_RETURN(end_, source_(buffer_));
    return {};
  }
  const ByteSource& source_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kReadBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Result<> CheckRanges(std::span<const EntryRange> ranges, const LogReader& log) {
  const std::uint64_t size = log.size();
  std::uint64_t free_from = 0;
  for (const EntryRange& range : ranges) {
    if (range.begin < free_from || range.begin >= range.end || range.end > size) {
      return Fail(ErrorCode::kInvalidArgument,
                  "entries {} to before {}: not in a log of {} entries, or out of order",
                  range.begin, range.end, size);
    }
    free_from = range.end;
  }
  if (!ranges.empty() && ranges.front().begin < log.removed_until()) {
    return Fail(ErrorCode::kNotFound,
                "entry {}: was removed from the evidence by policy, as were all before entry {}",
                ranges.front().begin, log.removed_until());
  }
  return {};
}

class ExcerptReader {
 public:
  ExcerptReader(const ByteSource& source, const VerifierKey& key, const ExcerptVisitor& visitor)
      : input_(source), key_(key), visitor_(visitor) {}

  Result<ExcerptReport> Run() {
    RETURN_IF_ERROR(ReadHead());
    ASSIGN_OR_RETURN(report_.range_count, input_.Number<std::uint64_t>());
    for (std::uint64_t i = 0; i < report_.range_count; ++i) RETURN_IF_ERROR(ReadRange(i == 0));
    ASSIGN_OR_RETURN(const bool at_end, input_.AtEnd());
    if (!at_end) return Fail(ErrorCode::kUnverified, "excerpt: bytes behind its last range");
    return std::move(report_);
  }

 private:
  Result<> ReadHead() {
    std::array<std::byte, kMagic.size()> magic{};
    RETURN_IF_ERROR(input_.Read(magic));
    if (AsText(magic) != kMagic) return Fail(ErrorCode::kUnverified, "not an excerpt of evidence");
    ASSIGN_OR_RETURN(const auto version, input_.Number<std::uint16_t>());
    ASSIGN_OR_RETURN(const auto reserved, input_.Number<std::uint16_t>());
    if (version != kVersion || reserved != 0) {
      return Fail(ErrorCode::kUnverified, "excerpt: format version {}, this build reads {}",
                  version, kVersion);
    }
    ASSIGN_OR_RETURN(const auto note_bytes, input_.Number<std::uint32_t>());
    if (note_bytes > kNoteBytesMax) {
      return Fail(ErrorCode::kUnverified, "excerpt: a checkpoint of {} bytes", note_bytes);
    }
    std::vector<std::byte> note(note_bytes);
    RETURN_IF_ERROR(input_.Read(note));
    Result<struct Checkpoint> checkpoint = OpenCheckpoint(AsText(note), key_);
    if (!checkpoint) {
      return Fail(checkpoint.error().code, "checkpoint: {}", checkpoint.error().message);
    }
    report_.checkpoint = std::move(*checkpoint);
    return {};
  }

  Result<> ReadRange(bool first) {
    ASSIGN_OR_RETURN(const auto begin, input_.Number<std::uint64_t>());
    ASSIGN_OR_RETURN(const auto count, input_.Number<std::uint64_t>());
    const std::uint64_t size = report_.checkpoint.size;
    if (count == 0 || begin >= size || count > size - begin || (!first && begin <= last_end_)) {
      return Fail(ErrorCode::kUnverified,
                  "range of {} entries from {}: not in a log of {} entries, or out of order", count,
                  begin, size);
    }
    const EntryRange range{begin, begin + count};
    last_end_ = range.end;
    ASSIGN_OR_RETURN(const auto proof_count, input_.Number<std::uint16_t>());
    if (proof_count > kProofHashesMax) {
      return Fail(ErrorCode::kUnverified, "entry {}: a proof of {} hashes", begin, proof_count);
    }
    std::vector<Hash> proof(proof_count);
    RETURN_IF_ERROR(input_.Read(std::as_writable_bytes(std::span(proof))));
    report_.proof_bytes += proof_count * sizeof(Hash);
    if (visitor_.range) RETURN_IF_ERROR(visitor_.range(range, proof));
    std::uint64_t index = begin;
    const auto root =
        RootOfRange(range, size, proof, [&]() -> Result<Hash> { return ReadEntry(index++); });
    if (root && *root == report_.checkpoint.root) return {};
    const bool is_proofs_fault = root || (root.error().code == ErrorCode::kUnverified && !refused_);
    if (!is_proofs_fault) return tl::unexpected(root.error());
    return Fail(ErrorCode::kUnverified, "{} not in the signed log: {}",
                count == 1 ? fmt::format("entry {} is", begin)
                           : fmt::format("entries {} to {} are", begin, range.end - 1),
                root ? "their proof leads to another root" : root.error().message);
  }

  Result<Hash> ReadEntry(std::uint64_t index) {
    ASSIGN_OR_RETURN(const auto size_bytes, input_.Number<std::uint16_t>());
    if (size_bytes == 0) return Fail(ErrorCode::kUnverified, "entry {} is empty", index);
    entry_.resize(size_bytes);
    RETURN_IF_ERROR(input_.Read(entry_));
    ++report_.entry_count;
    report_.entry_bytes += size_bytes;
    if (visitor_.entry) {
      refused_ = true;
      RETURN_IF_ERROR(visitor_.entry(index, entry_));
      refused_ = false;
    }
    return hasher_.Leaf(entry_);
  }

  Input input_;
  const VerifierKey& key_;
  const ExcerptVisitor& visitor_;
  ExcerptReport report_;
  std::uint64_t last_end_ = 0;
  bool refused_ = false;  // by the visitor, whose error is not about the proof
  std::vector<std::byte> entry_;
  TreeHasher hasher_;
};

}  // namespace

std::vector<EntryRange> RangesOf(std::span<const std::uint64_t> indices) {
  std::vector<EntryRange> ranges;
  for (const std::uint64_t index : indices) {
    if (ranges.empty() || ranges.back().end != index) ranges.push_back({index, index});
    ++ranges.back().end;
  }
  return ranges;
}

Result<> ForEachIn(LogReader& log, std::span<const EntryRange> ranges,
                   const LogReader::Visit& visit) {
  RETURN_IF_ERROR(CheckRanges(ranges, log));
  // Goes on reading as long as the next range begins in a bundle that comes next anyway.
  std::size_t next = 0;
  while (next < ranges.size()) {
    bool enough = false;
    Result<> read = log.ForEach(
        ranges[next].begin, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          if (index < ranges[next].begin) return {};
          RETURN_IF_ERROR(visit(index, entry));
          if (index + 1 < ranges[next].end) return {};
          ++next;
          enough =
              next == ranges.size() || ranges[next].begin / kTileWidth > index / kTileWidth + 1;
          if (!enough) return {};
          return Fail(ErrorCode::kUnavailable, "enough");
        });
    if (!read && !enough) return read;
  }
  return {};
}

Result<ExcerptReport> WriteExcerpt(LogReader& log, std::span<const EntryRange> ranges,
                                   const ByteSink& sink) {
  RETURN_IF_ERROR(CheckRanges(ranges, log));
  ExcerptReport report{.checkpoint = log.checkpoint(), .range_count = ranges.size()};
  std::vector<std::byte> bytes;
  AppendBytes(AsBytes(kMagic), bytes);
  AppendNumber(kVersion, bytes);
  AppendNumber(std::uint16_t{0}, bytes);
  AppendNumber(static_cast<std::uint32_t>(report.checkpoint.note.size()), bytes);
  AppendBytes(AsBytes(report.checkpoint.note), bytes);
  AppendNumber(report.range_count, bytes);
  RETURN_IF_ERROR(sink(bytes));
  const NodeReader node = [&](unsigned level, std::uint64_t index) {
    return log.Node(level, index);
  };
  std::size_t next = 0;
  RETURN_IF_ERROR(ForEachIn(log, ranges,
                            [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
                              bytes.clear();
                              if (next < ranges.size() && index == ranges[next].begin) {
                                ASSIGN_OR_RETURN(const std::vector<Hash> proof,
                                                 ProveRange(ranges[next], log.size(), node));
                                AppendNumber(ranges[next].begin, bytes);
                                AppendNumber(ranges[next].size(), bytes);
                                AppendNumber(static_cast<std::uint16_t>(proof.size()), bytes);
                                AppendBytes(BytesOf(proof), bytes);
                                report.proof_bytes += proof.size() * sizeof(Hash);
                                ++next;
                              }
                              AppendNumber(static_cast<std::uint16_t>(entry.size()), bytes);
                              AppendBytes(entry, bytes);
                              ++report.entry_count;
                              report.entry_bytes += entry.size();
                              return sink(bytes);
                            }));
  return report;
}

Result<ExcerptReport> ReadExcerpt(const ByteSource& source, const VerifierKey& key,
                                  const ExcerptVisitor& visitor) {
  return ExcerptReader(source, key, visitor).Run();
}

}  // namespace spoor::evidence
