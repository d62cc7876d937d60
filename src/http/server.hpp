// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/connection.hpp"
#include "http/message.hpp"
#include "http/places.hpp"
#include "http/room_for_bodies.hpp"
#include "http/route.hpp"
#include "http/tls.hpp"

namespace spoor::http {

/// An HTTP/1.1 server for strangers, plain or TLS. Bounded are: connections, of one peer and of all
/// (Places); the time for a handshake, a head, a body, an answer and between requests (Connection);
/// the sizes of heads (request_head.hpp) and bodies (Route), and what bodies hold in memory
/// (RoomForBodies). Requests that come before the one ahead of them is answered wait in the socket.
/// No chunked or compressed bodies, no ranges.
class Server {
 public:
  /// A kind of connections, with places of its own, so that nobody keeps those out who have shown
  /// more of themselves.
  struct Kind {
    Places::Limits places;
    /// Served at once, on a thread each. Where more are here than that, others wait, and each gets
    /// one answer at a time.
    std::size_t threads = 0;
    Connection::Limits limits{};
    /// Answers that are made and written at a time, where each may hold much memory: so that who
    /// sends half a request, or never reads, keeps nobody from theirs. A further one takes the
    /// place of the oldest of whoever has most. 0: as many as there are connections.
    Places::Limits answers{};
  };
  struct Options {
    std::string address{};
    int port = 0;                      ///< 0: any free one
    ContextPointer context = nullptr;  ///< null: plain HTTP
    Kind guests{};                     ///< everybody, but for members; by address
    Kind members{};                    ///< by name
    /// The name of whom a certificate, verified by TLS, makes a member; nothing: a guest. Called
    /// once for each connection. Null: there are no members.
    std::function<std::optional<std::string>(X509* certificate)> name_member = nullptr;
    RoomForBodies::Limits room{};
    /// Asked for each request before anything else is done with it, its body not read: what it
    /// gives is the answer, after which the connection is closed. Null: all are admitted.
    std::function<std::optional<Answer>(const Request& request)> admit = nullptr;
    /// Spells the server's own refusals.
    std::function<Answer(int status, std::string_view why)> refuse = PlainRefusal;
  };

  virtual ~Server() = default;
  /// Serves on threads of its own until Stop. Fails: kUnavailable (the address).
  static Result<std::unique_ptr<Server>> Start(Options options, std::vector<Route> routes);
  virtual int port() const = 0;
  /// Ends connections within some 200 ms; waits for answers that are being made.
  virtual void Stop() = 0;
};

/// Answers the requests of one connection, as a server does, until it ends. For tests and fuzzing.
void ServeConnection(Connection& connection, const Server::Options& options, const Routes& routes);

}  // namespace spoor::http
