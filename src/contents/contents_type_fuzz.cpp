// SPDX-License-Identifier: Apache-2.0
// Any bytes as the begin of a file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "contents/file_type.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)spoor::contents::FileTypeOf({reinterpret_cast<const char*>(data), size});
  return 0;
}
