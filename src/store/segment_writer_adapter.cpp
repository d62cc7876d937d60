// SPDX-License-Identifier: Apache-2.0
// Rows are gathered in vectors of DuckDB's own layout, handed to appenders of an in-memory
// database, and come out through COPY … TO with the sort order of their table.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/check.hpp"
#include "base/inside.hpp"
#include "base/saturating.hpp"
#include "base/scratch_folder.hpp"
#include "base/time.hpp"
#include "event/event_text.hpp"
#include "store/catalog_check.hpp"
#include "store/duckdb_adapter.hpp"
#include "store/quoted_path.hpp"
#include "store/segment_writer.hpp"
#include "store/store.hpp"
#include "store/table_sql.hpp"

namespace spoor::store {
namespace {

constexpr std::int64_t kNsPerDay = 86'400'000'000'000;
/// Above it days and hosts are put together: a Write makes at most twice as many files of a table.
constexpr std::size_t kPartitionsMax = 64;

class DuckTableWriter : public TableWriter {
 public:
  /// Fails only when the table is missing, which is a programmer error.
  DuckTableWriter(Connection& connection, std::string_view table) : table_(table) {
    const bool created = duckdb_appender_create(connection.get(), "main", table_.c_str(),
                                                &appender_) == DuckDBSuccess;
    SPOOR_CHECK(created) << table_;
    const idx_t count = duckdb_appender_column_count(appender_);
    for (idx_t i = 0; i < count; ++i) {
      logical_types_.push_back(duckdb_appender_column_type(appender_, i));
    }
    chunk_ = duckdb_create_data_chunk(logical_types_.data(), count);
    capacity_ = duckdb_vector_size();
    last_texts_.resize(count);
    TakeVectors();
  }
  DuckTableWriter(const DuckTableWriter&) = delete;
  DuckTableWriter& operator=(const DuckTableWriter&) = delete;
  ~DuckTableWriter() override {
    duckdb_destroy_data_chunk(&chunk_);
    for (duckdb_logical_type& type : logical_types_) duckdb_destroy_logical_type(&type);
    duckdb_appender_destroy(&appender_);
  }

  /// Makes all rows visible to queries. Fails: kUnavailable (no memory), or what DuckDB says.
  Result<> Flush() {
    if (row_ > 0) HandOver();
    if (!failed_ && duckdb_appender_flush(appender_) == DuckDBError) failed_ = true;
    if (!failed_) return {};
    return tl::unexpected<Error>(
        ErrorOf(DUCKDB_ERROR_OUT_OF_MEMORY, duckdb_appender_error(appender_)));
  }

  std::uint64_t row_count() const { return row_count_; }
  std::uint64_t held_bytes() const { return held_bytes_; }

 private:
  /// Column values repeat from row to row (boots, kinds, paths). The text of the row before is
  /// taken again instead of being copied: it lives as long as the chunk.
  struct LastText {
    bool known = false;
    duckdb_string_t text;
  };

  void PutText(std::size_t column, std::string_view value) override {
    held_bytes_ += value.size();
    duckdb_string_t* const texts = static_cast<duckdb_string_t*>(vectors_[column].data);
    LastText& last = last_texts_[column];
    if (last.known && value == std::string_view(duckdb_string_t_data(&last.text),
                                                duckdb_string_t_length(last.text))) {
      texts[row_] = last.text;
      return;
    }
    AssignText(duck_vectors_[column], row_, value);
    last = {true, texts[row_]};
  }

  void PutTexts(std::size_t column, schema::TextList values) override {
    duckdb_vector list = duck_vectors_[column];
    const idx_t begin = duckdb_list_vector_get_size(list);
    duckdb_list_vector_reserve(list, begin + values.size());
    duckdb_list_vector_set_size(list, begin + values.size());
    static_cast<duckdb_list_entry*>(vectors_[column].data)[row_] = {begin, values.size()};
    duckdb_vector child = duckdb_list_vector_get_child(list);
    for (idx_t i = 0; i < values.size(); ++i) {
      held_bytes_ += values[i].size();
      AssignText(child, begin + i, values[i]);
    }
  }

  void PutBytes(std::size_t column, std::string_view value) override {
    duckdb_vector_assign_string_element_len(duck_vectors_[column], row_, value.data(),
                                            value.size());
    held_bytes_ += value.size();
  }

  void PutNull(std::size_t column) override {
    Vector& vector = vectors_[column];
    if (vector.validity == nullptr) {
      duckdb_vector_ensure_validity_writable(duck_vectors_[column]);
      vector.validity = duckdb_vector_get_validity(duck_vectors_[column]);
    }
    constexpr std::size_t kBitsOfWord = 64;
    vector.validity[row_ / kBitsOfWord] &= ~(std::uint64_t{1} << (row_ % kBitsOfWord));
  }

  void HandOver() override {
    duckdb_data_chunk_set_size(chunk_, row_);
    if (duckdb_append_data_chunk(appender_, chunk_) == DuckDBError) failed_ = true;
    duckdb_data_chunk_reset(chunk_);
    TakeVectors();
    row_ = 0;
  }

  static void AssignText(duckdb_vector vector, idx_t row, std::string_view value) {
    const bool ascii = std::all_of(value.begin(), value.end(),
                                   [](char c) { return static_cast<signed char>(c) >= 0; });
    if (ascii) {
      duckdb_vector_assign_string_element_len(vector, row, value.data(), value.size());
    } else {
      const std::string valid = event::MakeUtf8(value);
      duckdb_vector_assign_string_element_len(vector, row, valid.data(), valid.size());
    }
  }

  void TakeVectors() {
    vectors_.clear();
    duck_vectors_.clear();
    for (idx_t i = 0; i < logical_types_.size(); ++i) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, i);
      duck_vectors_.push_back(vector);
      vectors_.push_back({duckdb_vector_get_data(vector), nullptr});
      last_texts_[i].known = false;
    }
  }

  std::string table_;
  duckdb_appender appender_ = nullptr;
  std::vector<duckdb_logical_type> logical_types_;
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<duckdb_vector> duck_vectors_;
  std::vector<LastText> last_texts_;
  bool failed_ = false;
};

class DuckSegmentWriter : public SegmentWriter {
 public:
  explicit DuckSegmentWriter(const Options& options) : options_(options) {}

  Result<> Restart() override {
    writers_.clear();
    partitions_.clear();
    last_partition_ = nullptr;
    connection_.reset();
    ASSIGN_OR_RETURN(std::shared_ptr<Database> database, Database::Open());
    ASSIGN_OR_RETURN(connection_, Connection::Open(std::move(database)));
    if (!spill_) {
      RETURN_IF_ERROR(CreateFoldersInside(options_.layout.root, options_.layout.segments()));
      ASSIGN_OR_RETURN(ScratchFolder made,
                       ScratchFolder::Make(options_.layout.segments(), kSpillPurpose));
      spill_.emplace(std::move(made));
    }
    RETURN_IF_ERROR(connection_->Run(fmt::format("SET temp_directory = {}; {}",
                                                 QuotedPath(spill_->path()), SegmentTablesSql())));
    for (const schema::TableDescription& table : schema::Tables()) {
      writers_.push_back(std::make_unique<DuckTableWriter>(*connection_, table.name));
    }
    return {};
  }

  void NotePartition(std::int64_t host_id, std::string_view host, std::int64_t wall_ns) override {
    const std::int64_t day = wall_ns / kNsPerDay - (wall_ns % kNsPerDay < 0 ? 1 : 0);
    const std::pair key(host_id, day);
    if (last_partition_ == nullptr || last_partition_->first != key) {
      last_partition_ = &*partitions_.try_emplace(key, Partition{.host = std::string(host)}).first;
    }
    ++last_partition_->second.event_count;
  }

  std::uint64_t row_count() const override {
    std::uint64_t count = 0;
    for (const auto& writer : writers_) count += writer->row_count();
    return count;
  }
  std::uint64_t held_bytes() const override {
    std::uint64_t bytes = 0;
    for (const auto& writer : writers_) bytes += writer->held_bytes();
    return bytes;
  }

  const Partitions& partitions() const override { return partitions_; }
  void SetPartitions(Partitions partitions) override {
    partitions_ = std::move(partitions);
    last_partition_ = nullptr;
  }

  Result<std::vector<Segment>> Write(const WriteOptions& options) override {
    write_ = options;
    std::vector<Segment> written;
    auto result = CheckEarlier();
    if (result) result = WriteAll(written);
    if (!result) {
      for (const Segment& segment : written) {
        (void)RemoveInside(options_.layout.root, options_.layout.segments() / segment.file);
      }
      return tl::unexpected<Error>(result.error());
    }
    return written;
  }

 private:
  TableWriter& writer(std::size_t table) override { return *writers_[table]; }

  Result<> WriteAll(std::vector<Segment>& written) {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      const schema::TableDescription& table = schema::Tables()[i];
      const bool goes_on = std::ranges::any_of(
          write_.earlier, [&](const Segment& earlier) { return earlier.table == table.name; });
      if (writers_[i]->row_count() == 0 && !goes_on) continue;
      RETURN_IF_ERROR(writers_[i]->Flush());
      for (const schema::SortOrder& order : table.sort_orders) {
        if (table.split == schema::Split::kHostAndDay) {
          RETURN_IF_ERROR(WritePartitions(table.name, order, written));
        } else {
          RETURN_IF_ERROR(
              WriteOne(fmt::format("FROM {} ORDER BY {}", RowsOf(table.name, order), order.columns),
                       {.table = std::string(order.table)}, written));
        }
      }
    }
    return {};
  }

  Result<> WritePartitions(std::string_view source, const schema::SortOrder& order,
                           std::vector<Segment>& written) {
    std::uint64_t event_count = 0;
    for (const auto& [key, partition] : partitions_) event_count += partition.event_count;
    const std::uint64_t together_max =
        partitions_.size() <= kPartitionsMax ? 0 : event_count / kPartitionsMax;
    for (auto first = partitions_.begin(); first != partitions_.end();) {
      auto last = first;
      std::uint64_t together = first->second.event_count;
      for (auto next = std::next(last);
           next != partitions_.end() && together + next->second.event_count <= together_max;
           ++next) {
        together += next->second.event_count;
        last = next;
      }
      const auto& [first_host_id, first_day] = first->first;
      const auto& [last_host_id, last_day] = last->first;
      Segment segment{.table = std::string(order.table)};
      segment.day = FormatWallTime(first_day * kNsPerDay).substr(0, 10);
      if (first_host_id == last_host_id) segment.host = first->second.host;
      const std::string rows = fmt::format(
          "FROM {} WHERE (host_id > {} OR (host_id = {} AND wall_ns >= {})) "
          "AND (host_id < {} OR (host_id = {} AND wall_ns < {})) ORDER BY {}",
          RowsOf(source, order), first_host_id, first_host_id, first_day * kNsPerDay, last_host_id,
          last_host_id, (last_day + 1) * kNsPerDay, order.columns);
      RETURN_IF_ERROR(WriteOne(rows, std::move(segment), written));
      first = std::next(last);
    }
    return {};
  }

  /// Those in memory and in the earlier segments of this order.
  std::string RowsOf(std::string_view source, const schema::SortOrder& order) const {
    const std::string files = FilesOf(order.table);
    if (files.empty()) return std::string(source);
    return fmt::format("(FROM {} UNION ALL FROM read_parquet([{}]))", source, files);
  }

  std::string FilesOf(std::string_view table) const {
    std::string files;
    for (const Segment& earlier : write_.earlier) {
      if (earlier.table != table) continue;
      files += (files.empty() ? "" : ", ") + QuotedPath(options_.layout.segments() / earlier.file);
    }
    return files;
  }

  /// That the earlier segments are the catalog's, and that it tells the truth of them: somebody
  /// else may have written both.
  Result<> CheckEarlier() {
    std::map<std::string, std::int64_t> row_counts;
    for (const Segment& earlier : write_.earlier) {
      RETURN_IF_ERROR(CheckSegment(options_.layout, earlier, /*hash_all=*/true));
      std::int64_t& count = row_counts[earlier.table];
      count = SaturatingAdd(count, Saturated<std::int64_t>(earlier.row_count));
    }
    for (const auto& row_count : row_counts) {
      const std::string& table = row_count.first;
      const std::string files = FilesOf(table);
      const auto fails = [&](std::string_view what) {
        return Fail(ErrorCode::kCorrupt, "segments of table {}: {}", table, what);
      };
      const auto columns =
          connection_->RunForText(ColumnsOf(fmt::format("read_parquet([{}])", files)));
      if (!columns) return fails(columns.error().message);
      ASSIGN_OR_RETURN(const auto wanted, connection_->RunForText(ColumnsOf(TableOf(table))));
      if (*columns != wanted) return fails("have other columns than it");
      const auto count =
          connection_->RunForInteger(fmt::format("SELECT count(*) FROM read_parquet([{}])", files));
      if (!count) return fails(count.error().message);
      if (*count != row_count.second) return fails("have not as many rows as the catalog says");
    }
    return {};
  }

  static std::string ColumnsOf(std::string_view source) {
    return fmt::format(
        "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE FROM {})",
        source);
  }

  /// The table whose rows segments of this folder hold.
  static std::string_view TableOf(std::string_view folder) {
    for (const schema::TableDescription& table : schema::Tables()) {
      for (const schema::SortOrder& order : table.sort_orders) {
        if (order.table == folder) return table.name;
      }
    }
    return folder;
  }

  /// The rows of `query` as one file: temporary name, fsync, rename.
  Result<> WriteOne(const std::string& query, Segment segment, std::vector<Segment>& written) {
    ASSIGN_OR_RETURN(const std::int64_t count,
                     connection_->RunForInteger("SELECT count(*) " + WithoutOrder(query)));
    if (count == 0) return {};
    segment.row_count = static_cast<std::uint64_t>(count);
    segment.recording_id = options_.recording_id;
    segment.first_entry = write_.first_entry;
    segment.last_entry = write_.last_entry;
    segment.life = write_.life;
    segment.file = FormatSegmentName({.table = segment.table,
                                      .day = segment.day,
                                      .recording_id_begin = options_.recording_id,
                                      .generation = options_.generation,
                                      .number = next_number_++});
    const std::filesystem::path path = options_.layout.segments() / segment.file;
    RETURN_IF_ERROR(CreateFoldersInside(options_.layout.root, path.parent_path()));
    // Made here, so that DuckDB writes into a file that is ours, with the mode that it has.
    const std::filesystem::path temporary = TemporaryPathFor(path);
    ASSIGN_OR_RETURN(const FileDescriptor file,
                     OpenInside(options_.layout.root, temporary, O_WRONLY | O_CREAT | O_EXCL));
    auto copied = connection_->Run(
        fmt::format("COPY ({}) TO {} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, "
                    "ROW_GROUP_SIZE 61440, USE_TMP_FILE false)",
                    query, QuotedPath(temporary)));
    if (copied) copied = MakeDurable(file, temporary, path);
    if (!copied) {
      (void)RemoveInside(options_.layout.root, temporary);
      // It may be the fault of an earlier one, whoever made it so.
      const ErrorCode code = write_.earlier.empty() ? ErrorCode::kIo : ErrorCode::kCorrupt;
      return Fail(code, "segment {}: cannot be written: {}", path.string(), copied.error().message);
    }
    RETURN_IF_ERROR(DescribeFile(options_.layout, segment));
    written.push_back(std::move(segment));
    return {};
  }

  Result<> MakeDurable(const FileDescriptor& file, const std::filesystem::path& temporary,
                       const std::filesystem::path& path) const {
    if (::fsync(file.get()) != 0) return FailErrno(errno, "{}: cannot sync", temporary.string());
    RETURN_IF_ERROR(RenameInside(options_.layout.root, temporary, path));
    return SyncFolderInside(options_.layout.root, path.parent_path());
  }

  static std::string WithoutOrder(const std::string& query) {
    return query.substr(0, query.rfind(" ORDER BY "));
  }

  Options options_;
  std::optional<ScratchFolder> spill_;  ///< what does not fit memory; gone after connection_
  std::unique_ptr<Connection> connection_;
  std::vector<std::unique_ptr<DuckTableWriter>> writers_;
  Partitions partitions_;
  Partitions::value_type* last_partition_ = nullptr;
  std::uint64_t next_number_ = 0;
  WriteOptions write_;  ///< of the Write that goes on
};

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::Open(const Options& options) {
  std::unique_ptr<DuckSegmentWriter> writer = std::make_unique<DuckSegmentWriter>(options);
  RETURN_IF_ERROR(writer->Restart());
  return writer;
}

}  // namespace spoor::store
