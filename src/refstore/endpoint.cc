#include "src/refstore/endpoint.h"

#include <charconv>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::refstore {

std::string Endpoint::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Endpoint parse_endpoint(std::string_view text, std::string_view what) {
  const auto refuse = [&] [[noreturn]] () {
    throw_usage(std::string(what) + ": '" + std::string(text) + "' is not an address with a port",
                "write '10.9.0.11:2379' or 'http://10.9.0.11:2379'");
  };
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = trim(text);
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
  }
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) {
    refuse();
  }
  std::string_view host = rest.substr(0, colon);
  const std::string_view digits = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    refuse();
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    refuse();
  }
  return {std::string(host), port};
}

std::vector<Endpoint> parse_endpoints(std::string_view text, std::string_view what) {
  std::vector<Endpoint> endpoints;
  for (const std::string& part : split(text, ',')) {
    endpoints.push_back(parse_endpoint(part, what));
  }
  if (endpoints.empty()) {
    throw_usage(std::string(what) + ": no address given");
  }
  return endpoints;
}

}  // namespace tinet::refstore
