#pragma once
/// Reading JSON answers without ceremony: a member that is missing or of another type is empty, so
/// that an answer of a newer supervisor is shown as far as it is understood.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace tinet::cli {

/// Text of a member; empty when there is none.
[[nodiscard]] std::string text_of(const boost::json::value& document, std::string_view member);
[[nodiscard]] std::optional<std::int64_t> number_of(const boost::json::value& document,
                                                    std::string_view member);
[[nodiscard]] bool is_true(const boost::json::value& document, std::string_view member);
/// A member, or null.
[[nodiscard]] const boost::json::value& member_of(const boost::json::value& document,
                                                  std::string_view member);
/// Elements of an array member; empty when there is none.
[[nodiscard]] const boost::json::array& array_of(const boost::json::value& document,
                                                 std::string_view member);
/// The document itself as array; empty when it is none.
[[nodiscard]] const boost::json::array& elements(const boost::json::value& document);
/// The strings in an array member.
[[nodiscard]] std::vector<std::string> texts_of(const boost::json::value& document,
                                                std::string_view member);

/// The element of an array of objects whose "name" is `name`; nullptr when there is none.
[[nodiscard]] const boost::json::value* named(const boost::json::array& objects,
                                              std::string_view name);
/// The "name" of every element.
[[nodiscard]] std::vector<std::string> names_of(const boost::json::array& objects);

}  // namespace tinet::cli
