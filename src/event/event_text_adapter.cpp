// SPDX-License-Identifier: Apache-2.0
#include "event/event_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/visible_text.hpp"

namespace spoor::event {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
void Put(Json& json, const char* key, const T& value, const T& unless = T()) {
  if (value != unless) json[key] = value;
}

void PutText(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = MakeUtf8(text);
}

Json ToJson(const ProcessKey& process) {
  return {{"pid", process.pid}, {"start_boot_ns", process.start_boot_ns}};
}

void PutObject(Json& json, const char* key, const ObjectKey& object) {
  if (object.type == ObjectType::kNone) return;
  Json& target = json[key];
  target["type"] = ObjectTypeName(object.type);
  Put(target, "device", object.device);
  Put(target, "inode", object.inode);
  Put(target, "generation", object.generation);
  Put(target, "instance", object.instance);
  PutText(target, "path", object.path);
}

Json ToJson(const Credentials& credentials) {
  return {{"uid", credentials.uid},
          {"euid", credentials.euid},
          {"suid", credentials.suid},
          {"fsuid", credentials.fsuid},
          {"gid", credentials.gid},
          {"egid", credentials.egid},
          {"sgid", credentials.sgid},
          {"fsgid", credentials.fsgid},
          {"cap_effective", credentials.cap_effective},
          {"cap_permitted", credentials.cap_permitted},
          {"cap_inheritable", credentials.cap_inheritable},
          {"user_namespace", credentials.user_namespace}};
}

Json ToJson(const SocketInfo& socket) {
  Json json = Json::object();
  Put(json, "netns", socket.netns);
  PutText(json, "family", socket.family);
  PutText(json, "type", socket.type);
  Put(json, "protocol", socket.protocol);
  PutText(json, "local_ip", socket.local_ip);
  Put(json, "local_port", socket.local_port);
  PutText(json, "remote_ip", socket.remote_ip);
  Put(json, "remote_port", socket.remote_port);
  PutText(json, "unix_path", socket.unix_path);
  Put(json, "peer_inode", socket.peer_inode);
  PutText(json, "state", socket.state);
  return json;
}

void PutPayload(Json& json, const Event& event) {
  if (event.payload) {
    const bool is_text = MakeUtf8(*event.payload) == *event.payload;
    json[is_text ? "payload" : "payload_base64"] =
        is_text ? *event.payload : ToBase64(*event.payload);
  }
  Put(json, "payload_shed", event.payload_shed);
}

void PutIdentity(Json& json, const Event& event) {
  json["kind"] = EventKindName(event.kind);
  PutText(json, "host", event.host);
  PutText(json, "boot_id", event.boot_id);
  json["boot_ns"] = event.end_boot_ns;
  Put(json, "begin_boot_ns", event.begin_boot_ns);
  json["wall_ns"] = event.wall_ns;
  Put(json, "baseline", event.baseline);
  if (event.kind != EventKind::kLoss) {
    json["process"] = ToJson(event.process);
    json["tid"] = event.tid;
    json["uid"] = event.uid;
    json["euid"] = event.euid;
  }
  if (event.other_process) json["child_process"] = ToJson(*event.other_process);
  if (event.parent_process) json["parent_process"] = ToJson(*event.parent_process);
}

void PutProgram(Json& json, const Event& event) {
  if (event.credentials) json["credentials"] = ToJson(*event.credentials);
  Put(json, "object_uid", event.object_uid);
  Put(json, "object_gid", event.object_gid);
  PutText(json, "interpreter", event.interpreter);
  if (!event.arguments.empty()) {
    Json& arguments = json["arguments"];
    for (const std::string& argument : event.arguments) arguments.push_back(MakeUtf8(argument));
  }
  Put(json, "arguments_truncated", event.arguments_truncated);
  PutText(json, "working_directory", event.working_directory);
  if (event.session_id) json["session_id"] = *event.session_id;
  if (event.exit_code) json["exit_code"] = *event.exit_code;
}

}  // namespace

std::string MakeUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    if (character.valid) {
      valid += text.substr(0, character.size_bytes);
    } else {
      valid += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[0]));
    }
    text.remove_prefix(character.size_bytes);
  }
  return valid;
}

std::string EventText(const Event& event) {
  Json json;
  PutIdentity(json, event);
  PutText(json, "command", event.command);
  PutText(json, "syscall", event.syscall);
  Put(json, "result", event.result);
  PutObject(json, "object", event.object);
  PutObject(json, "other_object", event.other_object);
  Put(json, "object_pty_master", event.object_pty_master);
  PutText(json, "path", event.path);
  PutText(json, "user_path", event.user_path);
  PutText(json, "other_path", event.other_path);
  Put(json, "fd", event.fd, -1);
  Put(json, "other_fd", event.other_fd, -1);
  Put(json, "size_bytes", event.size_bytes);
  Put(json, "offset_bytes", event.offset_bytes, std::int64_t{-1});
  Put(json, "flags", event.flags);
  Put(json, "value", event.value);
  Put(json, "mode", event.mode);
  PutProgram(json, event);
  if (event.socket) json["socket"] = ToJson(*event.socket);
  if (event.terminal) {
    json["terminal"] = {{"rows", event.terminal->rows},
                        {"columns", event.terminal->columns},
                        {"echo", event.terminal->echo},
                        {"canonical", event.terminal->canonical}};
  }
  PutPayload(json, event);
  if (event.loss) {
    json["loss"] = {{"loss_class", event.loss->loss_class},
                    {"count", event.loss->count},
                    {"from_boot_ns", event.loss->from_boot_ns},
                    {"reason", MakeUtf8(event.loss->reason)}};
  }
  return json.dump();
}

}  // namespace spoor::event
