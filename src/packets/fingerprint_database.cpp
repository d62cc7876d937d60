// SPDX-License-Identifier: Apache-2.0
// How a signature is compared is as p0f does it, so that both name the same: exact before generic
// before fuzzy, each the first of the file.
#include "packets/fingerprint_database.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace spoor::packets {
namespace {

// A packet that has come further does not fit a signature exactly.
constexpr int kHopsMax = 35;
constexpr std::size_t kTextBytesMax = 200;

struct QuirkName {
  std::string_view name;
  SynQuirk quirk;
};
constexpr std::array kQuirkNames{
    QuirkName{"df", kQuirkDf},
    QuirkName{"id+", kQuirkDfWithId},
    QuirkName{"id-", kQuirkNoId},
    QuirkName{"ecn", kQuirkEcn},
    QuirkName{"0+", kQuirkReservedIp},
    QuirkName{"flow", kQuirkFlowLabel},
    QuirkName{"seq-", kQuirkZeroSequence},
    QuirkName{"ack+", kQuirkAckNumberWithoutAck},
    QuirkName{"ack-", kQuirkNoAckNumber},
    QuirkName{"uptr+", kQuirkUrgentPointer},
    QuirkName{"urgf+", kQuirkUrgent},
    QuirkName{"pushf+", kQuirkPush},
    QuirkName{"ts1-", kQuirkZeroTimestamp},
    QuirkName{"ts2+", kQuirkPeerTimestamp},
    QuirkName{"opt+", kQuirkPadding},
    QuirkName{"exws", kQuirkLargeScale},
    QuirkName{"bad", kQuirkBadOptions},
};

std::string_view TakeUntil(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
  return taken;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

template <typename Number>
bool ParseWhole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// "*": any.
template <typename Number>
bool ParseOrAny(std::string_view text, std::optional<Number>& number) {
  if (text == "*") return true;
  return ParseWhole(text, number.emplace());
}

bool ParseQuirks(std::string_view text, std::uint32_t& quirks) {
  while (!text.empty()) {
    const std::string_view name = Trim(TakeUntil(text, ','));
    bool known = false;
    for (const QuirkName& one : kQuirkNames) {
      if (one.name != name) continue;
      quirks |= one.quirk;
      known = true;
    }
    if (!known) return false;
  }
  return true;
}

/// Of how many segments or, with `packets`, whole packets of which size the window is; 0: of none
/// that is usual.
std::uint32_t WindowMultiple(const SynSignature& seen, std::uint16_t asked_segment_bytes_max,
                             bool& packets) {
  constexpr int kHeaders4 = 40, kHeaders6 = 60, kTimestamp = 12, kEthernet = 1500;
  const int mss = seen.segment_bytes_max;
  packets = false;
  if (seen.window == 0 || mss < 100) return 0;
  const auto times = [&](int size) -> std::uint32_t {
    return size > 0 && seen.window % size == 0 ? static_cast<std::uint32_t>(seen.window / size) : 0;
  };
  const auto first_of = [&](std::initializer_list<int> sizes) -> std::uint32_t {
    for (const int size : sizes) {
      if (const std::uint32_t found = times(size); found != 0) return found;
    }
    return 0;
  };
  const int with_timestamp = seen.has_timestamp ? mss - kTimestamp : 0;
  const int v6 = seen.v6 ? 1 : 0;
  if (const std::uint32_t found =
          first_of({mss, with_timestamp, kEthernet - kHeaders4, kEthernet - kHeaders4 - kTimestamp,
                    v6 * (kEthernet - kHeaders6), v6 * (kEthernet - kHeaders6 - kTimestamp)});
      found != 0) {
    return found;
  }
  packets = true;
  if (const std::uint32_t found =
          first_of({mss + kHeaders4, mss + seen.header_bytes, v6 * (mss + kHeaders6), kEthernet});
      found != 0) {
    return found;
  }
  packets = false;
  const int asked = asked_segment_bytes_max;
  return asked == 0 ? 0 : first_of({asked, asked - kTimestamp});
}

/// A way of it can add `added` to and take `deleted` from what a system sends.
bool CanChangeOnTheWay(std::uint32_t deleted, std::uint32_t added) {
  return (deleted & ~(kQuirkDf | kQuirkDfWithId)) == 0 && (added & ~(kQuirkNoId | kQuirkEcn)) == 0;
}

bool IsWanted(std::string_view section) {
  return section == "[tcp:request]" || section == "[tcp:response]";
}

/// Calls `take` with section and content of each line that counts, until it returns false.
template <typename Take>
Result<> ForEachLine(std::string_view text, Take&& take) {
  if (text.size() > FingerprintDatabase::kBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "p0f.fp: more than {} bytes",
                FingerprintDatabase::kBytesMax);
  }
  std::string_view section;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = Trim(TakeUntil(text, '\n'));
    if (line.empty() || line.front() == ';') continue;
    if (line.front() == '[') section = line;
    if (!IsWanted(section)) continue;
    if (!take(section, line)) {
      return Fail(ErrorCode::kInvalidArgument, "p0f.fp: line {} cannot be read", number);
    }
  }
  return {};
}

}  // namespace

bool FingerprintDatabase::ParseLabel(std::string_view text, Label& label) {
  const std::string_view type = TakeUntil(text, ':'), system = TakeUntil(text, ':');
  const std::string_view name = TakeUntil(text, ':');
  if ((type != "s" && type != "g") || name.empty() || name.size() + text.size() > kTextBytesMax) {
    return false;
  }
  label.generic = type == "g";
  label.is_system = system != "!";
  label.os = text.empty() ? std::string(name) : fmt::format("{} {}", name, text);
  return true;
}

// "*:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0"
bool FingerprintDatabase::ParseSignature(std::string_view text, Signature& signature) {
  const std::string_view version = TakeUntil(text, ':');
  std::string_view hops = TakeUntil(text, ':');
  const std::string_view option_bytes = TakeUntil(text, ':'), mss = TakeUntil(text, ':');
  std::string_view window = TakeUntil(text, ':');
  signature.options = std::string(TakeUntil(text, ':'));
  const std::string_view quirks = TakeUntil(text, ':'), payload = text;
  if (version != "*") signature.v6 = version == "6";
  if (version != "*" && version != "4" && version != "6") return false;
  if (hops.ends_with('-')) {
    signature.random_hops = true;
    hops.remove_suffix(1);
  }
  const std::string_view hops_left = TakeUntil(hops, '+');
  std::uint8_t travelled = 0;
  if (!hops.empty() && !ParseWhole(hops, travelled)) return false;
  if (!ParseWhole(hops_left, signature.hops_at_first)) return false;
  signature.hops_at_first = static_cast<std::uint8_t>(signature.hops_at_first + travelled);
  if (!ParseWhole(option_bytes, signature.ip_option_bytes)) return false;
  if (!ParseOrAny(mss, signature.segment_bytes_max)) return false;
  std::string_view size = TakeUntil(window, ',');
  if (!ParseOrAny(window, signature.window_scale)) return false;
  constexpr std::array kForms{std::pair{std::string_view("mss*"), Window::kSegments},
                              std::pair{std::string_view("mtu*"), Window::kPackets},
                              std::pair{std::string_view("%"), Window::kMultipleOf},
                              std::pair{std::string_view(""), Window::kExact}};
  for (const auto& [prefix, form] : kForms) {
    if (size == "*") break;
    if (!size.starts_with(prefix)) continue;
    signature.window = form;
    if (!ParseWhole(size.substr(prefix.size()), signature.window_value)) return false;
    if (form != Window::kExact && signature.window_value == 0) return false;
    break;
  }
  if (payload == "0" || payload == "+") signature.has_payload = payload == "+";
  return ParseQuirks(quirks, signature.quirks) &&
         (payload == "*" || payload == "0" || payload == "+") &&
         signature.options.size() <= kTextBytesMax;
}

Result<std::string> FingerprintDatabase::Shorten(std::string_view text) {
  std::string shortened;
  RETURN_IF_ERROR(ForEachLine(text, [&](std::string_view /*section*/, std::string_view line) {
    if (line.front() == '[' || line.starts_with("label") || line.starts_with("sig")) {
      shortened += fmt::format("{}\n", line);
    }
    return true;
  }));
  RETURN_IF_ERROR(Parse(shortened));
  return shortened;
}

Result<FingerprintDatabase> FingerprintDatabase::Parse(std::string_view text) {
  FingerprintDatabase database;
  RETURN_IF_ERROR(ForEachLine(text, [&](std::string_view section, std::string_view line) {
    if (line.front() == '[') return true;
    std::string_view value = line;
    const std::string_view key = Trim(TakeUntil(value, '='));
    value = Trim(value);
    if (key == "label") {
      return ParseLabel(value, database.labels_.emplace_back());
    }
    if (key != "sig") return true;
    std::vector<Signature>& signatures =
        section == "[tcp:request]" ? database.requests_ : database.answers_;
    if (database.labels_.empty() || signatures.size() >= kSignaturesMax) return false;
    Signature& signature = signatures.emplace_back();
    signature.label = database.labels_.size() - 1;
    return ParseSignature(value, signature);
  }));
  return database;
}

std::optional<FingerprintDatabase::Match> FingerprintDatabase::Find(
    const SynSignature& seen, bool answer, std::uint16_t asked_segment_bytes_max) const {
  bool packets = false;
  const std::uint32_t multiple = WindowMultiple(seen, asked_segment_bytes_max, packets);
  const auto fits_window = [&](const Signature& known) {
    switch (known.window) {
      case Window::kAny:
        return true;
      case Window::kExact:
        return known.window_value == seen.window;
      case Window::kMultipleOf:
        return seen.window % known.window_value == 0;
      case Window::kSegments:
        return !packets && known.window_value == multiple;
      case Window::kPackets:
        return packets && known.window_value == multiple;
    }
    return false;
  };
  const Signature* generic = nullptr;
  const Signature* fuzzy = nullptr;
  for (const Signature& known : answer ? answers_ : requests_) {
    if (known.options != seen.options || known.ip_option_bytes != seen.ip_option_bytes) continue;
    if (known.v6 && *known.v6 != seen.v6) continue;
    bool is_fuzzy = false;
    std::uint32_t quirks = known.quirks;
    if (!known.v6) {
      quirks &= seen.v6 ? ~(kQuirkDf | kQuirkDfWithId | kQuirkNoId) : ~kQuirkFlowLabel;
    }
    if (quirks != seen.quirks) {
      if (fuzzy != nullptr || !CanChangeOnTheWay(quirks & ~seen.quirks, seen.quirks & ~quirks)) {
        continue;
      }
      is_fuzzy = true;
    }
    const int travelled = known.hops_at_first - seen.hops_left;
    if (known.random_hops && travelled < 0) continue;
    if (!known.random_hops && (travelled < 0 || travelled > kHopsMax)) is_fuzzy = true;
    if (known.segment_bytes_max && *known.segment_bytes_max != seen.segment_bytes_max) continue;
    if (known.window_scale && *known.window_scale != seen.window_scale) continue;
    if (known.has_payload && *known.has_payload != seen.has_payload) continue;
    if (!fits_window(known)) continue;
    const Label& label = labels_[known.label];
    if (is_fuzzy) {
      if (fuzzy == nullptr) fuzzy = &known;
    } else if (label.generic) {
      if (generic == nullptr) generic = &known;
    } else {
      if (!label.is_system) return std::nullopt;
      return Match{label.os, false, false};
    }
  }
  const Signature* const found = generic != nullptr ? generic : fuzzy;
  if (found == nullptr || !labels_[found->label].is_system) return std::nullopt;
  return Match{labels_[found->label].os, labels_[found->label].generic, found == fuzzy};
}

}  // namespace spoor::packets
