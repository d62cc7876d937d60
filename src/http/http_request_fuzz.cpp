// SPDX-License-Identifier: Apache-2.0
// Whatever a client sends, over a socket pair, into a server's reading, parsing and answering.
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "http/request_head.hpp"
#include "http/server.hpp"

namespace {

using namespace spoor;  // NOLINT(google-build-using-namespace)

http::Routes MakeRoutes() {
  const auto echo = [](const http::Request& request) {
    http::Answer answer{.content_type = "text/plain", .body = request.body};
    for (const auto& [name, value] : request.parameters) answer.body += name + "=" + value;
    for (const auto& [name, value] : request.query) answer.body += name + "=" + value;
    return answer;
  };
  const auto stream = [](const http::Request& /*request*/) {
    http::Answer answer{.content_type = "text/plain"};
    answer.stream = [](const http::Sink& sink) { return sink("a") && sink("b"); };
    return answer;
  };
  return http::Routes({{.method = "GET", .pattern = "/v1/{name}/position", .answer = echo},
                       {.method = "POST",
                        .pattern = "/v1/{name}/batches/{sequence}",
                        .answer = echo,
                        .body_bytes_max = 1 << 10},
                       {.method = "GET", .pattern = "/stream", .answer = stream},
                       {.method = "GET", .pattern = "/files/{file...}", .answer = echo}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  static const http::Routes kRoutes = MakeRoutes();
  static const http::Server::Options kOptions{
      .room = {.of_all_bytes = 1 << 20, .of_one_bytes = 1 << 20, .wait = {}}};
  // More would not fit into the socket's buffer beside its answers, of which nobody reads one.
  constexpr std::size_t kBytesMax = 48 << 10;
  const std::string_view input(reinterpret_cast<const char*>(data),
                               std::min(size_bytes, kBytesMax));

  if (const auto parsed = http::ParseRequestHead(input)) {
    SPOOR_CHECK(parsed->request.path.starts_with('/')) << "a path that is none";
    SPOOR_CHECK(parsed->request.headers.size() <= http::kHeadersMax) << "too many headers";
    SPOOR_CHECK(input.ends_with("\r\n\r\n")) << "a head without an end";
    SPOOR_CHECK(!parsed->request.FindHeader("transfer-encoding")) << "a length that is not read";
  }

  int ends[2];
  SPOOR_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0)
      << "no socket pair";
  const FileDescriptor client(ends[0]);
  const int buffer_bytes = 1 << 20;
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
  ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
  static_cast<void>(::send(client.get(), input.data(), input.size(), MSG_NOSIGNAL));
  ::shutdown(client.get(), SHUT_WR);
  static const std::atomic<bool> kStopping = false;
  http::Connection connection(FileDescriptor(ends[1]), nullptr,
                              {.idle = std::chrono::milliseconds(1000),
                               .request = std::chrono::milliseconds(1000),
                               .answer = std::chrono::milliseconds(1)},
                              kStopping);
  http::ServeConnection(connection, kOptions, kRoutes);
  return 0;
}
