// SPDX-License-Identifier: Apache-2.0
// Three kinds of connections, each with places of its own, so that nobody keeps those out who have
// shown more of themselves: handshakes (Doorway), guests, and members, whose certificate is good.
// Requests are parsed here and not by cpp-httplib, which matches ranges with a recursive regular
// expression before anybody is asked, believes either of two lengths, and waits anew after every
// byte (docs/design/0011-http-requests-are-parsed-here.md).
#include "http/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <csignal>

#include "http/doorway.hpp"
#include "http/exchange.hpp"
#include "http/listening.hpp"
#include "http/workers.hpp"

namespace spoor::http {
namespace {

// All places, those of connections that are about to end, and the files that answers are made of.
constexpr rlim_t kDescriptorsMin = 4096;

// OpenSSL writes to connections that the other side closed.
void PrepareProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur =
      std::max(descriptors.rlim_cur, std::min(descriptors.rlim_max, kDescriptorsMin));
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
}

/// What the peer showed in the handshake; null when it showed none.
keys::CertificatePointer VerifiedCertificate(SSL* ssl) {
  if (ssl == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return nullptr;
  return keys::CertificatePointer(SSL_get1_peer_certificate(ssl));
}

/// Connections of one kind that are here.
struct Crowd {
  explicit Crowd(const Server::Kind& wanted)
      : kind(wanted),
        places({.of_all = std::max<std::size_t>(wanted.places.of_all, 1),
                .of_one = std::max<std::size_t>(wanted.places.of_one, 1)}) {
    if (wanted.answers.of_all != 0) answers.emplace(wanted.answers);
  }
  const Server::Kind kind;
  Places places;
  std::optional<Places> answers;
  std::atomic<std::size_t> count = 0;  ///< served, or waiting for a thread
  std::unique_ptr<Workers> workers = std::make_unique<Workers>(kind.threads);
};

/// A connection that is served, from when its handshake is over.
struct Served {
  Served(Doorway::Guest guest, Crowd& its_crowd, const std::atomic<bool>& stopping)
      : crowd(its_crowd),
        connection(std::move(guest.socket), std::move(guest.ssl), its_crowd.kind.limits, stopping) {
    ++crowd.count;
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { --crowd.count; }

  Crowd& crowd;
  Connection connection;
  Exchange::Peer peer{};
  std::unique_ptr<Places::Place> place;  // goes before the connection
};

class BoundedServer final : public Server {
 public:
  BoundedServer(Options options, std::vector<Route> routes, Listening listening)
      : options_(std::move(options)),
        routes_(std::move(routes)),
        rooms_(options_.room),
        listening_(std::move(listening)),
        guests_(options_.guests),
        members_(options_.members),
        doorway_(std::make_unique<Doorway>(
            listening_.socket.get(), options_.context.get(),
            [this](Doorway::Guest guest) { Welcome(std::move(guest)); })) {}
  BoundedServer(const BoundedServer&) = delete;
  BoundedServer& operator=(const BoundedServer&) = delete;
  ~BoundedServer() override { StopThreads(); }

  int port() const override { return listening_.port; }
  void Stop() override { StopThreads(); }

 private:
  // On the doorway's thread.
  void Welcome(Doorway::Guest guest) {
    const int on = 1;
    ::setsockopt(guest.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    keys::CertificatePointer certificate = VerifiedCertificate(guest.ssl.get());
    const std::optional<std::string> name = certificate != nullptr && options_.name_member
                                                ? options_.name_member(certificate.get())
                                                : std::nullopt;
    Crowd& crowd = name ? members_ : guests_;
    std::string address = guest.address;
    // Shared, as std::function must be copyable.
    const auto served = std::make_shared<Served>(std::move(guest), crowd, stopping_);
    served->peer = {
        .address = address, .whose = name.value_or(address), .certificate = std::move(certificate)};
    served->place = crowd.places.Take(served->peer.whose, served->connection.fd());
    if (served->place == nullptr) return;
    crowd.workers->Do([this, served] { Serve(*served); });
  }

  void Serve(Served& served) {
    bool keep = true;
    while (keep && !served.place->cut_off() && served.connection.BeginRequest()) {
      const bool last = served.crowd.count > served.crowd.kind.threads;
      keep = Exchange(served.connection, served.peer,
                      {options_, routes_, rooms_,
                       served.crowd.answers ? &*served.crowd.answers : nullptr},
                      last)
                 .Run();
    }
  }

  void StopThreads() {
    stopping_ = true;
    doorway_.reset();
    guests_.workers.reset();
    members_.workers.reset();
    listening_.socket.Reset();
  }

  const Options options_;
  const Routes routes_;
  RoomForBodies rooms_;
  Listening listening_;
  std::atomic<bool> stopping_ = false;
  Crowd guests_;
  Crowd members_;
  std::unique_ptr<Doorway> doorway_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(Options options, std::vector<Route> routes) {
  PrepareProcess();
  ASSIGN_OR_RETURN(Listening listening, ListenAt(options.address, options.port));
  return std::make_unique<BoundedServer>(std::move(options), std::move(routes),
                                         std::move(listening));
}

void ServeConnection(Connection& connection, const Server::Options& options, const Routes& routes) {
  RoomForBodies rooms(options.room);
  const Exchange::Peer peer{.address = "192.0.2.1", .whose = "192.0.2.1", .certificate = nullptr};
  bool keep = true;
  while (keep && connection.BeginRequest()) {
    keep = Exchange(connection, peer, {options, routes, rooms, nullptr}, false).Run();
  }
}

}  // namespace spoor::http
