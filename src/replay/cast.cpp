// SPDX-License-Identifier: Apache-2.0
// Characters that are cut between two events are put together in the later one, as terminals do;
// only bytes that no continuation can make whole are replaced.
#include "replay/cast.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/saturating.hpp"
#include "base/visible_text.hpp"
#include "replay/text.hpp"

namespace spoor::replay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kNsPerUs = 1000;

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t offset) -> std::uint32_t {
      return i + offset < bytes.size() ? static_cast<unsigned char>(bytes[i + offset]) : 0u;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += kDigits[group >> 18];
    text += kDigits[group >> 12 & 63];
    text += i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
  }
  return text;
}

/// A stream of bytes as UTF-8.
class Utf8Stream {
 public:
  struct Piece {
    std::string text;
    std::string original;  ///< the bytes that `text` was made of
    bool replaced = false;
  };

  Piece Take(std::string_view bytes, bool at_end) {
    pending_ += bytes;
    Piece piece;
    std::string_view rest = pending_;
    while (!rest.empty()) {
      const Utf8Character character = FirstCharacter(rest);
      if (character.incomplete && !at_end) break;
      piece.replaced |= !character.valid;
      piece.text +=
          character.valid ? rest.substr(0, character.size_bytes) : std::string_view("\xef\xbf\xbd");
      rest.remove_prefix(character.size_bytes);
    }
    piece.original = pending_.substr(0, pending_.size() - rest.size());
    pending_ = std::string(rest);
    return piece;
  }

 private:
  std::string pending_;
};

class CastMaker {
 public:
  CastMaker(const Recording& recording, const CastOptions& options)
      : recording_(recording),
        options_(options),
        line_ends_(recording),
        first_ns_(recording.events.empty() ? 0 : recording.events.front().boot_ns) {}

  Cast Run() {
    AddLine(Header());
    for (const TerminalEvent& event : recording_.events) Add(event);
    // What a stream ends in the middle of.
    if (!recording_.events.empty()) {
      AddBytes(recording_.events.back().boot_ns, "o", output_.Take("", true));
      AddBytes(recording_.events.back().boot_ns, "i", input_.Take("", true));
    }
    return std::move(cast_);
  }

 private:
  Json Header() const {
    Json header{{"version", options_.version}};
    if (options_.version == 2) {
      header["width"] = recording_.columns;
      header["height"] = recording_.rows;
    } else {
      header["term"] = {{"cols", recording_.columns}, {"rows", recording_.rows}};
    }
    header["timestamp"] = SaturatingAdd(first_ns_, recording_.wall_shift_ns) / 1'000'000'000;
    if (options_.idle_max_ns) {
      header["idle_time_limit"] = static_cast<double>(*options_.idle_max_ns) / 1e9;
    }
    header["title"] =
        recording_.host.empty() ? recording_.title : recording_.host + " " + recording_.title;
    return header;
  }

  void Add(const TerminalEvent& event) {
    switch (event.type) {
      case EventType::kOutput:
        AddBytes(event.boot_ns, "o",
                 output_.Take(line_ends_.Apply(event.bytes), event.missing_bytes > 0));
        break;
      case EventType::kInput:
        if (event.echo_off) AddEvent(event.boot_ns, "m", "typed, not echoed");
        AddBytes(event.boot_ns, "i", input_.Take(event.bytes, event.missing_bytes > 0));
        break;
      case EventType::kResize:
        AddEvent(event.boot_ns, "r", fmt::format("{}x{}", event.columns, event.rows));
        break;
      case EventType::kMarker:
        AddEvent(event.boot_ns, "m", event.bytes);
        break;
    }
    if (event.missing_bytes == 0) return;
    const bool is_output = event.type == EventType::kOutput;
    AddEvent(event.boot_ns, "m",
             fmt::format("{}{}", is_output ? "" : "input ", MissingText(event.missing_bytes)));
    if (is_output) AddEvent(event.boot_ns, "o", MissingText(event.missing_bytes));
  }

  void AddBytes(std::int64_t boot_ns, const char* code, const Utf8Stream::Piece& piece) {
    if (piece.original.empty()) return;
    AddEvent(boot_ns, code, piece.text);
    if (!piece.replaced) return;
    const Json raw{{"event", line_count_}, {"code", code}, {"data_base64", Base64(piece.original)}};
    cast_.raw += raw.dump() + "\n";
  }

  void AddEvent(std::int64_t boot_ns, const char* code, const std::string& data) {
    // Whole microseconds from the start, so that intervals add up to the times.
    const std::int64_t now_us = SaturatingSub(boot_ns, first_ns_) / kNsPerUs;
    const std::int64_t time_us = options_.version == 2 ? now_us : now_us - last_us_;
    last_us_ = now_us;
    AddLine(Json::array({static_cast<double>(time_us) / 1e6, code, data}));
  }

  void AddLine(const Json& line) {
    cast_.text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    ++line_count_;
  }

  const Recording& recording_;
  const CastOptions& options_;
  LineEnds line_ends_;
  const std::int64_t first_ns_;
  std::int64_t last_us_ = 0;
  std::int64_t line_count_ = 0;
  Utf8Stream output_, input_;
  Cast cast_;
};

}  // namespace

Cast MakeCast(const Recording& recording, const CastOptions& options) {
  return CastMaker(recording, options).Run();
}

}  // namespace spoor::replay
