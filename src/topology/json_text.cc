#include "src/topology/json_text.h"

#include <charconv>

#include <boost/json.hpp>

namespace tinet::detail {

namespace json = boost::json;

std::optional<json::value> parse_json_text(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) {
    return std::nullopt;
  }
  return value;
}

const json::value* at_pointer(const json::value& document, std::string_view pointer) {
  boost::system::error_code error;
  return document.find_pointer(pointer, error);
}

std::string scalar_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:
      return std::to_string(value.get_uint64());
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::double_:
      return json::serialize(value);
    default:
      return {};
  }
}

std::string text_at(const json::value& document, std::string_view pointer) {
  const auto* value = at_pointer(document, pointer);
  return value == nullptr ? std::string{} : scalar_text(*value);
}

std::optional<std::uint64_t> number_at(const json::value& document, std::string_view pointer) {
  const auto text = text_at(document, pointer);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace tinet::detail
