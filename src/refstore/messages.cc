#include "src/refstore/messages.h"

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/version.h"

namespace tinet::refstore {
namespace json = boost::json;
namespace {

const json::value& field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) {
    throw_usage("field '" + std::string(name) + "' is missing");
  }
  return *value;
}

[[noreturn]] void refuse_type(std::string_view name, std::string_view wanted) {
  throw_usage("field '" + std::string(name) + "' is not " + std::string(wanted));
}

const json::array& array_field(const json::object& object, std::string_view name) {
  const json::value& value = field(object, name);
  if (!value.is_array()) {
    refuse_type(name, "an array");
  }
  return value.get_array();
}

const json::object& element(const json::value& value, std::string_view name) {
  if (!value.is_object()) {
    refuse_type(name, "an array of objects");
  }
  return value.get_object();
}

json::value member_json(const Member& member) {
  if (member.empty()) {
    return nullptr;
  }
  return json::object{{"address", member.address},
                      {"incarnation", member.incarnation},
                      {"store_id", member.store_id}};
}

Member member_from(const json::object& object, std::string_view name) {
  if (field(object, name).is_null()) {
    return {};
  }
  const json::object& member = object_field(object, name);
  return {string_field(member, "address"), number_field(member, "incarnation"),
          number_field(member, "store_id")};
}

std::string bounded_field(const json::object& object, std::string_view name, std::size_t limit) {
  std::string text = string_field(object, name);
  if (text.size() > limit) {
    throw_usage("field '" + std::string(name) + "' has " + std::to_string(text.size()) +
                " bytes, at most " + std::to_string(limit) + " are allowed");
  }
  return text;
}

std::string key_field(const json::object& object) {
  std::string key = bounded_field(object, "key", kKeyBytesMax);
  if (key.empty()) {
    throw_usage("field 'key' is empty");
  }
  return key;
}

json::object info_json(const StoreInfo& info) {
  json::array labels;
  for (const auto& [key, value] : info.labels) {
    labels.push_back(json::object{{"key", key}, {"value", value}});
  }
  return {{"status_address", info.status_address},
          {"version", info.version},
          {"labels", std::move(labels)}};
}

StoreInfo info_from(const json::object& object) {
  StoreInfo info{string_field(object, "status_address"), string_field(object, "version"), {}};
  for (const json::value& value : array_field(object, "labels")) {
    const json::object& label = element(value, "labels");
    info.labels.emplace_back(string_field(label, "key"), string_field(label, "value"));
  }
  return info;
}

json::object chunk_json(const Chunk& chunk) {
  json::array values;
  for (const auto& [key, value] : chunk.values) {
    values.push_back(json::object{{"key", key}, {"value", value}});
  }
  json::array clients;
  for (const ClientRecord& client : chunk.clients) {
    clients.push_back(json::object{{"client_id", client.client_id},
                                   {"seq", client.seq},
                                   {"applied_at", client.applied_at},
                                   {"previous", client.previous}});
  }
  return {{"number", chunk.number},
          {"last", chunk.last},
          {"applied", chunk.applied},
          {"values", std::move(values)},
          {"clients", std::move(clients)}};
}

Chunk chunk_from(const json::object& object) {
  Chunk chunk{.number = number_field(object, "number"),
              .last = flag_field(object, "last"),
              .applied = number_field(object, "applied")};
  for (const json::value& value : array_field(object, "values")) {
    const json::object& row = element(value, "values");
    chunk.values.emplace_back(string_field(row, "key"), string_field(row, "value"));
  }
  for (const json::value& value : array_field(object, "clients")) {
    const json::object& row = element(value, "clients");
    chunk.clients.push_back({string_field(row, "client_id"), number_field(row, "seq"),
                             number_field(row, "applied_at"), string_field(row, "previous")});
  }
  return chunk;
}

}  // namespace

json::object parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) {
    throw_usage("the body is not JSON: " + error.message());
  }
  if (!value.is_object()) {
    throw_usage("the body is not a JSON object");
  }
  return std::move(value.get_object());
}

std::string string_field(const json::object& object, std::string_view name) {
  const json::value& value = field(object, name);
  if (!value.is_string()) {
    refuse_type(name, "a string");
  }
  return std::string(value.get_string());
}

std::uint64_t number_field(const json::object& object, std::string_view name) {
  const json::value& value = field(object, name);
  if (value.is_uint64()) {
    return value.get_uint64();
  }
  if (!value.is_int64() || value.get_int64() < 0) {
    refuse_type(name, "a whole number from 0");
  }
  return static_cast<std::uint64_t>(value.get_int64());
}

bool flag_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) {
    return false;
  }
  if (!value->is_bool()) {
    refuse_type(name, "true or false");
  }
  return value->get_bool();
}

const json::object& object_field(const json::object& object, std::string_view name) {
  const json::value& value = field(object, name);
  if (!value.is_object()) {
    refuse_type(name, "an object");
  }
  return value.get_object();
}

json::object to_json(const View& view) {
  return {{"number", view.number},
          {"primary", member_json(view.primary)},
          {"backup", member_json(view.backup)}};
}

View view_from(const json::object& object) {
  return {number_field(object, "number"), member_from(object, "primary"),
          member_from(object, "backup")};
}

json::object to_json(const Op& op) {
  if (op.kind == Op::Kind::Get) {
    return {{"key", op.key}};
  }
  return {{"client_id", op.client_id},
          {"seq", op.seq},
          {"key", op.key},
          {"value", op.value},
          {"hash", op.kind == Op::Kind::PutHash}};
}

Op put_from(const json::object& object) {
  Op op{.kind = flag_field(object, "hash") ? Op::Kind::PutHash : Op::Kind::Put,
        .client_id = bounded_field(object, "client_id", kKeyBytesMax),
        .seq = number_field(object, "seq"),
        .key = key_field(object),
        .value = bounded_field(object, "value", kValueBytesMax)};
  if (op.client_id.empty() || op.seq == 0) {
    throw_usage("a put needs a 'client_id' and a 'seq' from 1");
  }
  return op;
}

Op get_from(const json::object& object) {
  return {.kind = Op::Kind::Get, .key = key_field(object)};
}

json::object to_json(const Ping& ping) {
  return {{"address", ping.address},
          {"incarnation", ping.incarnation},
          {"view_number", ping.view_number},
          {"synced", ping.synced},
          {"info", info_json(ping.info)}};
}

Ping ping_from(const json::object& object) {
  Ping ping{string_field(object, "address"), number_field(object, "incarnation"),
            number_field(object, "view_number"), flag_field(object, "synced"),
            info_from(object_field(object, "info"))};
  if (ping.address.empty() || ping.incarnation == 0) {
    throw_usage("a ping needs an 'address' and an 'incarnation' that is not 0");
  }
  return ping;
}

json::object to_json(const StoreRecord& store) {
  return {{"id", store.id}, {"address", store.address}, {"info", info_json(store.info)}};
}

StoreRecord store_from(const json::object& object) {
  return {number_field(object, "id"), string_field(object, "address"),
          info_from(object_field(object, "info"))};
}

json::object to_json(const Front& front) {
  return {{"id", front.id},
          {"ip", front.ip},
          {"listening_port", front.listening_port},
          {"status_port", front.status_port},
          {"version", kVersion}};
}

Front front_from(const json::object& object) {
  return {string_field(object, "id"), string_field(object, "ip"),
          number_field(object, "listening_port"), number_field(object, "status_port")};
}

json::object to_json(const Entry& entry) {
  return {{"view", to_json(entry.view)}, {"index", entry.index}, {"op", to_json(entry.op)}};
}

Entry entry_from(const json::object& object) {
  const json::object& op = object_field(object, "op");
  return {view_from(object_field(object, "view")), number_field(object, "index"),
          op.contains("client_id") ? put_from(op) : get_from(op)};
}

json::object to_json(const Transfer& transfer) {
  return {{"view", to_json(transfer.view)}, {"chunk", chunk_json(transfer.chunk)}};
}

Transfer transfer_from(const json::object& object) {
  return {view_from(object_field(object, "view")), chunk_from(object_field(object, "chunk"))};
}

}  // namespace tinet::refstore
