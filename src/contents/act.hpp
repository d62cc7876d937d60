// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spoor::contents {

/// What is known of a byte of a file: its value, or why not.
enum class Content : std::uint8_t {
  kBytes,
  kZeros,  ///< the file was lengthened, and nothing was written there
  // Holes.
  kExistedBefore,
  kCut,
  kLeftOut,
  kNotCaptured,
  kMoved,
  kUnplaced,
  kMapped,
  kUnseen,
};
inline bool IsHole(Content content) {
  return content != Content::kBytes && content != Content::kZeros;
}
/// One word, for JSON. Holes: "existed_before", "cut", "left_out", "not_captured", "moved",
/// "unplaced", "mapped", "unseen".
std::string_view NameOf(Content content);
/// Why the bytes of a hole are not known, as a clause.
std::string_view ReasonOf(Content hole);

/// One call on a file that says something about its bytes.
struct Act {
  enum class Kind : std::uint8_t {
    kWrite,
    kRead,
    kResize,  ///< to `size_bytes`; also: it was made, or emptied by an open
    kMap,     ///< was opened for reading and writing, which a shared mapping needs
  };
  Kind kind = Kind::kRead;
  /// Of a write, what the bytes beyond `captured_bytes` are: kCut, kLeftOut, kNotCaptured, kMoved.
  Content rest = Content::kNotCaptured;
  std::int64_t process_id = 0;
  std::int64_t wall_ns = 0;                       ///< end of the call
  std::optional<std::int64_t> offset_bytes = {};  ///< nothing: not known where
  std::int64_t size_bytes = 0;                    ///< moved; kResize: how long the file is then
  std::int64_t captured_bytes = 0;                ///< the first of them, 0 to `size_bytes`
  /// Where these are among all captured bytes of the file (Journal).
  std::int64_t journal_at = 0;
  // Which row of the table io they are in.
  std::int64_t event_id = 0, boot_ns = 0;
};

}  // namespace spoor::contents
