// SPDX-License-Identifier: Apache-2.0
// A hostile excerpt. The input is what follows the checkpoint; the harness signs one of a small log
// whose entries it knows, so that the ranges and proofs behind the signature are reached. Whatever
// is accepted must be entries of that log. An input that begins as an excerpt is read whole, too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "evidence/excerpt.hpp"
#include "evidence/fuzz_support.hpp"

namespace spoor::evidence {
namespace {

constexpr std::uint64_t kEntries = 5;

std::string EntryText(std::uint64_t index) {
  return fmt::format("entry {}", index);
}

/// Everything before the ranges, with the checkpoint of kEntries entries.
std::string Head(const FuzzLog& log) {
  TreeHasher hasher;
  CompactTree tree;
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    tree.Append(hasher.Leaf(AsBytes(EntryText(i))), hasher, [](unsigned, const Hash&) {});
  }
  const std::string text = FormatCheckpoint({.origin = log.verifier.name,
                                             .size = kEntries,
                                             .root = tree.Root(hasher),
                                             .signed_wall_ns = 7,
                                             .other_signatures = 0});
  const std::string note = SignNote(text, log.verifier, log.key);
  std::string head("SPOOREXC\x00\x01\x00\x00\x00\x00", 14);
  head += static_cast<char>(note.size() >> 8);
  head += static_cast<char>(note.size() & 0xff);
  return head + note;
}

void Read(std::string bytes, const VerifierKey& key) {
  std::size_t at = 0;
  const ByteSource source = [&](std::span<std::byte> buffer) -> Result<std::size_t> {
    const std::size_t count = std::min(buffer.size(), bytes.size() - at);
    std::copy_n(AsBytes(bytes).begin() + static_cast<std::ptrdiff_t>(at), count, buffer.begin());
    at += count;
    return count;
  };
  bool genuine = true;
  const auto report =
      ReadExcerpt(source, key,
                  {.range = {},
                   .entry = [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
                     genuine = genuine && index < kEntries && AsText(entry) == EntryText(index);
                     return {};
                   }});
  SPOOR_CHECK(!report || genuine) << "an entry that the log never had";
}

}  // namespace
}  // namespace spoor::evidence

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::evidence;  // NOLINT(google-build-using-namespace)
  static const FuzzLog log;
  static const std::string head = Head(log);
  const std::string input(reinterpret_cast<const char*>(data), size_bytes);
  Read(head + input, log.verifier);
  Read(input, log.verifier);
  return 0;
}
