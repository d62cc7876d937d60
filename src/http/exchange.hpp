// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/connection.hpp"
#include "http/room_for_bodies.hpp"
#include "http/route.hpp"
#include "http/server.hpp"

namespace spoor::http {

/// One request and its answer.
class Exchange {
 public:
  /// Whom the connection is with.
  struct Peer {
    std::string address;
    std::string whose;
    keys::CertificatePointer certificate;  ///< null: none
  };
  struct Surroundings {
    const Server::Options& options;
    const Routes& routes;
    RoomForBodies& rooms;
    Places* answers;  ///< null: not bounded beside the connections
  };
  /// All outlive the exchange. `last`: the connection is to be closed after the answer.
  Exchange(Connection& connection, const Peer& peer, const Surroundings& surroundings, bool last)
      : connection_(connection),
        peer_(peer),
        options_(surroundings.options),
        routes_(surroundings.routes),
        rooms_(surroundings.rooms),
        answers_(surroundings.answers),
        closes_(last) {}
  /// Reads a request, whose first byte has come, and answers it. False: the connection is of no
  /// more use.
  bool Run();

 private:
  bool AnswerRequest(Request& request, bool has_length, bool expects_continue);
  bool SendAnswerOf(const Route& route, Request& request);
  bool Send(const Answer& answer);
  bool RefuseForNow(std::string_view why);
  bool SendStream(const Answer& answer, std::string head);
  /// Of a request that is not read whole.
  bool Refuse(const Answer& answer);
  bool Refuse(int status, std::string_view why) { return Refuse(options_.refuse(status, why)); }

  Connection& connection_;
  const Peer& peer_;
  const Server::Options& options_;
  const Routes& routes_;
  RoomForBodies& rooms_;
  Places* const answers_;
  std::unique_ptr<Places::Place> answer_place_;
  bool closes_;
  bool head_only_ = false;
};

}  // namespace spoor::http
