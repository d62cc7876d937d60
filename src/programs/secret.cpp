// SPDX-License-Identifier: Apache-2.0
// What stands in a program's arguments everybody on the host reads in /proc, and the shell keeps
// it.
#include "programs/secret.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "programs/print.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kSecretBytesMax = 4096;

/// What is typed does not show, while this lives.
class Unseen {
 public:
  Unseen() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool changed_ = false;
};

/// Up to the first line feed, or the end.
Result<std::string> ReadLineOfInput() {
  std::string text;
  for (char byte = 0; text.size() <= kSecretBytesMax;) {
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(ErrorCode::kIo, "standard input: {}", ErrnoText(errno));
    if (got == 0 || byte == '\n') return text;
    text.push_back(byte);
  }
  return Fail(ErrorCode::kCorrupt, "standard input: more than {} bytes in a line", kSecretBytesMax);
}

}  // namespace

Result<std::string> ReadSecret(const std::string& file, const std::string& what) {
  Result<std::string> text;
  const bool from_file = !file.empty() && file != "-";
  if (from_file) {
    text = ReadTextFile(file, kSecretBytesMax);
  } else if (::isatty(STDIN_FILENO) == 1) {
    PrintError("{}: ", what);
    const Unseen unseen;
    text = ReadLineOfInput();
    PrintError("\n");
  } else {
    text = ReadLineOfInput();
  }
  RETURN_IF_ERROR(text);
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text->find_first_not_of(kBlanks);
  if (begin == text->npos) {
    return Fail(ErrorCode::kInvalidArgument, "{}: no {} there", from_file ? file : "standard input",
                what);
  }
  return text->substr(begin, text->find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace spoor::programs
