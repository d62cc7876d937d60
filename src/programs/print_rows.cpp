// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
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

/// The far ends of time stand for "from the beginning" and "not known until when", on any clock.
bool IsEndOfTime(const store::Column& column, std::int64_t value) {
  return column.name.ends_with("_ns") && (value == INT64_MAX || value == INT64_MIN);
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
    if (integer != nullptr && (IsWallTime(columns_[i]) || IsEndOfTime(columns_[i], *integer))) {
      return WallTimeText(*integer);
    }
    const std::string text = VisibleLine(TextOf(row[i]));
    return text.empty() ? "-" : text;
  }

  void PrintHeld() {
    measured_ = true;
    for (const store::Column& column : columns_)
      widths_.push_back(CharacterCount(VisibleLine(column.name)));
    for (const Row& row : held_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], std::min(kColumnWidthMax, CharacterCount(Cell(row, i))));
      }
    }
    std::vector<std::string> names;
    for (const store::Column& column : columns_) names.push_back(VisibleLine(column.name));
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
      const std::size_t width = CharacterCount(cells[i]);
      const std::string padding(widths_[i] > width ? widths_[i] - width : 0, ' ');
      const bool number = columns_[i].type.ends_with("INT") && !IsWallTime(columns_[i]);
      line += number ? padding + cells[i] : cells[i] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    PrintText(line + "\n");
  }

  const std::vector<store::Column>& columns_;
  std::vector<std::size_t> widths_;
  std::vector<Row> held_;
  bool measured_ = false;
};

class JsonPrinter : public Printer {
 public:
  explicit JsonPrinter(const std::vector<store::Column>& columns) : json_(columns) {}

  void Add(const Row& row) override { PrintJson(json_.Line(row)); }

 private:
  store::RowJson json_;
};

class CsvPrinter : public Printer {
 public:
  explicit CsvPrinter(const std::vector<store::Column>& columns) : columns_(columns) {
    std::vector<CsvCell> names;
    names.reserve(columns.size());
    for (const store::Column& column : columns) names.push_back({column.name});
    PrintCsv(names);
  }

  void Add(const Row& row) override {
    std::vector<CsvCell> cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto* bytes = std::get_if<store::Bytes>(&row[i]);
      cells.push_back({bytes == nullptr ? TextOf(row[i]) : ToBase64(bytes->bytes),
                       columns_[i].type == "VARCHAR"});
    }
    PrintCsv(cells);
  }

 private:
  const std::vector<store::Column>& columns_;
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
    if (!OutIsOpen()) break;
  }
  printer->End();
  RETURN_IF_ERROR(FlushOut());
  return count;
}

}  // namespace spoor::programs
