// SPDX-License-Identifier: Apache-2.0
#include "capture/live_source.hpp"

#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <optional>

namespace spoor::capture {
namespace {

constexpr int kPacketsAtOnce = 4096;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct CloseHandle {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, CloseHandle>;

/// What files call the link type, which is what libpcap calls it, but for raw IP.
std::uint16_t LinkTypeOf(int data_link) {
  constexpr int kDataLinkRaw = 12;
  constexpr std::uint16_t kLinkTypeRaw = 101;
  return data_link == kDataLinkRaw ? kLinkTypeRaw : static_cast<std::uint16_t>(data_link);
}

/// Counters of libpcap have 32 bits and begin again.
class WideCounter {
 public:
  void Take(std::uint32_t reading) {
    count_ += static_cast<std::uint32_t>(reading - last_);
    last_ = reading;
  }
  std::uint64_t count() const { return count_; }

 private:
  std::uint32_t last_ = 0;
  std::uint64_t count_ = 0;
};

class PcapSource final : public LiveSource {
 public:
  PcapSource(Handle handle, std::string interface)
      : handle_(std::move(handle)),
        interface_(std::move(interface)),
        link_type_(LinkTypeOf(pcap_datalink(handle_.get()))),
        ns_per_tick_(pcap_get_tstamp_precision(handle_.get()) == PCAP_TSTAMP_PRECISION_NANO ? 1
                                                                                            : 1000),
        fd_(pcap_get_selectable_fd(handle_.get())) {}

  std::uint16_t link_type() const override { return link_type_; }
  int fd() const override { return fd_; }

  Result<std::size_t> Read(const Visit& visit) override {
    Call call{*this, visit};
    const int got =
        pcap_dispatch(handle_.get(), kPacketsAtOnce, Take, reinterpret_cast<unsigned char*>(&call));
    if (got >= 0) return static_cast<std::size_t>(got);
    return Fail(ErrorCode::kUnavailable, "{}: {}", interface_, pcap_geterr(handle_.get()));
  }

  Result<Counts> ReadCounts() override {
    pcap_stat now{};
    if (pcap_stats(handle_.get(), &now) != 0) {
      return Fail(ErrorCode::kUnavailable, "{}: {}", interface_, pcap_geterr(handle_.get()));
    }
    received_.Take(now.ps_recv);
    dropped_.Take(now.ps_drop);
    missed_.Take(now.ps_ifdrop);
    return Counts{received_.count(), dropped_.count(), missed_.count()};
  }

 private:
  struct Call {
    PcapSource& source;
    const Visit& visit;
  };
  static void Take(unsigned char* user, const pcap_pkthdr* header, const unsigned char* data) {
    const Call& call = *reinterpret_cast<Call*>(user);
    call.visit({.link_type = call.source.link_type_,
                .wall_ns = std::int64_t{header->ts.tv_sec} * kNsPerSecond +
                           std::int64_t{header->ts.tv_usec} * call.source.ns_per_tick_,
                .wire_bytes = std::max(header->len, header->caplen),
                .offset = 0,
                .data = {data, header->caplen}});
  }

  const Handle handle_;
  const std::string interface_;
  const std::uint16_t link_type_;
  const std::int64_t ns_per_tick_;
  const int fd_;
  WideCounter received_, dropped_, missed_;
};

Result<> SetFilter(pcap_t* handle, const LiveOptions& options) {
  if (options.filter.empty()) return {};
  bpf_program program{};
  if (pcap_compile(handle, &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Fail(ErrorCode::kInvalidArgument, "filter '{}': {}", options.filter,
                pcap_geterr(handle));
  }
  const int set = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  if (set == 0) return {};
  return Fail(ErrorCode::kUnavailable, "{}: {}", options.interface, pcap_geterr(handle));
}

/// Of the loopback each packet is seen twice, going out and coming in; libpcap leaves out the
/// first, but only after it took room, and was counted where there was none.
void IgnoreOutgoingOnLoopback(int socket, const std::string& interface) {
  constexpr int kIgnoreOutgoing = 23;  // PACKET_IGNORE_OUTGOING, Linux 4.20
  ifreq request{};
  interface.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return;
  if ((static_cast<unsigned>(request.ifr_flags) & IFF_LOOPBACK) == 0) return;
  const int on = 1;
  ::setsockopt(socket, SOL_PACKET, kIgnoreOutgoing, &on, sizeof(on));
}

}  // namespace

Result<std::unique_ptr<LiveSource>> LiveSource::Open(const LiveOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const auto fail = [&](ErrorCode code, const char* text) {
    return Fail(code, "{}: packets cannot be captured: {}", options.interface, text);
  };
  Handle handle(pcap_create(options.interface.c_str(), why.data()));
  if (handle == nullptr) return fail(ErrorCode::kUnavailable, why.data());
  constexpr std::size_t kBufferBytesMax = 1 << 30;
  pcap_set_snaplen(handle.get(), static_cast<int>(options.snapshot_bytes));
  pcap_set_promisc(handle.get(), 1);
  pcap_set_timeout(handle.get(), kWaitMs);
  pcap_set_buffer_size(handle.get(),
                       static_cast<int>(std::min(options.buffer_bytes, kBufferBytesMax)));
  pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO);
  const int activated = pcap_activate(handle.get());
  if (activated == PCAP_ERROR_NO_SUCH_DEVICE) {
    return fail(ErrorCode::kNotFound, "there is no such interface");
  }
  // Above zero are warnings: an interface may have no promiscuous mode.
  if (activated < 0) {
    const std::string text = pcap_geterr(handle.get());
    return fail(ErrorCode::kUnavailable, text.empty() ? pcap_statustostr(activated) : text.c_str());
  }
  IgnoreOutgoingOnLoopback(pcap_fileno(handle.get()), options.interface);
  RETURN_IF_ERROR(SetFilter(handle.get(), options));
  if (pcap_setnonblock(handle.get(), 1, why.data()) != 0) {
    return fail(ErrorCode::kUnavailable, why.data());
  }
  return std::make_unique<PcapSource>(std::move(handle), options.interface);
}

}  // namespace spoor::capture
