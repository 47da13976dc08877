#pragma once
/// The client side of the key/value service: finds the primary through the view service and repeats
/// an operation, always under the same client id and sequence number, until it is answered or its
/// time is over.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/refstore/endpoint.h"
#include "src/refstore/http.h"
#include "src/refstore/kv_state.h"
#include "src/refstore/view.h"

namespace tinet::refstore {

/// An answer that ends an operation: done, no such key, refused for good. Everything else (silence,
/// "not the primary") is worth another try.
[[nodiscard]] bool is_final(int status);

class Clerk {
 public:
  /// @param pd addresses of the view service, at least one
  Clerk(boost::asio::any_io_executor executor, std::vector<Endpoint> pd);
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;
  ~Clerk();

  /// Runs the operation; any number at the same time. A put without a client id gets the id and the
  /// next number of a session of this clerk.
  /// @return the primary's final answer; 504 when the time is over, and then a put may still
  /// happen,
  ///         at most once, unless a later put of the same client comes first
  boost::asio::awaitable<HttpResponse> run(Op op, std::chrono::milliseconds timeout);

  /// Takes a view that somebody else has heard of.
  void hint(const View& view);

 private:
  struct Session;
  boost::asio::awaitable<HttpResponse> run_in(Session& session, Op op,
                                              std::chrono::milliseconds timeout);
  boost::asio::awaitable<void> refresh_view(Session& session, std::chrono::milliseconds timeout);
  [[nodiscard]] std::unique_ptr<Session> borrow();

  boost::asio::any_io_executor executor_;
  std::vector<Endpoint> pd_;
  View view_;
  std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace tinet::refstore
