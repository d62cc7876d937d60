// SPDX-License-Identifier: Apache-2.0
// Any text as a p0f.fp: it is read or refused, what is kept of it means the same, and SYNs of any
// bytes are held against it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "packets/fingerprint_database.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spoor::packets;
  constexpr std::size_t kHeaders = 80;
  if (size < kHeaders) return 0;
  Layer segment;
  const Bytes bytes(data, size);
  segment.network_header = bytes.first(20 + data[0] % 21);
  segment.transport_header = bytes.subspan(segment.network_header.size(), 20 + data[1] % 20);
  segment.tcp_flags = data[2];
  const std::string_view text(reinterpret_cast<const char*>(data) + kHeaders, size - kHeaders);
  const auto database = FingerprintDatabase::Parse(text);
  if (!database) return 0;
  const auto shortened = FingerprintDatabase::Shorten(text);
  SPOOR_CHECK(shortened);
  const auto again = FingerprintDatabase::Parse(*shortened);
  SPOOR_CHECK(again);
  const auto seen = SignatureOf(segment);
  if (!seen) return 0;
  for (const bool answer : {false, true}) {
    const auto one = database->Find(*seen, answer, data[3]);
    const auto other = again->Find(*seen, answer, data[3]);
    SPOOR_CHECK(one.has_value() == other.has_value());
    SPOOR_CHECK(!one || one->os == other->os);
  }
  return 0;
}
