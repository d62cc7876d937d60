// SPDX-License-Identifier: Apache-2.0
#include <lzma.h>

#include <array>

#include "base/check.hpp"
#include "importers/compression/decompressor.hpp"

namespace spoor::importers {
namespace {

class XzDecompressor final : public Decompressor {
 public:
  XzDecompressor() {
    SPOOR_CHECK(lzma_stream_decoder(&stream_, kDecompressionBytesMax, LZMA_CONCATENATED) == LZMA_OK)
        << "liblzma";
  }
  XzDecompressor(const XzDecompressor&) = delete;
  XzDecompressor& operator=(const XzDecompressor&) = delete;
  ~XzDecompressor() override { lzma_end(&stream_); }

  bool IsWhole() override {
    stream_.avail_in = 0;
    stream_.next_out = out_.data();
    stream_.avail_out = out_.size();
    return lzma_code(&stream_, LZMA_FINISH) == LZMA_STREAM_END;
  }

  Result<> Decompress(std::span<const std::byte> bytes, const Take& take) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    stream_.avail_in = bytes.size();
    do {
      stream_.next_out = out_.data();
      stream_.avail_out = out_.size();
      const lzma_ret state = lzma_code(&stream_, LZMA_RUN);
      const std::size_t size = out_.size() - stream_.avail_out;
      if (size > 0) RETURN_IF_ERROR(take(std::as_bytes(std::span(out_.data(), size))));
      if (state == LZMA_MEMLIMIT_ERROR) {
        return Fail(ErrorCode::kCorrupt, "the xz file: needs more than {} MiB to be uncompressed",
                    kDecompressionBytesMax >> 20);
      }
      if (state == LZMA_BUF_ERROR) return {};
      if (state != LZMA_OK && state != LZMA_STREAM_END) {
        return Fail(ErrorCode::kCorrupt, "the xz file: cannot be uncompressed");
      }
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return {};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::array<std::uint8_t, kPlainPartBytes> out_{};
};

}  // namespace

std::unique_ptr<Decompressor> MakeXzDecompressor() {
  return std::make_unique<XzDecompressor>();
}

}  // namespace spoor::importers
