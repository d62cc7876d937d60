// SPDX-License-Identifier: Apache-2.0
#include "importers/gzip_source.hpp"

#include <zlib.h>

#include <array>
#include <optional>

#include "base/check.hpp"
#include "base/file.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kMagic = "\x1f\x8b\x08";
constexpr std::size_t kBeginningBytesMax = 4096;
constexpr int kGzipWindow = 15 + 16;  // zlib.h: 16 asks for the gzip format

class Inflater {
 public:
  Inflater() { SPOOR_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK) << "zlib"; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  bool at_member_end() const { return at_member_end_; }

  /// Calls `take` with what `bytes` are uncompressed, part by part.
  template <typename Take>
  Result<> Inflate(std::span<const std::byte> bytes, Take&& take) {
    // zlib reads through a pointer to what is not const and changes nothing.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0) {
      if (at_member_end_) {
        if (*stream_.next_in == 0) {  // zeros behind a member are padding
          ++stream_.next_in;
          --stream_.avail_in;
          continue;
        }
        inflateReset(&stream_);
        at_member_end_ = false;
      }
      stream_.next_out = out_.data();
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int state = inflate(&stream_, Z_NO_FLUSH);
      // What comes before a fault counts, wherever the parts of the file were cut.
      const std::size_t size = out_.size() - stream_.avail_out;
      if (size > 0) RETURN_IF_ERROR(take(std::as_bytes(std::span(out_.data(), size))));
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
        return Fail(ErrorCode::kCorrupt, "byte {} of the gzip file: cannot be uncompressed",
                    stream_.total_in);
      }
      at_member_end_ = state == Z_STREAM_END;
      if (state == Z_BUF_ERROR && size == 0) break;
    }
    return {};
  }

 private:
  z_stream stream_{};
  std::array<Bytef, 1 << 16> out_{};
  bool at_member_end_ = false;
};

class GzipSource : public event::EventSource {
 public:
  GzipSource(std::unique_ptr<event::EventSource> inner, bool all_or_nothing)
      : inner_(std::move(inner)), all_or_nothing_(all_or_nothing) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (!decided_) {
      beginning_ += AsText(bytes);
      if (beginning_.size() < kMagic.size()) return {};
      return Decide(findings);
    }
    return FeedDecided(bytes, findings);
  }

  Result<> Finish(event::Findings& findings) override {
    if (!decided_) RETURN_IF_ERROR(Decide(findings));
    RETURN_IF_ERROR(inner_->Finish(findings));
    if (!inflater_ || inflater_->at_member_end() || broken_) return {};
    return Break(Fail(ErrorCode::kCorrupt, "the gzip file was cut off"));
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
    if (LooksLikeGzip(beginning_)) inflater_ = std::make_unique<Inflater>();
    const std::string beginning = std::move(beginning_);
    return FeedDecided(AsBytes(beginning), findings);
  }

  Result<> FeedDecided(std::span<const std::byte> bytes, event::Findings& findings) {
    if (!inflater_) return inner_->Feed(bytes, findings);
    if (broken_) return {};
    Result<> taken;
    const Result<> inflated = inflater_->Inflate(bytes, [&](std::span<const std::byte> plain) {
      taken = inner_->Feed(plain, findings);
      return taken;
    });
    if (inflated || !taken) return inflated;
    return Break(inflated);
  }

  /// What follows cannot be read.
  Result<> Break(Result<> why) {
    broken_ = true;
    return all_or_nothing_ ? why : Result<>();
  }

  std::unique_ptr<event::EventSource> inner_;
  std::unique_ptr<Inflater> inflater_;  // of a gzip file
  const bool all_or_nothing_;
  std::string beginning_;
  bool decided_ = false, broken_ = false;
};

}  // namespace

bool LooksLikeGzip(std::string_view first_bytes) {
  return first_bytes.starts_with(kMagic);
}

std::string BeginningOfGzip(std::string_view first_bytes) {
  std::string plain;
  Inflater inflater;
  // An error ends what can be read.
  static_cast<void>(inflater.Inflate(AsBytes(first_bytes), [&](std::span<const std::byte> part) {
    plain +=
        AsText(part).substr(0, kBeginningBytesMax - std::min(kBeginningBytesMax, plain.size()));
    return Result<>();
  }));
  return plain;
}

std::unique_ptr<event::EventSource> MakeGzipSource(std::unique_ptr<event::EventSource> inner,
                                                   bool all_or_nothing) {
  return std::make_unique<GzipSource>(std::move(inner), all_or_nothing);
}

}  // namespace spoor::importers
