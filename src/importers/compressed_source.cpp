// SPDX-License-Identifier: Apache-2.0
// What is compressed is undone in blocks of one size, whatever the parts that come, so that a
// broken file is read as far on every occasion.
#include "importers/compressed_source.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "importers/compression/decompressor.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kBeginningBytesMax = 4096;
constexpr std::size_t kBlockBytes = 16 << 10;
// What somebody made to be large when it is undone. Logs of one line again and again reach some
// hundreds; gzip can do no more than 1032.
constexpr std::uint64_t kPlainBytesFree = 64 << 20;
constexpr std::uint64_t kRatioMax = 1040;

class CompressedSource : public event::EventSource {
 public:
  CompressedSource(std::unique_ptr<event::EventSource> inner, bool all_or_nothing)
      : inner_(std::move(inner)), all_or_nothing_(all_or_nothing) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (!decided_) {
      held_ += AsText(bytes);
      if (held_.size() < kMagicBytesMax) return {};
      return Decide(findings);
    }
    if (decompressor_ == nullptr) return inner_->Feed(bytes, findings);
    if (broken_) return {};
    held_ += AsText(bytes);
    return TakeBlocks(findings);
  }

  Result<> Finish(event::Findings& findings) override {
    if (!decided_) RETURN_IF_ERROR(Decide(findings));
    if (decompressor_ != nullptr && !broken_) RETURN_IF_ERROR(Take(held_, findings));
    RETURN_IF_ERROR(inner_->Finish(findings));
    if (decompressor_ == nullptr || broken_ || decompressor_->IsWhole()) return {};
    return Break(Fail(ErrorCode::kCorrupt, "the {} file was cut off", name_));
  }

  event::SourceCounts counts() const override {
    event::SourceCounts counts = inner_->counts();
    if (broken_ && counts.malformed_count++ == 0) {
      counts.first_malformed_record = counts.record_count + 1;
    }
    return counts;
  }

 private:
  Result<> Decide(event::Findings& findings) {
    decided_ = true;
    if (const Compression* const compression = FindCompression(held_)) {
      decompressor_ = compression->make();
      name_ = compression->name;
      return TakeBlocks(findings);
    }
    const std::string held = std::move(held_);
    return inner_->Feed(AsBytes(held), findings);
  }

  Result<> TakeBlocks(event::Findings& findings) {
    std::size_t at = 0;
    for (; held_.size() - at >= kBlockBytes && !broken_; at += kBlockBytes) {
      RETURN_IF_ERROR(Take(std::string_view(held_).substr(at, kBlockBytes), findings));
    }
    held_.erase(0, at);
    return {};
  }

  Result<> Take(std::string_view block, event::Findings& findings) {
    packed_bytes_ += block.size();
    Result<> taken;
    const Result<> undone =
        decompressor_->Decompress(AsBytes(block), [&](std::span<const std::byte> plain) {
          plain_bytes_ += plain.size();
          if (plain_bytes_ > kPlainBytesFree + kRatioMax * packed_bytes_) {
            return Result<>(Fail(ErrorCode::kCorrupt, "the {} file holds {} times what it takes",
                                 name_, plain_bytes_ / packed_bytes_));
          }
          taken = inner_->Feed(plain, findings);
          return taken;
        });
    if (undone || !taken) return undone;
    return Break(undone);
  }

  /// What follows cannot be read.
  Result<> Break(Result<> why) {
    broken_ = true;
    return all_or_nothing_ ? why : Result<>();
  }

  std::unique_ptr<event::EventSource> inner_;
  std::unique_ptr<Decompressor> decompressor_;  // null: the file is not compressed
  std::string_view name_;
  const bool all_or_nothing_;
  std::string held_;  // until it is known what the file is; of a compressed one, until a block
  std::uint64_t packed_bytes_ = 0, plain_bytes_ = 0;
  bool decided_ = false, broken_ = false;
};

}  // namespace

bool LooksCompressed(std::string_view first_bytes) {
  return FindCompression(first_bytes) != nullptr;
}

std::string BeginningOfCompressed(std::string_view first_bytes) {
  std::string plain;
  const Compression* const compression = FindCompression(first_bytes);
  if (compression == nullptr) return plain;
  // An error ends what can be read.
  static_cast<void>(
      compression->make()->Decompress(AsBytes(first_bytes), [&](std::span<const std::byte> part) {
        plain += AsText(part).substr(0, kBeginningBytesMax - plain.size());
        return plain.size() < kBeginningBytesMax
                   ? Result<>()
                   : Result<>(Fail(ErrorCode::kInvalidArgument, "enough"));
      }));
  return plain;
}

std::unique_ptr<event::EventSource> MakeCompressedSource(std::unique_ptr<event::EventSource> inner,
                                                         bool all_or_nothing) {
  return std::make_unique<CompressedSource>(std::move(inner), all_or_nothing);
}

}  // namespace spoor::importers
