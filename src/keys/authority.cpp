// SPDX-License-Identifier: Apache-2.0
// Folder: ca.key, ca.crt, ca.crl, escrow.key, escrow.pub, register.json, tokens/, lock, and the
// folders of the collectors it made (collectors/NAME), whose revocation lists it keeps current.
#include "keys/authority.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/time.hpp"

namespace spoor::keys {
namespace {

constexpr std::int64_t kRootLifetimeDays = 3650;
constexpr std::uint64_t kRegisterBytesMax = 64 << 20;

std::filesystem::path RootKey(const std::filesystem::path& folder) {
  return folder / "ca.key";
}
std::filesystem::path Register(const std::filesystem::path& folder) {
  return folder / "register.json";
}
std::filesystem::path Collectors(const std::filesystem::path& folder) {
  return folder / "collectors";
}

Result<FileLock> Lock(const std::filesystem::path& folder) {
  return FileLock::Acquire(folder / "lock", FileLock::Mode::kWait);
}

Result<> CreatePrivateFolder(const std::filesystem::path& folder) {
  RETURN_IF_ERROR(CreateFolders(folder));
  if (::chmod(folder.c_str(), 0700) != 0) {
    return FailErrno(errno, "{}: cannot set its mode", folder.string());
  }
  return {};
}

Result<> CopyFile(const std::filesystem::path& from, const std::filesystem::path& to,
                  unsigned mode) {
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(from, kRegisterBytesMax));
  return WriteFileAtomically(to, bytes, mode);
}

Result<Role> RoleOf(std::string_view text) {
  for (const Role role : {Role::kCollector, Role::kSensor, Role::kAnalyst}) {
    if (RoleName(role) == text) return role;
  }
  return Fail(ErrorCode::kCorrupt, "unknown role \"{}\"", text);
}

Result<Issued> ParseIssued(const nlohmann::json& row, const std::filesystem::path& path) {
  const auto is_text = [&row](const char* key) {
    return row.contains(key) && row[key].is_string();
  };
  const auto is_time = [&row](const char* key) {
    return row.contains(key) && row[key].is_number_integer();
  };
  if (!row.is_object() || !is_text("role") || !is_text("name") || !is_text("serial") ||
      !is_time("issued_wall_ns") || !is_time("not_after_wall_ns") || !is_time("revoked_wall_ns")) {
    return Fail(ErrorCode::kCorrupt, "{}: an entry is not what this program writes", path.string());
  }
  ASSIGN_OR_RETURN(const Role role, RoleOf(row["role"].get_ref<const std::string&>()));
  return Issued{role,
                row["name"].get<std::string>(),
                row["serial"].get<std::string>(),
                row["issued_wall_ns"].get<std::int64_t>(),
                row["not_after_wall_ns"].get<std::int64_t>(),
                row["revoked_wall_ns"].get<std::int64_t>()};
}

}  // namespace

Result<> Authority::Create(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const bool is_there, Exists(RootKey(folder)));
  if (is_there) {
    return Fail(ErrorCode::kInvalidArgument, "{}: there is an authority already", folder.string());
  }
  RETURN_IF_ERROR(CreatePrivateFolder(folder));
  RETURN_IF_ERROR(CreatePrivateFolder(folder / "tokens"));
  const IdentityLayout layout{folder};
  Authority authority(folder);
  ASSIGN_OR_RETURN(authority.root_key_, MakeSigningKey());
  ASSIGN_OR_RETURN(authority.root_, MakeRoot(authority.root_key_.get(), kRootLifetimeDays));
  ASSIGN_OR_RETURN(const KeyPointer escrow, MakeEscrowKey());
  RETURN_IF_ERROR(WritePrivateKey(layout.escrow_private(), escrow.get()));
  RETURN_IF_ERROR(WritePublicKey(layout.escrow_public(), escrow.get()));
  ASSIGN_OR_RETURN(const std::string root_pem, FormatCertificate(authority.root_.get()));
  RETURN_IF_ERROR(WriteFileAtomically(layout.root(), AsBytes(root_pem)));
  RETURN_IF_ERROR(authority.WriteRegister({}));
  RETURN_IF_ERROR(authority.WriteRevocations({}));
  // Last: where this file is, the authority is complete.
  return WritePrivateKey(RootKey(folder), authority.root_key_.get());
}

Result<Authority> Authority::Open(const std::filesystem::path& folder) {
  Authority authority(folder);
  ASSIGN_OR_RETURN(const bool is_there, Exists(RootKey(folder)));
  if (!is_there) {
    return Fail(ErrorCode::kNotFound, "{}: no authority here (spoor keys init --dir {})",
                folder.string(), folder.string());
  }
  ASSIGN_OR_RETURN(authority.root_key_, LoadPrivateKey(RootKey(folder)));
  ASSIGN_OR_RETURN(authority.root_, LoadCertificate(IdentityLayout{folder}.root()));
  if (X509_check_private_key(authority.root_.get(), authority.root_key_.get()) != 1) {
    return Fail(ErrorCode::kCorrupt, "{}: ca.key is not the key of ca.crt", folder.string());
  }
  return authority;
}

Result<> Authority::Issue(const CertificateTerms& terms,
                          const std::filesystem::path& folder) const {
  ASSIGN_OR_RETURN(const KeyPointer key, MakeSigningKey());
  ASSIGN_OR_RETURN(const CertificatePointer certificate, Sign(terms, key.get()));
  ASSIGN_OR_RETURN(const std::string pem, FormatCertificate(certificate.get()));
  RETURN_IF_ERROR(CreatePrivateFolder(folder));
  const IdentityLayout from{folder_};
  const IdentityLayout to{folder};
  RETURN_IF_ERROR(CopyFile(from.root(), to.root(), 0644));
  if (terms.role == Role::kSensor) {
    RETURN_IF_ERROR(CopyFile(from.escrow_public(), to.escrow_public(), 0644));
  }
  if (terms.role == Role::kCollector) {
    RETURN_IF_ERROR(CopyFile(from.escrow_private(), to.escrow_private(), 0600));
    RETURN_IF_ERROR(CopyFile(from.revocations(), to.revocations(), 0644));
  }
  RETURN_IF_ERROR(WritePrivateKey(to.private_key(), key.get()));
  return WriteFileAtomically(to.certificate(), AsBytes(pem));
}

Result<CertificatePointer> Authority::Sign(const CertificateTerms& terms,
                                           EVP_PKEY* subject_key) const {
  ASSIGN_OR_RETURN(const FileLock lock, Lock(folder_));
  ASSIGN_OR_RETURN(std::vector<Issued> all, List());
  for (const Issued& entry : all) {
    if (entry.name == terms.name && entry.role != terms.role) {
      return Fail(ErrorCode::kInvalidArgument, "{}: the name belongs to a {} already", terms.name,
                  RoleName(entry.role));
    }
  }
  ASSIGN_OR_RETURN(CertificatePointer certificate,
                   SignCertificate(terms, subject_key, root_.get(), root_key_.get()));
  ASSIGN_OR_RETURN(const Identity identity, IdentityOf(certificate.get()));
  all.push_back({terms.role, terms.name, identity.serial, WallNow(), identity.not_after_wall_ns,
                 /*revoked_wall_ns=*/0});
  RETURN_IF_ERROR(WriteRegister(all));
  return certificate;
}

Result<std::size_t> Authority::Revoke(std::string_view name, bool keep_newest) const {
  ASSIGN_OR_RETURN(const FileLock lock, Lock(folder_));
  ASSIGN_OR_RETURN(std::vector<Issued> all, List());
  const auto newest = std::find_if(all.rbegin(), all.rend(),
                                   [name](const Issued& entry) { return entry.name == name; });
  if (newest == all.rend()) {
    return Fail(ErrorCode::kNotFound, "{}: no certificate of this name was issued", name);
  }
  std::size_t count = 0;
  for (Issued& entry : all) {
    if (entry.name != name || entry.revoked_wall_ns != 0) continue;
    if (keep_newest && &entry == &*newest) continue;
    entry.revoked_wall_ns = WallNow();
    ++count;
  }
  RETURN_IF_ERROR(WriteRegister(all));
  RETURN_IF_ERROR(WriteRevocations(all));
  return count;
}

Result<std::vector<Issued>> Authority::List() const {
  const std::filesystem::path path = Register(folder_);
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kRegisterBytesMax));
  const nlohmann::json rows = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!rows.is_array()) {
    return Fail(ErrorCode::kCorrupt, "{}: not a JSON array", path.string());
  }
  std::vector<Issued> all;
  for (const nlohmann::json& row : rows) {
    ASSIGN_OR_RETURN(Issued entry, ParseIssued(row, path));
    all.push_back(std::move(entry));
  }
  return all;
}

Result<> Authority::WriteRegister(const std::vector<Issued>& all) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Issued& entry : all) {
    rows.push_back({{"role", RoleName(entry.role)},
                    {"name", entry.name},
                    {"serial", entry.serial},
                    {"issued_wall_ns", entry.issued_wall_ns},
                    {"not_after_wall_ns", entry.not_after_wall_ns},
                    {"revoked_wall_ns", entry.revoked_wall_ns}});
  }
  return WriteFileAtomically(Register(folder_), AsBytes(rows.dump(1) + "\n"), 0600);
}

Result<> Authority::WriteRevocations(const std::vector<Issued>& all) const {
  std::vector<std::string> serials;
  for (const Issued& entry : all) {
    if (entry.revoked_wall_ns != 0) serials.push_back(entry.serial);
  }
  ASSIGN_OR_RETURN(const std::string pem, SignRevocations(serials, root_.get(), root_key_.get()));
  RETURN_IF_ERROR(WriteFileAtomically(IdentityLayout{folder_}.revocations(), AsBytes(pem)));
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(Collectors(folder_), missing)) {
    RETURN_IF_ERROR(WriteFileAtomically(IdentityLayout{entry.path()}.revocations(), AsBytes(pem)));
  }
  return {};
}

}  // namespace spoor::keys
