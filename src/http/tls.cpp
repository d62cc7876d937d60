// SPDX-License-Identifier: Apache-2.0
#include "http/tls.hpp"

#include "base/file.hpp"

namespace spoor::http {
namespace {

constexpr std::uint64_t kPemBytesMax = 1 << 20;

ContextPointer MakeContext(const SSL_METHOD* method, int version_min) {
  ContextPointer context(SSL_CTX_new(method));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), version_min) != 1) {
    return nullptr;
  }
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A peer could keep the server busy with signatures, on one connection.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

}  // namespace

Result<ContextPointer> OpenPublicContext(const std::filesystem::path& certificate,
                                         const std::filesystem::path& private_key) {
  for (const std::filesystem::path& path : {certificate, private_key}) {
    RETURN_IF_ERROR(ReadTextFile(path, kPemBytesMax));
  }
  ContextPointer context = MakeContext(TLS_server_method(), TLS1_2_VERSION);
  if (context == nullptr ||
      SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Fail(ErrorCode::kCorrupt, "{} and {}: not a certificate and its private key in PEM",
                certificate.string(), private_key.string());
  }
  return context;
}

Result<ContextPointer> OpenMutualContext(const MutualTls& tls) {
  ContextPointer context = MakeContext(TLS_server_method(), TLS1_3_VERSION);
  bool good = context != nullptr;
  if (good) {
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    good = SSL_CTX_use_certificate(context.get(), tls.certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), tls.private_key) == 1 &&
           SSL_CTX_check_private_key(context.get()) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), tls.root) == 1 &&
           SSL_CTX_add_client_CA(context.get(), tls.root) == 1;
  }
  if (!good) {
    return Fail(ErrorCode::kCorrupt, "key and certificate do not serve TLS: {}",
                keys::OpenSslReason());
  }
  return context;
}

Result<ContextPointer> OpenClientContext(const ClientTls& tls) {
  ContextPointer context =
      MakeContext(TLS_client_method(), tls.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  bool good = context != nullptr;
  if (good && tls.trust == Trust::kSystem) {
    good = SSL_CTX_set_default_verify_paths(context.get()) == 1;
  } else if (good && tls.trust == Trust::kRoot) {
    good = X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), tls.root) == 1;
  }
  if (good && tls.certificate != nullptr) {
    good = SSL_CTX_use_certificate(context.get(), tls.certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), tls.private_key) == 1 &&
           SSL_CTX_check_private_key(context.get()) == 1;
  }
  if (!good) return Fail(ErrorCode::kUnavailable, "no TLS: {}", keys::OpenSslReason());
  SSL_CTX_set_verify(context.get(),
                     tls.trust == Trust::kAnybody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace spoor::http
