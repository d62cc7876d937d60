// SPDX-License-Identifier: Apache-2.0
#include "packets/conversation.hpp"

#include <netinet/in.h>

#include <utility>

#include "packets/client_hello.hpp"
#include "packets/recognise.hpp"

namespace spoor::packets {
namespace {

// What has not been recognised by then will not be.
constexpr std::uint8_t kPacketsMax = 6;
// Longer than any client hello that is one.
constexpr std::size_t kHelloBytesMax = 32 << 10;

}  // namespace

void Conversation::Take(bool from_source, Bytes payload, const Ends& ends, ConversationRoom& room) {
  if (done_) return;
  if (in_hello_ && from_source) {
    TakeHello(payload, room);
    return;
  }
  if (++packet_count_ > kPacketsMax) done_ = !in_hello_;
  if (payload.empty() || !application_.empty()) return;
  application_ = Recognise(ends, from_source, payload);
  if (application_.empty()) return;
  done_ = true;
  if (ends.protocol == IPPROTO_TCP && BeginsWithClientHello(payload)) {
    if (!from_source) return;
    done_ = false;
    in_hello_ = true;
    TakeHello(payload, room);
  }
}

void Conversation::TakeHello(Bytes payload, ConversationRoom& room) {
  Bytes records = payload;
  if (!held_.empty()) {
    if (payload.size() > room.left_bytes || held_.size() + payload.size() > kHelloBytesMax) {
      ++room.not_followed_count;
      payload = {};
    }
    held_.append(reinterpret_cast<const char*>(payload.data()), payload.size());
    room.left_bytes -= payload.size();
    records = Bytes(reinterpret_cast<const std::uint8_t*>(held_.data()), held_.size());
  }
  ClientHello hello;
  const HelloRead read = payload.empty() ? HelloRead::kNone : ReadTlsHello(records, hello);
  if (read == HelloRead::kIncomplete) {
    if (held_.empty()) {
      if (payload.size() > room.left_bytes) {
        ++room.not_followed_count;
        done_ = true;
        return;
      }
      held_.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
      room.left_bytes -= payload.size();
    }
    return;
  }
  if (read == HelloRead::kWhole) {
    client_fingerprint_ = Ja4(hello, 't');
    server_name_ = std::move(hello.server_name);
  }
  done_ = true;
  Drop(room);
}

void Conversation::Drop(ConversationRoom& room) {
  room.left_bytes += held_.size();
  std::string().swap(held_);
}

}  // namespace spoor::packets
