// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "packets/syn_signature.hpp"

namespace spoor::packets {

/// What systems' SYNs look like, as p0f 3 has it in its file p0f.fp: the sections tcp:request and
/// tcp:response. Source of the format: README of p0f 3, §5.
class FingerprintDatabase {
 public:
  static constexpr std::size_t kBytesMax = 1 << 20;
  static constexpr std::size_t kSignaturesMax = 10'000;

  /// Of a file, what Parse needs: fewer bytes that mean the same. Fails as Parse.
  static Result<std::string> Shorten(std::string_view text);
  /// Fails: kInvalidArgument, naming the line.
  static Result<FingerprintDatabase> Parse(std::string_view text);

  struct Match {
    std::string os;        ///< "Linux 3.11 and newer"
    bool generic = false;  ///< of a family, for no member of it fits
    bool fuzzy = false;    ///< but for what a network changes on the way
  };
  /// Which system it is; nothing where none fits, or what fits is a tool and no system.
  /// `answer`: it is a SYN with ACK. `asked_segment_bytes_max`: the MSS of the SYN that it answers;
  /// 0: not known.
  std::optional<Match> Find(const SynSignature& seen, bool answer,
                            std::uint16_t asked_segment_bytes_max) const;

 private:
  enum class Window : std::uint8_t { kAny, kExact, kMultipleOf, kSegments, kPackets };
  struct Signature {
    std::optional<bool> v6;
    std::uint8_t hops_at_first = 0;
    bool random_hops = false;
    std::uint8_t ip_option_bytes = 0;
    std::optional<std::uint16_t> segment_bytes_max;
    Window window = Window::kAny;
    std::uint16_t window_value = 0;
    std::optional<std::uint8_t> window_scale;
    std::string options;
    std::uint32_t quirks = 0;
    std::optional<bool> has_payload;
    std::size_t label = 0;
  };
  struct Label {
    std::string os;
    bool generic = false, is_system = false;
  };
  static bool ParseSignature(std::string_view text, Signature& signature);
  static bool ParseLabel(std::string_view text, Label& label);

  std::vector<Label> labels_;
  std::vector<Signature> requests_, answers_;
};

}  // namespace spoor::packets
