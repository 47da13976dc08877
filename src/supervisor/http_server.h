#pragma once
/// The control socket's server: HTTP/1.1 with JSON over one Unix socket (src/api/README.md). Knows
/// nothing of clusters; the handler does.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "src/api/unix_socket.h"
#include "src/base/error.h"
#include "src/base/unique_fd.h"
#include "src/supervisor/http_message.h"

namespace tinet {

/// The client behind a request.
class Peer {
 public:
  explicit Peer(PeerCredentials who) : who_(who) {}

  [[nodiscard]] PeerCredentials credentials() const noexcept { return who_; }
  /// True once the client has closed its end; nobody will read the answer.
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// Calls `action` when the client closes its end before the answer is complete; at once if it
  /// has. It replaces an action that was set before. Actions must not throw.
  void on_close(std::function<void()> action);

  /// For the server.
  void mark_closed();

 private:
  PeerCredentials who_;
  bool closed_ = false;
  std::function<void()> action_;
};

struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;
  boost::json::value body;    ///< null when there was none
  std::vector<UniqueFd> fds;  ///< in the order they were sent; closed unless moved away
  std::shared_ptr<Peer> peer;
};

/// Where a stream puts its lines.
class LineWriter {
 public:
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  virtual ~LineWriter() = default;
  /// Sends one line; returns when the kernel took it, so a reader that does not read holds the
  /// stream up and nothing piles up here.
  /// @param line without line end
  virtual boost::asio::awaitable<void> write(std::string line) = 0;

 protected:
  LineWriter() = default;
};

/// Writes lines until it returns. Cancelled (terminal) when the client goes away and when the
/// server shuts down, so whatever it waits for then ends with operation_aborted. An Error it throws
/// becomes the last line.
using Stream = std::function<boost::asio::awaitable<void>(LineWriter&)>;

/// A document, or a stream when `stream` is set.
struct Response {
  unsigned status = 200;
  boost::json::value document;
  Stream stream;
};

/// The answer for an error: its document and the status of its kind.
[[nodiscard]] Response error_response(const Error& error);
/// 404 with an error document.
[[nodiscard]] Response not_found(const std::string& path);

/// Answers one request. An Error it throws becomes error_response(). It runs to its end also when
/// the client goes away meanwhile, so that no change is left half done; one that shouldn't uses
/// Peer::on_close() or cancel_on_close().
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

/// Runs `work`, with terminal cancellation when the client goes away; the usual way to wait for
/// something on behalf of a client.
/// @throws what `work` throws; boost::system::system_error (operation_aborted) after a cancellation
[[nodiscard]] boost::asio::awaitable<Response> cancel_on_close(
    std::shared_ptr<Peer> peer, boost::asio::awaitable<Response> work);

struct HttpServerOptions {
  std::string path;  ///< of the socket; must not exist
  uid_t owner = 0;   ///< gets the socket; besides root the only one who is answered
  HttpLimits limits;
  std::chrono::milliseconds request_timeout{5'000};  ///< for all bytes of one request
  std::chrono::milliseconds idle_timeout{60'000};    ///< between two requests of a connection
  std::chrono::milliseconds write_timeout{30'000};   ///< for a document; streams may take forever
  /// Further connections wait in the kernel's queue until one of these ends.
  std::size_t connections_max = 512;
};

/// Serves connections concurrently on one event loop; single-threaded.
class HttpServer {
 public:
  /// Listens at once and serves from the loop's next turn on.
  /// @throws Error
  HttpServer(const boost::asio::any_io_executor& executor, HttpServerOptions options,
             Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  HttpServer(HttpServer&&) = delete;
  HttpServer& operator=(HttpServer&&) = delete;
  /// Closes every connection.
  ~HttpServer();

  /// Connections that are open now.
  [[nodiscard]] std::size_t connections() const noexcept;

  /// Takes no further connection or request, ends the streams, lets answers under way finish and
  /// returns when all connections are closed; those still open after `limit` are cut.
  [[nodiscard]] boost::asio::awaitable<void> shut_down(std::chrono::milliseconds limit);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace tinet
