// SPDX-License-Identifier: Apache-2.0
#include "ingest/command_line.hpp"

#include <string_view>

namespace spoor::ingest {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

}  // namespace

std::string CommandLine(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (&argument != &arguments.front()) line += ' ';
    if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) {
      line += argument;
      continue;
    }
    // As a person would write it, where that needs no backslash.
    if (argument.find('\'') != std::string::npos &&
        argument.find_first_of("\"$`\\!\n") == std::string::npos) {
      line.append(1, '"').append(argument).append(1, '"');
      continue;
    }
    line += '\'';
    for (const char c : argument) {
      if (c == '\'') {
        line += "'\\''";
      } else {
        line += c;
      }
    }
    line += '\'';
  }
  return line;
}

}  // namespace spoor::ingest
