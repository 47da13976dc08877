#include "src/toxiproxy/fields.h"

#include <cmath>

#include "src/toxiproxy/api_error.h"

namespace tinet::toxiproxy {

namespace json = boost::json;

namespace {

/// nullptr when the member is missing or null.
const json::value* find(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

[[noreturn]] void throw_type(std::string_view name, const char* type) {
  throw_bad_body("'" + std::string(name) + "' must be " + type);
}

}  // namespace

json::value parse_json(std::string_view body) {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  if (error) {
    throw_bad_body(error == json::error::incomplete ? "the JSON text ends too early"
                                                    : error.message());
  }
  return value;
}

json::object parse_object(std::string_view body) {
  if (body.empty()) {
    throw_bad_body("it is empty");
  }
  json::value value = parse_json(body);
  if (!value.is_object()) {
    throw_bad_body("it is not an object");
  }
  return std::move(value.as_object());
}

std::string text_field(const json::object& object, std::string_view name,
                       const std::string& otherwise) {
  const json::value* value = find(object, name);
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_string()) {
    throw_type(name, "text");
  }
  return std::string(value->as_string());
}

bool bool_field(const json::object& object, std::string_view name, bool otherwise) {
  const json::value* value = find(object, name);
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_bool()) {
    throw_type(name, "true or false");
  }
  return value->as_bool();
}

double number_field(const json::object& object, std::string_view name, double otherwise) {
  const json::value* value = find(object, name);
  if (value == nullptr) {
    return otherwise;
  }
  if (!value->is_number()) {
    throw_type(name, "a number");
  }
  return value->to_number<double>();
}

std::int64_t integer_field(const json::object& object, std::string_view name,
                           std::int64_t otherwise) {
  const json::value* value = find(object, name);
  if (value == nullptr) {
    return otherwise;
  }
  const double number = number_field(object, name, 0);
  if (std::floor(number) != number || number < 0 || number > static_cast<double>(kIntegerMax)) {
    throw_type(name, "a whole number from 0 to 10^12");
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace tinet::toxiproxy
