// SPDX-License-Identifier: Apache-2.0
// The layout is the kernel's (kernel/bpf/ringbuf.c): a page with the consumer's position, one with
// the producer's, and the data. An entry is a header of 8 bytes, whose first four are its length
// and two flags, and the bytes, padded to a multiple of 8.
#include "sensor/ring_reader.hpp"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace spoor::sensor {
namespace {

template <typename T>
T LoadShared(const T* place) {
  return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

}  // namespace

struct RingReader::Mappings {
  void* consumer = MAP_FAILED;
  void* producer = MAP_FAILED;
  std::size_t page_bytes = 0;
  std::size_t producer_bytes = 0;

  Mappings() = default;
  Mappings(const Mappings&) = delete;
  Mappings& operator=(const Mappings&) = delete;
  ~Mappings() {
    if (consumer != MAP_FAILED) munmap(consumer, page_bytes);
    if (producer != MAP_FAILED) munmap(producer, producer_bytes);
  }
};

RingReader::RingReader(const Memory& memory)
    : memory_(memory),
      size_bytes_(memory.data_twice.size() / 2),
      position_(LoadShared(memory.consumer_position)) {
  SPOOR_CHECK(size_bytes_ != 0 && (size_bytes_ & (size_bytes_ - 1)) == 0) << size_bytes_;
}

RingReader::~RingReader() = default;

Result<std::unique_ptr<RingReader>> RingReader::Map(int map_fd, std::size_t size_bytes) {
  auto mappings = std::make_unique<Mappings>();
  mappings->page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  mappings->producer_bytes = mappings->page_bytes + 2 * size_bytes;
  mappings->consumer =
      mmap(nullptr, mappings->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  mappings->producer = mmap(nullptr, mappings->producer_bytes, PROT_READ, MAP_SHARED, map_fd,
                            static_cast<off_t>(mappings->page_bytes));
  if (mappings->consumer == MAP_FAILED || mappings->producer == MAP_FAILED)
    return FailErrno(errno, "kernel half: cannot map the ring");
  const auto* data = static_cast<const std::byte*>(mappings->producer) + mappings->page_bytes;
  auto reader = std::make_unique<RingReader>(
      Memory{.consumer_position = static_cast<std::uint64_t*>(mappings->consumer),
             .producer_position = static_cast<const std::uint64_t*>(mappings->producer),
             .data_twice = {data, 2 * size_bytes}});
  reader->mappings_ = std::move(mappings);
  return reader;
}

void RingReader::Release() const {
  __atomic_store_n(memory_.consumer_position, position_, __ATOMIC_RELEASE);
}

void RingReader::Read(const Take& take) {
  if (LoadShared(memory_.consumer_position) != position_) {
    ++interference_count_;
    Release();
  }
  for (bool more = true; more;) {
    const std::uint64_t producer = LoadShared(memory_.producer_position);
    if (producer == position_) return;
    const std::byte* at = memory_.data_twice.data() + (position_ & (size_bytes_ - 1));
    const std::uint32_t header = LoadShared(reinterpret_cast<const std::uint32_t*>(at));
    const std::uint64_t length_bytes = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    const std::uint64_t entry_bytes = (length_bytes + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
    const std::uint64_t unread_bytes = producer - position_;
    const bool overwritten = unread_bytes > size_bytes_;
    if (!overwritten && (header & BPF_RINGBUF_BUSY_BIT) != 0) return;
    if (overwritten || entry_bytes > unread_bytes) {
      // What lies there is no longer what was put there: on from where the kernel writes next.
      ++interference_count_;
      position_ = producer;
      Release();
      return;
    }
    if ((header & BPF_RINGBUF_DISCARD_BIT) == 0)
      more = take({at + BPF_RINGBUF_HDR_SZ, length_bytes});
    position_ += entry_bytes;
    Release();
  }
}

}  // namespace spoor::sensor
