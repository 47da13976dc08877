#pragma once
/// Reading JSON of foreign programs: numbers of 64 bits that come as numbers or as text, missing
/// fields, documents that are no JSON. Never throws on input. Only for .cc files.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace tinet::detail {

/// nullopt when the text is not one JSON document.
[[nodiscard]] std::optional<boost::json::value> parse_json_text(std::string_view text);

/// The value at an RFC 6901 pointer; nullptr when there is none.
[[nodiscard]] const boost::json::value* at_pointer(const boost::json::value& document,
                                                   std::string_view pointer);

/// Text of a string, number or boolean, exact for 64-bit integers; empty for everything else.
[[nodiscard]] std::string scalar_text(const boost::json::value& value);
/// scalar_text() of the value at a pointer; empty when there is none.
[[nodiscard]] std::string text_at(const boost::json::value& document, std::string_view pointer);
/// A number, or text that is one, at a pointer.
[[nodiscard]] std::optional<std::uint64_t> number_at(const boost::json::value& document,
                                                     std::string_view pointer);

}  // namespace tinet::detail
