// SPDX-License-Identifier: Apache-2.0
#include "sensor/shipment.hpp"

#include <chrono>
#include <thread>

#include "keys/chain_statement.hpp"

namespace spoor::sensor {
namespace {

// How long a chain's beginning waits for room.
constexpr std::chrono::seconds kRoomMax{10};
constexpr std::chrono::milliseconds kRoomInterval{50};

// Who seals, and in which boot: signed, and bound to every frame through the chain.
Result<Sealer::Introduction> Introduce(const Shipment::Options& options, const wire::Sha256& tag) {
  const keys::IdentityLayout& identity = options.identity;
  ASSIGN_OR_RETURN(const keys::CertificatePointer certificate,
                   keys::LoadCertificate(identity.certificate()));
  ASSIGN_OR_RETURN(const keys::KeyPointer key, keys::LoadPrivateKey(identity.private_key()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  ASSIGN_OR_RETURN(std::string boot_id, ReadTextFile("/proc/sys/kernel/random/boot_id", 4096));
  boot_id.erase(boot_id.find_last_not_of('\n') + 1);
  keys::ChainStatement statement{.sensor = self.name,
                                 .host = options.host,
                                 .boot_id = boot_id,
                                 .chain_id = {},
                                 .first_key_tag = wire::FormatSha256(tag),
                                 .interface = options.interface};
  statement.chain_id = keys::ChainIdOf(statement.sensor, statement.first_key_tag);
  Sealer::Introduction introduction;
  ASSIGN_OR_RETURN(introduction.chain_id, wire::ParseChainId(statement.chain_id));
  ASSIGN_OR_RETURN(introduction.description,
                   keys::SignChainStatement(statement, certificate.get(), key.get()));
  return introduction;
}

}  // namespace

Result<std::unique_ptr<Shipment>> Shipment::Open(Options options) {
  std::vector<std::unique_ptr<CollectorClient>> clients;
  for (const std::string& url : options.collectors) {
    ASSIGN_OR_RETURN(auto client,
                     CollectorClient::Open(url, options.identity, options.before_connect));
    clients.push_back(std::move(client));
  }
  ASSIGN_OR_RETURN(const keys::KeyPointer escrow,
                   keys::LoadPublicKey(options.identity.escrow_public()));
  const auto introduce = [&options](const wire::Sha256& tag) { return Introduce(options, tag); };
  ASSIGN_OR_RETURN(auto spool, Spool::Open(options.spool));
  std::unique_ptr<Shipment> shipment(new Shipment(std::move(spool)));
  shipment->shipper_ =
      std::make_unique<Shipper>(*shipment->spool_, std::move(clients), std::move(options.shipper));
  RETURN_IF_ERROR(shipment->BeginChain(escrow.get(), introduce, options));
  return shipment;
}

Result<> Shipment::BeginChain(EVP_PKEY* escrow_public, const Sealer::Introduce& introduce,
                              const Options& options) {
  const auto append = [this](std::span<const std::byte> frame) { return spool_->Append(frame); };
  const auto give_up = std::chrono::steady_clock::now() + kRoomMax;
  while (true) {
    Result<Sealer> sealer = Sealer::Open(escrow_public, introduce, append, options.wall_clock,
                                         options.canary_interval_ns);
    if (sealer) {
      sealer_.emplace(*std::move(sealer));
      return {};
    }
    // What waits is on its way already, and makes room.
    if (sealer.error().code != ErrorCode::kUnavailable ||
        std::chrono::steady_clock::now() >= give_up) {
      return tl::unexpected<Error>(std::move(sealer).error());
    }
    std::this_thread::sleep_for(kRoomInterval);
  }
}

BatchSink Shipment::Sink() {
  return {.append = [this](const wire::DigestedBytes& batch) { return sealer_->Seal(batch); },
          .flush = [this] { return sync_.Ask(); }};
}

Result<> Shipment::Finish(const std::string& reason, std::chrono::milliseconds at_most) {
  Result<> closed = sealer_->Close(reason);
  static_cast<void>(sync_.Ask());
  if (const Result<> synced = sync_.Finish(); closed && !synced) closed = synced;
  shipper_->Drain(at_most);
  shipper_->Stop();
  return closed;
}

Shipment::Summary Shipment::summary() const {
  return {.dropped = sealer_->dropped(),
          .shipped = shipper_->counts(),
          .left = spool_->level(),
          .cut_bytes = spool_->cut_bytes()};
}

}  // namespace spoor::sensor
