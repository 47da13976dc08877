#include "src/cli/json_view.h"

#include <boost/json.hpp>

namespace tinet::cli {

namespace json = boost::json;

namespace {

const json::value kNull;
const json::array kNothing;

}  // namespace

const json::value& member_of(const json::value& document, std::string_view member) {
  const auto* object = document.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains(member);
  return value == nullptr ? kNull : *value;
}

std::string text_of(const json::value& document, std::string_view member) {
  const auto* text = member_of(document, member).if_string();
  return text == nullptr ? "" : std::string(*text);
}

std::optional<std::int64_t> number_of(const json::value& document, std::string_view member) {
  const auto& value = member_of(document, member);
  if (!value.is_int64() && !value.is_uint64()) {
    return std::nullopt;
  }
  return value.is_int64() ? value.get_int64() : static_cast<std::int64_t>(value.get_uint64());
}

bool is_true(const json::value& document, std::string_view member) {
  const auto* flag = member_of(document, member).if_bool();
  return flag != nullptr && *flag;
}

const json::array& elements(const json::value& document) {
  const auto* array = document.if_array();
  return array == nullptr ? kNothing : *array;
}

const json::array& array_of(const json::value& document, std::string_view member) {
  return elements(member_of(document, member));
}

std::vector<std::string> texts_of(const json::value& document, std::string_view member) {
  std::vector<std::string> texts;
  for (const auto& element : array_of(document, member)) {
    if (const auto* text = element.if_string(); text != nullptr) {
      texts.emplace_back(*text);
    }
  }
  return texts;
}

const json::value* named(const json::array& objects, std::string_view name) {
  for (const auto& object : objects) {
    if (text_of(object, "name") == name) {
      return &object;
    }
  }
  return nullptr;
}

std::vector<std::string> names_of(const json::array& objects) {
  std::vector<std::string> names;
  for (const auto& object : objects) {
    names.push_back(text_of(object, "name"));
  }
  return names;
}

}  // namespace tinet::cli
