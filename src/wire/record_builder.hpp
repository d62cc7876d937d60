// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/file.hpp"
#include "wire/kernel_event.h"

namespace spoor::wire {

/// Lays a record out as the kernel half does: body, then tails, padded to 8 bytes. For records that
/// user space makes, and for tests.
template <typename Record>
class RecordBuilder {
 public:
  explicit RecordBuilder(const Record& body) : body_(body), bytes_(sizeof(Record)) {}

  /// Puts `text` behind the record and points `member` at it.
  RecordBuilder& Tail(tail Record::*member, std::string_view text, unsigned status = TAIL_WHOLE) {
    return Append(body_.*member, text, status);
  }
  /// Ditto, for a member of a part of the record.
  template <typename Part>
  RecordBuilder& Tail(Part Record::*part, tail Part::*member, std::string_view text) {
    return Append(body_.*part.*member, text, TAIL_WHOLE);
  }

  /// The whole record; RECORD_SIZE_BYTES_MAX is the caller's to keep.
  std::vector<std::byte> Build() {
    while (bytes_.size() % 8 != 0) bytes_.push_back(std::byte{0});
    SPOOR_CHECK(bytes_.size() <= RECORD_SIZE_BYTES_MAX) << bytes_.size() << " bytes of record";
    HeaderOf(body_).size_bytes = static_cast<__u16>(bytes_.size());
    std::memcpy(bytes_.data(), &body_, sizeof(body_));
    return bytes_;
  }

 private:
  RecordBuilder& Append(tail& member, std::string_view text, unsigned status) {
    member = {.offset_bytes = static_cast<__u16>(bytes_.size()),
              .length_bytes = static_cast<__u16>(text.size()),
              .status = static_cast<__u16>(status),
              .pad = 0};
    const std::span<const std::byte> tail_bytes = AsBytes(text);
    bytes_.insert(bytes_.end(), tail_bytes.begin(), tail_bytes.end());
    return *this;
  }
  static record_header& HeaderOf(auto& body) {
    if constexpr (requires { body.header; }) {
      return body.header;
    } else {
      return body;
    }
  }

  Record body_;
  std::vector<std::byte> bytes_;
};

}  // namespace spoor::wire
