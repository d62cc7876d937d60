// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>

#include "base/base64.hpp"
#include "base/time.hpp"
#include "event/event_text.hpp"
#include "programs/open_store.hpp"
#include "store/row_json.hpp"

namespace spoor::programs {
namespace {

using store::Value;
using Row = std::vector<Value>;

/// Rows that are looked at to find how wide the columns of a table are.
constexpr std::size_t kRowsMeasuredMax = 1000;
constexpr std::size_t kColumnWidthMax = 80;

bool IsWallTime(const store::Column& column) {
  return column.name.ends_with("wall_ns");
}

/// UTF-8 without control characters (C0, DEL, C1): nothing that a recorded intruder wrote may reach
/// the analyst's terminal as a command.
std::string Visible(std::string_view bytes) {
  const std::string text = event::MakeUtf8(bytes);
  std::string visible;
  visible.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c == '\n') {
      visible += "\\n";
    } else if (c == '\r') {
      visible += "\\r";
    } else if (c == '\t') {
      visible += "\\t";
    } else if (c < 0x20 || c == 0x7f) {
      visible += fmt::format("\\x{:02X}", c);
    } else if (c1) {
      visible += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[++i]));
    } else {
      visible += text[i];
    }
  }
  return visible;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined = "[";
  for (const std::string& text : texts) {
    joined += (joined.size() > 1 ? ", " : "") + text;
  }
  return joined + "]";
}

/// One value as text; NULL is empty.
std::string TextOf(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* bytes = std::get_if<store::Bytes>(&value)) return bytes->bytes;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return Joined(*texts);
  return {};
}

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

class Printer {
 public:
  virtual ~Printer() = default;
  virtual void Add(const Row& row) = 0;
  virtual void End() {}
};

class TablePrinter : public Printer {
 public:
  explicit TablePrinter(const std::vector<store::Column>& columns) : columns_(columns) {}

  void Add(const Row& row) override {
    if (measured_) return Print(row);
    held_.push_back(row);
    if (held_.size() == kRowsMeasuredMax) PrintHeld();
  }
  void End() override {
    if (!measured_ && !held_.empty()) PrintHeld();
  }

 private:
  std::string Cell(const Row& row, std::size_t i) const {
    const auto* integer = std::get_if<std::int64_t>(&row[i]);
    // The far ends of time stand for "from the beginning" and "not known until when".
    if (integer != nullptr && IsWallTime(columns_[i]) && *integer != INT64_MAX) {
      return FormatWallTime(*integer);
    }
    if (integer != nullptr && *integer == INT64_MAX) return "open";
    const std::string text = Visible(TextOf(row[i]));
    return text.empty() ? "-" : text;
  }

  void PrintHeld() {
    measured_ = true;
    for (const store::Column& column : columns_) widths_.push_back(Width(column.name));
    for (const Row& row : held_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], std::min(kColumnWidthMax, Width(Cell(row, i))));
        if (std::holds_alternative<std::string>(row[i])) continue;
      }
    }
    std::vector<std::string> names;
    for (const store::Column& column : columns_) names.push_back(Visible(column.name));
    PrintCells(names);
    for (const Row& row : held_) Print(row);
    held_.clear();
  }

  void Print(const Row& row) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < row.size(); ++i) cells.push_back(Cell(row, i));
    PrintCells(cells);
  }

  void PrintCells(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = Width(cells[i]);
      const std::string padding(widths_[i] > width ? widths_[i] - width : 0, ' ');
      const bool number = columns_[i].type.ends_with("INT") && !IsWallTime(columns_[i]);
      line += number ? padding + cells[i] : cells[i] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }

  const std::vector<store::Column>& columns_;
  std::vector<std::size_t> widths_;
  std::vector<Row> held_;
  bool measured_ = false;
};

class JsonPrinter : public Printer {
 public:
  explicit JsonPrinter(const std::vector<store::Column>& columns) : json_(columns) {}

  void Add(const Row& row) override {
    const std::string line = json_.Line(row) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  }

 private:
  store::RowJson json_;
};

class CsvPrinter : public Printer {
 public:
  explicit CsvPrinter(const std::vector<store::Column>& columns) {
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (const store::Column& column : columns) names.push_back(column.name);
    PrintLine(names);
  }

  void Add(const Row& row) override {
    std::vector<std::string> cells;
    for (const Value& value : row) {
      const auto* bytes = std::get_if<store::Bytes>(&value);
      cells.push_back(bytes == nullptr ? TextOf(value) : ToBase64(bytes->bytes));
    }
    PrintLine(cells);
  }

 private:
  static void PrintLine(const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells) {
      if (&cell != &cells.front()) line += ',';
      if (cell.find_first_of(",\"\r\n") == std::string::npos) {
        line += cell;
        continue;
      }
      line += '"';
      for (const char c : cell) line += c == '"' ? "\"\"" : std::string(1, c);
      line += '"';
    }
    line += "\r\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
};

std::unique_ptr<Printer> MakePrinter(const std::vector<store::Column>& columns, Format format) {
  switch (format) {
    case Format::kJson:
      return std::make_unique<JsonPrinter>(columns);
    case Format::kCsv:
      return std::make_unique<CsvPrinter>(columns);
    case Format::kTable:
      break;
  }
  return std::make_unique<TablePrinter>(columns);
}

}  // namespace

void FormatFlags::AddTo(CLI::App& subcommand) {
  CLI::Option* const as_json = subcommand.add_flag("--json", json, "one JSON object per line");
  subcommand.add_flag("--csv", csv, "comma-separated values with a header line")->excludes(as_json);
}

Result<std::uint64_t> PrintRows(store::RowReader& rows, Format format) {
  const std::unique_ptr<Printer> printer = MakePrinter(rows.columns(), format);
  std::uint64_t count = 0;
  Row row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows.Next(row));
    if (!more) break;
    ++count;
    printer->Add(row);
    if (std::ferror(stdout) != 0) break;
  }
  printer->End();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    // A reader that has seen enough (| head) is no failure.
    if (errno == EPIPE) return count;
    return FailErrno(errno, "cannot write to stdout");
  }
  return count;
}

}  // namespace spoor::programs
