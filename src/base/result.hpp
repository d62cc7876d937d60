// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace spoor {

/// What kind of operating error it is. The program maps it to an exit code (exit_code.hpp).
enum class ErrorCode : std::uint8_t {
  kInvalidArgument = 1,  ///< the caller's words are off
  kNotFound,             ///< the named thing does not exist
  kCorrupt,              ///< stored or received bytes are not what they must be
  kUnverified,           ///< evidence does not verify
  kIo,                   ///< the system refused or failed (disk full, permission)
  kUnavailable,          ///< cannot run here and now (no privilege, locked by another process)
  kUnsupported,          ///< this build, kernel or format version cannot do it
};

/// What failed, on which object, what is known; no trailing period.
struct Error {
  ErrorCode code;
  std::string message;
};

/// A value or an operating error. Programmer errors abort (check.hpp) instead.
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
};

/// An error with a formatted message: `return Fail(ErrorCode::kIo, "{}: cannot open", path);`
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> Fail(ErrorCode code, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// As Fail, with ": <what errno_number means>" behind the message; code is kIo unless given.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> FailErrno(int errno_number, fmt::format_string<Args...> format,
                                              Args&&... args);

/// The text of an errno value ("No such file or directory"); safe to call from any thread.
std::string ErrnoText(int errno_number);

template <typename... Args>
tl::unexpected<Error> FailErrno(int errno_number, fmt::format_string<Args...> format,
                                Args&&... args) {
  return tl::unexpected<Error>(
      Error{ErrorCode::kIo,
            fmt::format(format, std::forward<Args>(args)...) + ": " + ErrnoText(errno_number)});
}

}  // namespace spoor

#define SPOOR_CONCAT_IMPL(a, b) a##b
#define SPOOR_CONCAT(a, b) SPOOR_CONCAT_IMPL(a, b)

/// Returns the error of `expr` from this function, if it is one.
#define RETURN_IF_ERROR(expr)                                                 \
  do {                                                                        \
    if (auto spoor_result = (expr); !spoor_result)                            \
      return tl::unexpected<::spoor::Error>(std::move(spoor_result).error()); \
  } while (false)

/// `ASSIGN_OR_RETURN(auto log, Open(path));`
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration can't be put into parentheses.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(SPOOR_CONCAT(spoor_result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr)                              \
  auto tmp = (expr);                                                       \
  if (!tmp) return tl::unexpected<::spoor::Error>(std::move(tmp).error()); \
  lhs = std::move(*tmp)
// NOLINTEND(bugprone-macro-parentheses)
