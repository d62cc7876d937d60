// SPDX-License-Identifier: Apache-2.0
#include "sensor/shipment.hpp"

#include "keys/chain_statement.hpp"

namespace spoor::sensor {
namespace {

// Who seals, and in which boot: signed, and bound to every frame through the chain.
Result<std::string> DescribeChain(const keys::IdentityLayout& identity, const std::string& host,
                                  const wire::ChainId& chain_id, const wire::Sha256& tag) {
  ASSIGN_OR_RETURN(const keys::CertificatePointer certificate,
                   keys::LoadCertificate(identity.certificate()));
  ASSIGN_OR_RETURN(const keys::KeyPointer key, keys::LoadPrivateKey(identity.private_key()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  ASSIGN_OR_RETURN(std::string boot_id, ReadTextFile("/proc/sys/kernel/random/boot_id", 4096));
  boot_id.erase(boot_id.find_last_not_of('\n') + 1);
  return keys::SignChainStatement({.sensor = self.name,
                                   .host = host,
                                   .boot_id = boot_id,
                                   .chain_id = wire::FormatChainId(chain_id),
                                   .first_key_tag = wire::FormatSha256(tag)},
                                  certificate.get(), key.get());
}

}  // namespace

Result<std::unique_ptr<Shipment>> Shipment::Open(Options options) {
  std::vector<std::unique_ptr<CollectorClient>> clients;
  for (const std::string& url : options.collectors) {
    ASSIGN_OR_RETURN(auto client, CollectorClient::Open(url, options.identity));
    clients.push_back(std::move(client));
  }
  ASSIGN_OR_RETURN(const keys::KeyPointer escrow,
                   keys::LoadPublicKey(options.identity.escrow_public()));
  const auto describe = [&options](const wire::ChainId& chain_id, const wire::Sha256& tag) {
    return DescribeChain(options.identity, options.host, chain_id, tag);
  };
  ASSIGN_OR_RETURN(auto spool, Spool::Open(options.spool));
  ASSIGN_OR_RETURN(
      Sealer sealer,
      Sealer::Open(escrow.get(), describe, [bare = spool.get()](std::span<const std::byte> frame) {
        return bare->Append(frame);
      }));
  std::unique_ptr<Shipment> shipment(new Shipment(std::move(spool), std::move(sealer)));
  shipment->shipper_ =
      std::make_unique<Shipper>(*shipment->spool_, std::move(clients), std::move(options.shipper));
  return shipment;
}

BatchSink Shipment::Sink() {
  return {.append = [this](std::span<const std::byte> batch) { return sealer_.Seal(batch); },
          .flush = [this] { return spool_->Sync(); }};
}

Result<> Shipment::Finish(const std::string& reason, std::chrono::milliseconds at_most) {
  Result<> closed = sealer_.Close(reason);
  if (const Result<> synced = spool_->Sync(); closed && !synced) closed = synced;
  shipper_->Drain(at_most);
  shipper_->Stop();
  return closed;
}

Shipment::Summary Shipment::summary() const {
  return {.dropped = sealer_.dropped(),
          .shipped = shipper_->counts(),
          .left = spool_->level(),
          .cut_bytes = spool_->cut_bytes()};
}

}  // namespace spoor::sensor
