// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>

#include <array>

#include "base/check.hpp"
#include "importers/compression/decompressor.hpp"

namespace spoor::importers {
namespace {

/// Needs 4 MiB, whatever the file.
class Bzip2Decompressor final : public Decompressor {
 public:
  Bzip2Decompressor() { Begin(); }
  Bzip2Decompressor(const Bzip2Decompressor&) = delete;
  Bzip2Decompressor& operator=(const Bzip2Decompressor&) = delete;
  ~Bzip2Decompressor() override { BZ2_bzDecompressEnd(&stream_); }

  bool IsWhole() override { return at_member_end_; }

  Result<> Decompress(std::span<const std::byte> bytes, const Take& take) override {
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));
    stream_.avail_in = static_cast<unsigned>(bytes.size());
    for (bool more = true; more;) {
      if (at_member_end_ && stream_.avail_in > 0) {
        // What belongs to the bytes is kept; all else begins again.
        char* const next_in = stream_.next_in;
        const unsigned avail_in = stream_.avail_in;
        BZ2_bzDecompressEnd(&stream_);
        Begin();
        stream_.next_in = next_in;
        stream_.avail_in = avail_in;
      }
      if (at_member_end_) break;
      stream_.next_out = out_.data();
      stream_.avail_out = static_cast<unsigned>(out_.size());
      const int state = BZ2_bzDecompress(&stream_);
      const std::size_t size = out_.size() - stream_.avail_out;
      if (size > 0) RETURN_IF_ERROR(take(std::as_bytes(std::span(out_.data(), size))));
      if (state != BZ_OK && state != BZ_STREAM_END) {
        return Fail(ErrorCode::kCorrupt, "the bzip2 file: cannot be uncompressed");
      }
      at_member_end_ = state == BZ_STREAM_END;
      more = stream_.avail_in > 0 || stream_.avail_out == 0;
    }
    return {};
  }

 private:
  void Begin() {
    stream_ = {};
    SPOOR_CHECK(BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK) << "libbz2";
    at_member_end_ = false;
  }

  bz_stream stream_{};
  std::array<char, kPlainPartBytes> out_{};
  bool at_member_end_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> MakeBzip2Decompressor() {
  return std::make_unique<Bzip2Decompressor>();
}

}  // namespace spoor::importers
