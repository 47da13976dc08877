#pragma once
/// Base64 (RFC 4648) as etcd's gateway uses it for keys and values.

#include <optional>
#include <string>
#include <string_view>

namespace tinet::detail {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// nullopt when the text is not padded base64.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace tinet::detail
