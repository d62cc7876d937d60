// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include <array>

#include "base/check.hpp"
#include "importers/compression/decompressor.hpp"

namespace spoor::importers {
namespace {

constexpr int kWindowLogMax = 27;  // 128 MiB
static_assert(std::size_t{1} << kWindowLogMax == kDecompressionBytesMax);

/// RFC 8878.
class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : stream_(ZSTD_createDStream()) {
    SPOOR_CHECK(stream_ != nullptr) << "libzstd";
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  }

  bool IsWhole() override { return at_frame_end_; }

  Result<> Decompress(std::span<const std::byte> bytes, const Take& take) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool more = true; more;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const std::size_t state = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (out.pos > 0) RETURN_IF_ERROR(take(std::as_bytes(std::span(out_.data(), out.pos))));
      if (ZSTD_isError(state) != 0) {
        return Fail(ErrorCode::kCorrupt, "the zstd file: cannot be uncompressed: {}",
                    ZSTD_getErrorName(state));
      }
      at_frame_end_ = state == 0;
      more = in.pos < in.size || out.pos == out.size;
    }
    return {};
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::array<char, kPlainPartBytes> out_{};
  bool at_frame_end_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> MakeZstdDecompressor() {
  return std::make_unique<ZstdDecompressor>();
}

}  // namespace spoor::importers
