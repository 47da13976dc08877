#pragma once
/// The bodies of the reference store's own protocol as JSON: requests of clients, pings, views, and
/// what a primary tells its backup. Readers throw Error Usage naming the field at fault; they are
/// fed by whoever reaches the port.

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "src/refstore/front_registry.h"
#include "src/refstore/replica.h"
#include "src/refstore/view_service.h"

namespace tinet::refstore {

/// @throws Error Usage when the text is not one JSON object in valid UTF-8
[[nodiscard]] boost::json::object parse_object(std::string_view text);

/// @throws Error Usage when the field is missing or no string (number, bool)
[[nodiscard]] std::string string_field(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::uint64_t number_field(const boost::json::object& object, std::string_view name);
/// A missing field is false.
[[nodiscard]] bool flag_field(const boost::json::object& object, std::string_view name);
[[nodiscard]] const boost::json::object& object_field(const boost::json::object& object,
                                                      std::string_view name);

/// {"number","primary":{"address","incarnation","store_id"}|null,"backup":...}
[[nodiscard]] boost::json::object to_json(const View& view);
[[nodiscard]] View view_from(const boost::json::object& object);

/// {"client_id","seq","key","value","hash":bool} or {"key"}; checks the size limits of kv_state.h.
[[nodiscard]] boost::json::object to_json(const Op& op);
[[nodiscard]] Op put_from(const boost::json::object& object);
[[nodiscard]] Op get_from(const boost::json::object& object);

[[nodiscard]] boost::json::object to_json(const Ping& ping);
[[nodiscard]] Ping ping_from(const boost::json::object& object);

[[nodiscard]] boost::json::object to_json(const StoreRecord& store);
[[nodiscard]] StoreRecord store_from(const boost::json::object& object);

[[nodiscard]] boost::json::object to_json(const Front& front);
[[nodiscard]] Front front_from(const boost::json::object& object);

[[nodiscard]] boost::json::object to_json(const Entry& entry);
[[nodiscard]] Entry entry_from(const boost::json::object& object);

[[nodiscard]] boost::json::object to_json(const Transfer& transfer);
[[nodiscard]] Transfer transfer_from(const boost::json::object& object);

}  // namespace tinet::refstore
