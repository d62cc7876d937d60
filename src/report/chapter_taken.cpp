// SPDX-License-Identifier: Apache-2.0
// What was read from files and may have left over a connection. What the record shows of it is told
// apart: that it was written on whole, that a line of it was sent, that it may be in what was sent.
#include <fmt/format.h>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kTakenMax = 40;

std::string TakenText(const Row& row) {
  const std::string file =
      fmt::format("{}{}", row.Flag("secret") ? "the secret " : "", Name(row.Text("path")));
  const std::string reader = ProcessName(row.Integer("pid"), row.Text("command_line"));
  const std::string read = Bytes(row.Integer("read_bytes").value_or(0));
  const std::string made_here =
      row.Flag("made_here") ? " It had been written here before, out of something else." : "";
  const std::string over = fmt::format(
      "to {} port {} ({} in all)", Name(row.Text("destination_ip")),
      row.Integer("destination_port").value_or(0), Bytes(row.Integer("sent_bytes").value_or(0)));
  if (row.Flag("copied") && row.Flag("seen")) {
    return fmt::format(
        "{} read {} of {} and wrote as many on; a line of them was seen in what was "
        "sent {}.{}",
        reader, read, file, over, made_here);
  }
  if (row.Flag("copied")) {
    return fmt::format("{} read {} of {} and wrote as many on; they may be in what was sent {}.{}",
                       reader, read, file, over, made_here);
  }
  return fmt::format(
      "{} read {} of {}; that, or what was made of it, may be in what was sent {}.{}", reader, read,
      file, over, made_here);
}

}  // namespace

Result<Section> Chapters::Taken() const {
  Section section{.name = "taken", .title = "What may have been taken"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   Ask("SELECT * FROM taken({scope}) ORDER BY copied AND coalesce(seen, FALSE) "
                       "DESC, secret DESC, copied DESC, wall_ns, path, flow_id, process_id"));
  for (const Row& row : rows) {
    if (section.facts.size() == kTakenMax) {
      section.facts.push_back({.text = Count(static_cast<std::int64_t>(rows.size() - kTakenMax),
                                             "more file may have left, read or made here.",
                                             "more files may have left, read or made here.")});
      break;
    }
    section.facts.push_back({.text = TakenText(row),
                             .wall_ns = row.Integer("wall_ns"),
                             .id_kind = "object",
                             .id = row.Integer("object_id").value_or(0)});
  }
  if (rows.empty())
    section.facts.push_back({.text = "No file was seen to be read by what sent over a connection, "
                                     "but for programs and what they begin with."});
  return section;
}

}  // namespace spoor::report
