// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/file.hpp"
#include "witness/http_server.hpp"
#include "witness/http_stream.hpp"

namespace spoor::witness {
namespace {

using httplib::Request;
using httplib::Response;
using Handled = httplib::Server::HandlerResponse;
using ContextPointer = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

constexpr std::size_t kHeadBytesMax = 16 << 10;
constexpr int kRequestsPerConnectionMax = 1000;

/// Set by the answer to a request whose body is left unread, so nothing else can follow on its
/// connection; httplib keeps one on one thread and tells a route no more than the request.
thread_local bool close_connection = false;

/// httplib's server over HttpStream.
class BoundedServer final : public httplib::Server {
 public:
  BoundedServer(ContextPointer context, const HttpStream::Limits& limits)
      : context_(std::move(context)), limits_(limits) {}
  void StopWaiting() { stopping_ = true; }

 private:
  bool process_and_close_socket(socket_t socket) override {
    bool good = true;
    {
      HttpStream stream(socket, context_.get(), limits_, stopping_);
      good = stream.Greet();
      bool closed = false;
      close_connection = false;
      for (int count = 1; good && !closed && !close_connection && stream.BeginRequest(); ++count) {
        good = process_request(stream, count == kRequestsPerConnectionMax, closed, nullptr);
        good = good && !stream.spent();
      }
    }
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return good;
  }

  const ContextPointer context_;
  const HttpStream::Limits limits_;
  std::atomic<bool> stopping_ = false;
};

void Give(Response& response, HttpAnswer answer) {
  response.status = answer.status;
  if (!answer.cache_control.empty()) response.set_header("Cache-Control", answer.cache_control);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Accept-Ranges", "none");
  response.set_header("Content-Type", answer.content_type);
  // Moved, as set_content would copy it, and a slow reader holds it for long.
  response.body = std::move(answer.body);
}

void Refuse(Response& response, int status, const char* why) {
  Give(response, {.status = status,
                  .content_type = "text/plain; charset=utf-8",
                  .body = std::string(why) + "\n",
                  .cache_control = "no-store"});
}

Result<ContextPointer> OpenContext(const HttpServer::Options& options) {
  ContextPointer context(nullptr, &SSL_CTX_free);
  if (options.certificate.empty()) return context;
  for (const std::filesystem::path& path : {options.certificate, options.private_key}) {
    RETURN_IF_ERROR(ReadTextFile(path, 1 << 20));
  }
  context.reset(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(), options.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), options.private_key.c_str(), SSL_FILETYPE_PEM) !=
          1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Fail(ErrorCode::kCorrupt, "{} and {}: not a certificate and its private key in PEM",
                options.certificate.string(), options.private_key.string());
  }
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

class PlainOrTlsServer final : public HttpServer {
 public:
  PlainOrTlsServer(Options options, Routes routes, ContextPointer context)
      : options_(std::move(options)),
        routes_(std::move(routes)),
        server_(std::move(context), {.request_bytes = kHeadBytesMax + options_.body_bytes_max}) {}
  PlainOrTlsServer(const PlainOrTlsServer&) = delete;
  PlainOrTlsServer& operator=(const PlainOrTlsServer&) = delete;
  ~PlainOrTlsServer() override { StopThread(); }

  Result<> Listen() {
    server_.new_task_queue = [this] { return new httplib::ThreadPool(options_.connections_max); };
    server_.set_payload_max_length(options_.body_bytes_max);
    server_.set_tcp_nodelay(true);
    server_.set_pre_routing_handler(
        [this](const Request& request, Response& response) { return Route(request, response); });
    if (!routes_.post_path.empty()) {
      server_.Post(routes_.post_path, [this](const Request& request, Response& response) {
        Give(response, routes_.post(request.body));
      });
    }
    port_ = options_.port == 0 ? server_.bind_to_any_port(options_.address)
            : server_.bind_to_port(options_.address, options_.port) ? options_.port
                                                                    : -1;
    if (port_ < 0) {
      return Fail(ErrorCode::kUnavailable, "{}:{}: cannot listen there: {}", options_.address,
                  options_.port, ErrnoText(errno));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }

  int port() const override { return port_; }
  void Stop() override { StopThread(); }

 private:
  /// Answers all but the POST, whose body has not come yet: that only gets leave to come.
  Handled Route(const Request& request, Response& response) {
    if (request.method == "GET" || request.method == "HEAD") {
      close_connection =
          request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
      if (request.has_header("Range")) {
        Refuse(response, 416, "ranges are not served");
      } else {
        Give(response, routes_.get(request.path));
      }
      return Handled::Handled;
    }
    const bool known = request.method == "POST" && !routes_.post_path.empty();
    if (!known || request.path != routes_.post_path) {
      Refuse(response, known ? 404 : 405, known ? "no such thing here" : "not that method");
    } else if (!request.has_header("Content-Length") || request.has_header("Transfer-Encoding")) {
      Refuse(response, 411, "the body's length must be said before");
    } else if (request.has_header("Content-Encoding") || request.is_multipart_form_data()) {
      Refuse(response, 415, "the body must be plain");
    } else {
      return Handled::Unhandled;
    }
    close_connection = true;
    return Handled::Handled;
  }

  void StopThread() {
    server_.StopWaiting();
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  const Options options_;
  const Routes routes_;
  BoundedServer server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options, Routes routes) {
  // OpenSSL writes to a connection that the other side closed.
  std::signal(SIGPIPE, SIG_IGN);
  ASSIGN_OR_RETURN(ContextPointer context, OpenContext(options));
  try {
    auto server =
        std::make_unique<PlainOrTlsServer>(options, std::move(routes), std::move(context));
    RETURN_IF_ERROR(server->Listen());
    return server;
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: {}", options.address, options.port,
                exception.what());
  }
}

}  // namespace spoor::witness
