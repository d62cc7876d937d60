// SPDX-License-Identifier: Apache-2.0
// Signed notes, checkpoints and verifier keys from hostile bytes. What opens must be exactly what
// was signed: the harness signs one checkpoint, and no other text may come out.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/fuzz_support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::evidence;  // NOLINT(google-build-using-namespace)
  static const FuzzLog log;
  static const std::string genuine = FormatCheckpoint({.origin = log.verifier.name,
                                                       .size = 5,
                                                       .root = {},
                                                       .signed_wall_ns = 7,
                                                       .other_signatures = 0});
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  if (const auto key = VerifierKey::Parse(input)) {
    SPOOR_CHECK(key->Text() == input || key->Text() + "\n" == input) << "two spellings of one key";
  }
  if (const auto opened = OpenNote(input, log.verifier)) {
    SPOOR_CHECK(opened->text == genuine) << "a text that was never signed";
  }
  (void)OpenCheckpoint(input, log.verifier);
  // As the text of a genuine note: reaches what lies behind the signature.
  std::string text(input);
  if (!text.ends_with('\n')) text += '\n';
  if (const auto checkpoint = OpenCheckpoint(SignNote(text, log.verifier, log.key), log.verifier)) {
    SPOOR_CHECK(FormatCheckpoint(*checkpoint) == text) << "two spellings of one checkpoint";
  }
  return 0;
}
