// SPDX-License-Identifier: Apache-2.0
#include "packets/capture_writer.hpp"

#include <algorithm>
#include <bit>

namespace spoor::packets {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are written as numbers lie");

template <typename Number>
void Add(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

void Pad(std::string& out) {
  out.resize((out.size() + 3) / 4 * 4);
}

void AddOption(std::string& out, std::uint16_t code, std::string_view value) {
  Add(out, code);
  Add(out, static_cast<std::uint16_t>(value.size()));
  out += value;
  Pad(out);
}

void AddBlock(std::string& out, std::uint32_t type, const std::string& body) {
  const auto size = static_cast<std::uint32_t>(body.size() + 12);
  Add(out, type);
  Add(out, size);
  out += body;
  Add(out, size);
}

/// The longest beginning that ends with a whole character.
std::string_view Cut(std::string_view text) {
  if (text.size() <= CaptureWriter::kCommentBytesMax) return text;
  std::size_t size = CaptureWriter::kCommentBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

std::string SectionBody() {
  std::string body;
  Add(body, std::uint32_t{0x1a2b3c4d});
  Add(body, std::uint16_t{1});
  Add(body, std::uint16_t{0});
  Add(body, std::int64_t{-1});  // how long the section is, is not told
  return body;
}

std::string InterfaceBody(const CaptureInterface& interface) {
  std::string body;
  Add(body, interface.link_type);
  Add(body, std::uint16_t{0});
  Add(body, interface.snapshot_bytes);
  if (!interface.name.empty()) AddOption(body, 2, Cut(interface.name));
  AddOption(body, 9, "\x09");  // if_tsresol: ns
  // if_filter: 0, as libpcap reads it
  if (!interface.filter.empty())
    AddOption(body, 11, std::string(1, '\0').append(Cut(interface.filter)));
  AddOption(body, 0, "");
  return body;
}

// The format has no time before 1970.
void AddTime(std::string& out, std::int64_t wall_ns) {
  const auto ticks = static_cast<std::uint64_t>(std::max(wall_ns, std::int64_t{0}));
  Add(out, static_cast<std::uint32_t>(ticks >> 32));
  Add(out, static_cast<std::uint32_t>(ticks));
}

void AddCount(std::string& out, std::uint16_t code, std::uint64_t count) {
  AddOption(out, code, {reinterpret_cast<const char*>(&count), sizeof(count)});
}

}  // namespace

void CaptureWriter::Describe(const CaptureInterface& interface, std::string& out) {
  if (interfaces_.empty()) AddBlock(out, 0x0a0d0d0a, SectionBody());
  const auto [known, made] =
      interfaces_.try_emplace(interface.link_type, static_cast<std::uint32_t>(interfaces_.size()));
  if (made) AddBlock(out, 1, InterfaceBody(interface));
}

void CaptureWriter::AppendStatistics(std::uint16_t link_type, const CaptureStatistics& statistics,
                                     std::string& out) {
  Describe({.link_type = link_type}, out);
  std::string body;
  Add(body, interfaces_.at(link_type));
  AddTime(body, statistics.wall_ns);
  AddCount(body, 4, statistics.received_count);  // isb_ifrecv
  AddCount(body, 5, statistics.missed_count);    // isb_ifdrop
  AddCount(body, 7, statistics.dropped_count);   // isb_osdrop
  AddOption(body, 0, "");
  AddBlock(out, 5, body);
}

void CaptureWriter::Append(const CapturedPacket& packet, std::string_view comment,
                           std::string& out) {
  Describe({.link_type = packet.link_type}, out);
  std::string body;
  Add(body, interfaces_.at(packet.link_type));
  AddTime(body, packet.wall_ns);
  Add(body, static_cast<std::uint32_t>(packet.data.size()));
  Add(body, packet.wire_bytes);
  body.append(reinterpret_cast<const char*>(packet.data.data()), packet.data.size());
  Pad(body);
  if (!comment.empty()) {
    AddOption(body, 1, Cut(comment));
    AddOption(body, 0, "");
  }
  AddBlock(out, 6, body);
}

}  // namespace spoor::packets
