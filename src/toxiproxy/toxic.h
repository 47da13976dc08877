#pragma once
/// A toxic: what it is called, what it does to which connections, and the rule of the relay that
/// does it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "src/proxy/rule.h"

namespace tinet::toxiproxy {

enum class Stream {
  Upstream,    ///< client to server
  Downstream,  ///< server to client
};

[[nodiscard]] std::string_view to_string(Stream stream) noexcept;

struct Attribute {
  std::string name;
  std::int64_t value = 0;
};

struct Toxic {
  std::string name;
  std::string type;
  Stream stream = Stream::Downstream;
  double toxicity = 1;  ///< probability that a connection is concerned, 0..1
  std::vector<Attribute> attributes{};

  /// 0 when the type has no such attribute.
  [[nodiscard]] std::int64_t attribute(std::string_view attribute) const noexcept;
};

/// A new toxic from a request: `name` defaults to TYPE_STREAM, `stream` to downstream, `toxicity`
/// to 1 and every attribute to 0.
/// @throws ApiError 400
[[nodiscard]] Toxic parse_toxic(const boost::json::object& object);

/// Changes toxicity and attributes; other members, and attributes that are not named, stay.
/// @throws ApiError 400, and then nothing has changed
[[nodiscard]] Toxic changed_toxic(const Toxic& toxic, const boost::json::object& object);

/// {"attributes":{..},"name":..,"type":..,"stream":..,"toxicity":..}
[[nodiscard]] boost::json::object to_json(const Toxic& toxic);

/// What the relay does for it.
/// @param seed of everything that it draws
[[nodiscard]] proxy::Rule to_rule(const Toxic& toxic, std::uint64_t seed);

/// All types there are, for messages.
[[nodiscard]] const std::vector<std::string>& toxic_types();

}  // namespace tinet::toxiproxy
