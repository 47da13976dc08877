#pragma once
/// Reads the members of a request's JSON object. Unknown members are ignored, as Toxiproxy does, so
/// that clients for its other versions work.

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace tinet::toxiproxy {

/// The object in a body; an empty one for an empty body.
/// @throws ApiError 400
[[nodiscard]] boost::json::object parse_object(std::string_view body);
/// @throws ApiError 400
[[nodiscard]] boost::json::value parse_json(std::string_view body);

/// A member or, when it is missing or null, the default.
/// @throws ApiError 400 when it is of another type
[[nodiscard]] std::string text_field(const boost::json::object& object, std::string_view name,
                                     const std::string& otherwise);
[[nodiscard]] bool bool_field(const boost::json::object& object, std::string_view name,
                              bool otherwise);
[[nodiscard]] double number_field(const boost::json::object& object, std::string_view name,
                                  double otherwise);

/// Largest whole number that is taken: as milliseconds some 30 years, as bytes a terabyte.
inline constexpr std::int64_t kIntegerMax = 1'000'000'000'000;

/// A whole number from 0 to kIntegerMax.
/// @throws ApiError 400 for another type, a fraction, or out of range
[[nodiscard]] std::int64_t integer_field(const boost::json::object& object, std::string_view name,
                                         std::int64_t otherwise);

}  // namespace tinet::toxiproxy
