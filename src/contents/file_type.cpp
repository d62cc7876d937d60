// SPDX-License-Identifier: Apache-2.0
// libmagic in this process, on bytes that an intruder chose. It is held to what its table of kinds
// compares: its parsers of formats (ELF's notes and sections, compound documents, archives, JSON,
// CSV), in which its faults were found over the years, are off, nothing is uncompressed, which
// would start programs, and it gets the first 16 KiB in memory, never a file. What is left costs
// time by the size of that and by the limits below; a process of its own would cost more than
// the whole answer.
#include "contents/file_type.hpp"

#include <magic.h>

#include <algorithm>
#include <memory>

namespace spoor::contents {
namespace {

constexpr int kFlags = MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_APPTYPE |
                       MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_CSV |
                       MAGIC_NO_CHECK_JSON;
constexpr std::size_t kTypeCharactersMax = 300;

struct Close {
  void operator()(magic_set* cookie) const { ::magic_close(cookie); }
};

}  // namespace

std::string FileTypeOf(std::string_view begin) {
  if (begin.empty()) return {};
  // Its own for each thread: a cookie is not to be shared.
  thread_local const std::unique_ptr<magic_set, Close> cookie = [] {
    std::unique_ptr<magic_set, Close> made(::magic_open(kFlags));
    const std::size_t few = 20, bytes = kTypeBytesMax, regex_bytes = 4096;
    if (made == nullptr || ::magic_setparam(made.get(), MAGIC_PARAM_INDIR_MAX, &few) != 0 ||
        ::magic_setparam(made.get(), MAGIC_PARAM_NAME_MAX, &few) != 0 ||
        ::magic_setparam(made.get(), MAGIC_PARAM_REGEX_MAX, &regex_bytes) != 0 ||
        ::magic_setparam(made.get(), MAGIC_PARAM_BYTES_MAX, &bytes) != 0 ||
        ::magic_load(made.get(), nullptr) != 0) {
      made.reset();
    }
    return made;
  }();
  if (cookie == nullptr) return {};
  const char* const type =
      ::magic_buffer(cookie.get(), begin.data(), std::min(begin.size(), kTypeBytesMax));
  return type == nullptr ? std::string() : std::string(type).substr(0, kTypeCharactersMax);
}

}  // namespace spoor::contents
