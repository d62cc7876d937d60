// SPDX-License-Identifier: Apache-2.0
// The iterators give records; argv is added here, because another process's memory cannot be read
// from an iterator on every kernel.
#include "sensor/kernel_source_baseline.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>

#include "base/file.hpp"
#include "wire/kernel_event.h"

namespace spoor::sensor {
namespace {

constexpr std::size_t kArgumentsBytesMax = 8192;
constexpr std::size_t kChunkBytesMax = 64 << 10;

// Everything that an iterator writes.
Result<std::vector<std::byte>> RunIterator(const LoadedPrograms& programs, const char* name) {
  if (programs.ProgramFd(name) < 0)
    return Fail(ErrorCode::kUnavailable, "baseline: this kernel refused {}", name);
  BpfLink link(bpf_program__attach_iter(
      bpf_object__find_program_by_name(programs.object.get(), name), nullptr));
  if (!link) return FailErrno(errno, "baseline: cannot attach {}", name);
  const FileDescriptor iterator(bpf_iter_create(bpf_link__fd(link.get())));
  if (!iterator.valid()) return FailErrno(errno, "baseline: cannot run {}", name);
  std::vector<std::byte> bytes;
  std::array<std::byte, kChunkBytesMax> part;
  for (;;) {
    const ssize_t count = read(iterator.get(), part.data(), part.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return FailErrno(errno, "baseline: {} stopped", name);
    if (count == 0) return bytes;
    bytes.insert(bytes.end(), part.begin(), part.begin() + count);
  }
}

// Field 22 of /proc/PID/stat: when the process was started, in clock ticks since boot; 0: unknown.
std::uint64_t StartTicks(std::uint32_t pid) {
  const auto text = ReadTextFile(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return 0;
  std::size_t at = text->rfind(')');  // the name before it may hold anything
  for (int field = 2; field < 22 && at != std::string::npos; field++) at = text->find(' ', at + 1);
  if (at == std::string::npos) return 0;
  std::uint64_t ticks = 0;
  std::from_chars(text->data() + at + 1, text->data() + text->size(), ticks);
  return ticks;
}

// argv of the process that `header` is about, or nothing if its pid is another's by now.
std::string ReadArguments(const record_header& header) {
  const FileDescriptor file(
      open(fmt::format("/proc/{}/cmdline", header.pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return {};
  std::string arguments(kArgumentsBytesMax + 1, '\0');
  const ssize_t count = read(file.get(), arguments.data(), arguments.size());
  const std::uint64_t ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  const std::uint64_t ticks = header.process_start_boot_ns / (1000000000 / ticks_per_second);
  if (count <= 0 || StartTicks(header.pid) != ticks) return {};
  arguments.resize(static_cast<std::size_t>(count));
  return arguments;
}

// Appends one process_record with its argv behind the tails that the kernel half wrote.
void AppendProcess(std::span<const std::byte> bytes, std::vector<std::byte>& records) {
  process_record record{};
  std::memcpy(&record, bytes.data(), sizeof(record));
  std::string arguments = ReadArguments(record.header);
  record.arguments.offset_bytes = static_cast<std::uint16_t>(bytes.size());
  record.arguments.status = arguments.size() > kArgumentsBytesMax ? TAIL_TRUNCATED
                            : arguments.empty()                   ? TAIL_NONE
                                                                  : TAIL_WHOLE;
  arguments.resize(std::min(arguments.size(), kArgumentsBytesMax));
  record.arguments.length_bytes = static_cast<std::uint16_t>(arguments.size());
  arguments.resize((arguments.size() + 7) / 8 * 8);
  record.header.size_bytes = static_cast<std::uint16_t>(bytes.size() + arguments.size());
  const auto body = std::as_bytes(std::span(&record, 1));
  records.insert(records.end(), body.begin(), body.end());
  records.insert(records.end(), bytes.begin() + sizeof(record), bytes.end());
  const auto tail = AsBytes(arguments);
  records.insert(records.end(), tail.begin(), tail.end());
}

// Cuts `records` into chunks; their sequence is their own and has no gaps.
class ChunkMaker {
 public:
  explicit ChunkMaker(std::vector<std::byte>& chunks) : chunks_(chunks) {}

  void Add(std::span<const std::byte> record) {
    if (!open_.empty() && open_.size() + record.size() > kChunkBytesMax) Close();
    open_.insert(open_.end(), record.begin(), record.end());
    count_++;
  }

  void Close() {
    if (open_.empty()) return;
    const chunk_header header{.first_sequence = sequence_,
                              .cpu = CHUNK_CPU_BASELINE,
                              .size_bytes = static_cast<std::uint32_t>(open_.size()),
                              .count = count_,
                              .pad = 0};
    const auto head = std::as_bytes(std::span(&header, 1));
    chunks_.insert(chunks_.end(), head.begin(), head.end());
    chunks_.insert(chunks_.end(), open_.begin(), open_.end());
    sequence_ += count_;
    count_ = 0;
    open_.clear();
  }

 private:
  std::vector<std::byte>& chunks_;
  std::vector<std::byte> open_;
  std::uint64_t sequence_ = 0;
  std::uint32_t count_ = 0;
};

Result<> AddRecords(std::span<const std::byte> bytes, ChunkMaker& maker) {
  std::vector<std::byte> completed;
  for (std::size_t at = 0; at < bytes.size();) {
    record_header header{};
    if (bytes.size() - at < sizeof(header))
      return Fail(ErrorCode::kIo, "baseline: an iterator ended within a record");
    std::memcpy(&header, bytes.data() + at, sizeof(header));
    if (header.size_bytes < sizeof(header) || header.size_bytes > bytes.size() - at)
      return Fail(ErrorCode::kIo, "baseline: a record of {} bytes", header.size_bytes);
    const std::span<const std::byte> record = bytes.subspan(at, header.size_bytes);
    at += header.size_bytes;
    if (header.kind == RECORD_PROCESS) {
      completed.clear();
      AppendProcess(record, completed);
      maker.Add(completed);
    } else {
      maker.Add(record);
    }
  }
  return {};
}

}  // namespace

Result<> ReadBaseline(const LoadedPrograms& programs, std::vector<std::byte>& chunks) {
  ChunkMaker maker(chunks);
  for (const char* iterator : {"on_baseline_process", "on_baseline_descriptor"}) {
    ASSIGN_OR_RETURN(const std::vector<std::byte> records, RunIterator(programs, iterator));
    RETURN_IF_ERROR(AddRecords(records, maker));
  }
  maker.Close();
  return {};
}

}  // namespace spoor::sensor
