// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Words for facts. What the record says (names, arguments, payload) was chosen by the intruder: it
/// goes into a sentence through Name, which makes it visible and keeps it apart from our own words.
namespace spoor::report {

/// `text` from the record, control characters made visible, between two marks that cannot occur in
/// it. Plain and Markdown turn the marks into quotation.
std::string Name(std::string_view text);
/// As Name, for text that a query has made visible already.
std::string VisibleName(std::string_view text);

/// A sentence with names in “…”.
std::string Plain(std::string_view sentence);
/// A sentence as Markdown: our words as they are, names as code spans.
std::string Markdown(std::string_view sentence);

/// "“nc -l 80” (pid 4711)"; a long command line is cut.
std::string ProcessName(std::optional<std::int64_t> pid, std::string_view command_line);

/// "2026-11-21 20:31:35.123": UTC, to the millisecond.
std::string Moment(std::int64_t wall_ns);
/// "until …", or what is said where the end is not known.
std::string UntilMoment(std::int64_t wall_ns);
/// "host “web-1”", or "this host" where its name is not known.
std::string HostName(std::string_view name);
/// "root" or "uid 33".
std::string User(std::optional<std::int64_t> uid);
/// "1 byte", "4096 bytes".
std::string Bytes(std::int64_t size_bytes);
/// "1 process", "3 processes".
std::string Count(std::int64_t count, std::string_view one, std::string_view many);

/// `text` as one word of a shell command line. What does not belong on a terminal stands in it as
/// $'\xNN', which bash and zsh read.
std::string ShellWord(std::string_view text);

/// "--store X " where X is not what the commands would take anyway; else nothing.
std::string StoreWords(const std::string& store);

/// `text` with each %XX (RFC 3986) as the byte it stands for.
std::string PercentDecoded(std::string_view text);

/// `data` for reading: one line for each line of the data, control characters visible (the line
/// ends too), no line longer than 2000 characters, at most `lines_max` of them ("… and N more").
std::vector<std::string> PayloadLines(std::string_view data, std::size_t lines_max);

}  // namespace spoor::report
