#pragma once
/// Addresses as the programs' flags write them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinet::refstore {

struct Endpoint {
  std::string host;  ///< an address or a name, without brackets
  std::uint16_t port = 0;

  /// "10.9.0.11:2379", "[fd00::1]:2379".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Parses "10.9.0.11:2379", "[fd00::1]:2379" and the same behind "http://".
/// @param what names the word in the error, e.g. "--addr"
/// @throws Error Usage
[[nodiscard]] Endpoint parse_endpoint(std::string_view text, std::string_view what);

/// A comma-separated list of at least one.
/// @throws Error Usage
[[nodiscard]] std::vector<Endpoint> parse_endpoints(std::string_view text, std::string_view what);

}  // namespace tinet::refstore
