// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "schema/tables.hpp"
#include "store/catalog.hpp"

namespace spoor::store {

/// Takes the rows of one table. Whole numbers go straight to DuckDB's vectors; what takes more than
/// a store is behind a virtual call.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  /// `row` must be of this table. Bytes of texts that are not UTF-8 are spelled as \xHH
  /// (event::MakeUtf8).
  template <typename Row>
  void Append(const Row& row) {
    std::size_t column = 0;
    std::apply([&](const auto&... columns) { (Put(column++, row.*columns.kPlace), ...); },
               schema::Declaration<Row>::kColumns);
    EndRow();
  }

 protected:
  struct Vector {
    void* data;
    std::uint64_t* validity;  ///< null until a NULL is written
  };
  virtual void PutText(std::size_t column, std::string_view value) = 0;
  virtual void PutTexts(std::size_t column, schema::TextList values) = 0;
  virtual void PutBytes(std::size_t column, std::string_view value) = 0;
  virtual void PutNull(std::size_t column) = 0;
  virtual void HandOver() = 0;  ///< the vectors are full

  std::vector<Vector> vectors_;  ///< one for each column
  std::size_t row_ = 0;          ///< in the vectors
  std::size_t capacity_ = 0;     ///< of the vectors
  std::uint64_t row_count_ = 0;
  std::uint64_t held_bytes_ = 0;

 private:
  template <typename T>
  void Put(std::size_t column, const schema::NotNull<T>& cell) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      PutText(column, cell.value());
    } else if constexpr (std::is_same_v<T, schema::TextList>) {
      PutTexts(column, cell.value());
    } else if constexpr (std::is_same_v<T, schema::Bytes>) {
      PutBytes(column, cell.value().bytes);
    } else {
      static_cast<T*>(vectors_[column].data)[row_] = cell.value();
    }
  }
  template <typename T>
  void Put(std::size_t column, const schema::Nullable<T>& cell) {
    if (cell.has_value()) {
      Put(column, schema::NotNull<T>(cell.value()));
    } else {
      PutNull(column);
    }
  }
  void EndRow() {
    held_bytes_ += 8 * vectors_.size();
    ++row_count_;
    if (++row_ == capacity_) HandOver();
  }
};

/// Collects rows in memory and writes them as sorted Parquet segments. Not thread-safe.
class SegmentWriter {
 public:
  struct Options {
    StoreLayout layout;
    std::string recording_id;      ///< 32 hex digits
    std::uint64_t generation = 0;  ///< part of the file names: never used twice in a store
  };
  static Result<std::unique_ptr<SegmentWriter>> Open(const Options& options);
  virtual ~SegmentWriter() = default;

  /// Takes a row of the table that is declared for `Row`.
  template <typename Row>
  void Append(const Row& row) {
    writer(schema::kTableIndex<Row>).Append(row);
  }
  /// Says that rows of `host_id` at `wall_ns` are among those of event and io: their segments are
  /// split by host and UTC day.
  virtual void NotePartition(std::int64_t host_id, std::string_view host, std::int64_t wall_ns) = 0;
  /// Rows taken since the last Write, and about how many bytes they are.
  virtual std::uint64_t row_count() const = 0;
  virtual std::uint64_t held_bytes() const = 0;
  /// How often NotePartition named each host and day since the last Restart: what segments are cut
  /// by.
  struct Partition {
    std::string host;
    std::uint64_t event_count = 0;
  };
  using Partitions = std::map<std::pair<std::int64_t, std::int64_t>, Partition>;  // (host_id, day)
  virtual const Partitions& partitions() const = 0;
  virtual void SetPartitions(Partitions partitions) = 0;

  struct WriteOptions {
    std::uint64_t first_entry = 0, last_entry = 0;  ///< of the evidence that the rows come from
    SegmentLife life = SegmentLife::kSealed;
    /// Segments whose rows are written once more, together with the new ones: what comes out is
    /// what would have come out had all been held in memory. Fails for them: kCorrupt.
    std::vector<Segment> earlier{};
  };
  /// Writes all rows as new segments (durable, but not yet in any catalog). On failure (kIo: disk
  /// full) the files of this call are removed again. Takes no more rows until Restart.
  virtual Result<std::vector<Segment>> Write(const WriteOptions& options) = 0;
  /// Forgets all rows, to take new ones.
  virtual Result<> Restart() = 0;

 protected:
  /// Of schema::Tables()[table].
  virtual TableWriter& writer(std::size_t table) = 0;
};

}  // namespace spoor::store
