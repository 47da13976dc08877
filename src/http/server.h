#pragma once
/// Serves one handler on one or more TCP addresses of an io_context that one thread runs.

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "src/base/error.h"
#include "src/http/message.h"

namespace tinet::http {

/// What becomes of a connection; for servers that pretend to be unreliable.
enum class Fate {
  Serve,    ///< as usual
  Discard,  ///< close without reading
  Mute,     ///< carry out one request, then end the connection instead of replying
};

/// A request that is refused for its size; its answer should be 413.
class TooLarge : public Error {
 public:
  TooLarge() : Error(ErrorKind::Usage, "the request is too large") {}
};

/// Where a connection comes from and where it went; IPv6 or IPv4.
struct ConnectionEnds {
  boost::asio::ip::tcp::endpoint peer;
  boost::asio::ip::tcp::endpoint local;
};

/// A connection whose peer may not use the server; its answer should be 403.
class Refused : public Error {
 public:
  Refused() : Error(ErrorKind::Usage, "not for you") {}
};

struct ServerOptions {
  std::string name = "tinet";  ///< header Server
  std::size_t body_bytes_max = 1U << 20U;
  /// Connections beyond this wait in the kernel's backlog.
  std::size_t connections_max = 1024;
  /// A peer that is slower than this with a request or an answer, or silent between two requests,
  /// is let go.
  std::chrono::seconds idle_timeout{60};
  bool keep_alive = true;
  /// Asked once per connection, before anything is read from it, so that strangers cost neither
  /// memory nor one of the connections; empty: all may.
  std::function<bool(const ConnectionEnds&)> may_use;
  /// Drawn once per connection; empty: all are served.
  std::function<Fate()> draw_fate;
  /// The answer to a request whose handler threw, that is malformed (Error Usage) or TooLarge, and
  /// to a connection that is Refused.
  std::function<Response(const std::exception&)> on_error;
};

class Server {
 public:
  Server(boost::asio::any_io_executor executor, Handler handler, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;
  /// Accepts no more and closes the connections.
  ~Server();

  /// Binds and starts to accept.
  /// @return where it listens: port 0 takes a free one
  /// @throws Error Conflict when the address is in use, else Operation
  boost::asio::ip::tcp::endpoint listen(const boost::asio::ip::tcp::endpoint& address);

 private:
  struct Shared;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tinet::http
