// SPDX-License-Identifier: Apache-2.0
// Whoever reaches the port gets this far and no further without a certificate. So nothing here
// waits for one connection, and each costs little: a socket until it says something, then TLS's
// state.
#include "http/doorway.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

namespace spoor::http {
namespace {

constexpr std::chrono::seconds kHandshakeMax{10};
constexpr std::size_t kHandshakesMax = 256;
// At once, before those under way go on: fewer than there are places, so that there is one for
// each.
constexpr int kAcceptsMax = 128;
// Handshakes that go on before others are accepted, whose turn would come too late for the kernel's
// queue: the signatures of these take it some ten milliseconds.
constexpr int kShakesMax = 64;
// How soon the end is noticed.
constexpr std::chrono::milliseconds kWaitStep{200};
// Without file descriptors or memory for another connection: until some are given back.
constexpr std::chrono::milliseconds kShortage{10};

std::string AddressOf(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    return ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  if (peer.ss_family != AF_INET6) return {};
  in6_addr address = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return ::inet_ntop(AF_INET, address.s6_addr + 12, text.data(), text.size());
  }
  std::memset(address.s6_addr + 8, 0, 8);
  return ::inet_ntop(AF_INET6, &address, text.data(), text.size());
}

}  // namespace

Doorway::Doorway(int listening, SSL_CTX* context, std::function<void(Guest)> pass)
    : listening_(listening),
      context_(context),
      pass_(std::move(pass)),
      places_({.of_all = kHandshakesMax, .of_one = kHandshakesMax}),
      thread_([this] { Run(); }) {}

Doorway::~Doorway() {
  stopping_ = true;
  thread_.join();
}

void Doorway::Run() {
  std::vector<pollfd> watched;
  while (!stopping_) {
    watched.assign(1, {.fd = listening_, .events = POLLIN, .revents = 0});
    for (const Arrival& arrival : arrivals_) {
      watched.push_back(
          {.fd = arrival.guest.socket.get(), .events = arrival.awaited, .revents = 0});
    }
    if (::poll(watched.data(), watched.size(), static_cast<int>(kWaitStep.count())) < 0) continue;
    const Clock::time_point now = Clock::now();
    int shake_count = 0;
    auto turn = watched.begin() + 1;
    std::list<Arrival> had_their_turn;
    for (auto arrival = arrivals_.begin(); arrival != arrivals_.end(); ++turn) {
      Step step = Step::kUnderWay;
      bool shaken = false;
      if (arrival->place->cut_off() || now >= arrival->deadline) {
        step = Step::kFailed;
      } else if (turn->revents != 0 && shake_count < kShakesMax) {
        ++shake_count;
        step = Shake(*arrival);
        shaken = true;
      }
      if (step == Step::kOver) {
        arrival->place.reset();
        pass_(std::move(arrival->guest));
      }
      const auto next = std::next(arrival);
      if (step != Step::kUnderWay) {
        arrivals_.erase(arrival);
      } else if (shaken) {
        had_their_turn.splice(had_their_turn.end(), arrivals_, arrival);
      }
      arrival = next;
    }
    // Who drips bytes comes behind those that wait.
    arrivals_.splice(arrivals_.end(), had_their_turn);
    if (watched.front().revents != 0) Accept();
  }
}

void Doorway::Accept() {
  for (int i = 0; i < kAcceptsMax; ++i) {
    sockaddr_storage peer{};
    socklen_t peer_bytes = sizeof(peer);
    FileDescriptor socket(::accept4(listening_, reinterpret_cast<sockaddr*>(&peer), &peer_bytes,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) {
      const bool short_of =
          errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (short_of) std::this_thread::sleep_for(kShortage);
      return;
    }
    std::string address = AddressOf(peer);
    if (context_ == nullptr) {
      pass_({std::move(socket), nullptr, std::move(address)});
      continue;
    }
    std::unique_ptr<Places::Place> place = places_.Take(address, socket.get());
    if (place == nullptr) continue;
    arrivals_.push_back({.guest = {std::move(socket), nullptr, std::move(address)},
                         .place = std::move(place),
                         .deadline = Clock::now() + kHandshakeMax});
  }
}

Doorway::Step Doorway::Shake(Arrival& arrival) {
  SslPointer& ssl = arrival.guest.ssl;
  if (ssl == nullptr) {
    ssl.reset(SSL_new(context_));
    if (ssl == nullptr || SSL_set_fd(ssl.get(), arrival.guest.socket.get()) != 1) {
      return Step::kFailed;
    }
  }
  ERR_clear_error();
  const int done = SSL_accept(ssl.get());
  if (done == 1) return Step::kOver;
  switch (SSL_get_error(ssl.get(), done)) {
    case SSL_ERROR_WANT_READ:
      arrival.awaited = POLLIN;
      return Step::kUnderWay;
    case SSL_ERROR_WANT_WRITE:
      arrival.awaited = POLLOUT;
      return Step::kUnderWay;
    default:
      return Step::kFailed;
  }
}

}  // namespace spoor::http
