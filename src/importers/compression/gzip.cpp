// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <array>

#include "base/check.hpp"
#include "importers/compression/decompressor.hpp"

namespace spoor::importers {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib.h: 16 asks for the gzip format

/// RFC 1952.
class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() { SPOOR_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK) << "zlib"; }
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  bool IsWhole() override { return at_member_end_; }

  Result<> Decompress(std::span<const std::byte> bytes, const Take& take) override {
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
  std::array<Bytef, kPlainPartBytes> out_{};
  bool at_member_end_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> MakeGzipDecompressor() {
  return std::make_unique<GzipDecompressor>();
}

}  // namespace spoor::importers
