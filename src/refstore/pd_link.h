#pragma once
/// A program's way to the view service: several addresses, of which one answers.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "src/refstore/http_client.h"

namespace tinet::refstore {

class PdLink {
 public:
  /// @param endpoints at least one
  PdLink(boost::asio::any_io_executor executor, std::vector<Endpoint> endpoints);

  /// Sends a request to the address that answered last. When that fails or is no view service (any
  /// status but 200), the next request goes to the next address.
  boost::asio::awaitable<HttpReply> request(std::string method, std::string path, std::string body,
                                            std::chrono::milliseconds timeout);

  /// The address that the next request goes to.
  [[nodiscard]] const Endpoint& current() const { return endpoints_[index_]; }

 private:
  boost::asio::any_io_executor executor_;
  std::vector<Endpoint> endpoints_;
  std::size_t index_ = 0;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace tinet::refstore
