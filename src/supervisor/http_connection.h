#pragma once
/// One connection of the control socket: reads requests with their descriptors, runs the handler,
/// watches whether the client still is there, writes the answer. Internal to the HTTP server.

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "src/supervisor/http_server.h"

namespace tinet {

/// Shared by its coroutines; single-threaded.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  /// `options` and `handler` must live as long as the connection.
  HttpConnection(Socket socket, PeerCredentials who, const HttpServerOptions& options,
                 const Handler& handler);

  /// Serves requests until the connection ends. Does not throw.
  boost::asio::awaitable<void> serve();

  /// Ends an idle connection and a stream at once, another one after the answer under way.
  void finish();
  /// Ends it now.
  void cut();

 private:
  enum class Phase { Idle, Reading, Answering, Streaming };

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> read_request(HttpMessage& message);
  boost::asio::awaitable<bool> receive();
  void keep(const char* data, Received& received);
  boost::asio::awaitable<Response> run_handler(HttpMessage& message);
  boost::asio::awaitable<void> write_document(unsigned status, boost::json::value document,
                                              bool keep_alive);
  boost::asio::awaitable<void> write_stream(Stream stream, bool chunked);
  boost::asio::awaitable<void> watch_peer();
  void stop_watching();
  void set_deadline(std::chrono::milliseconds limit);

  class ChunkWriter;

  Socket socket_;
  const HttpServerOptions& options_;
  const Handler& handler_;
  std::shared_ptr<Peer> peer_;
  PeerCredentials who_;
  boost::asio::steady_timer deadline_;
  boost::asio::cancellation_signal stream_stop_;
  std::string bytes_;                  ///< received, not yet parsed
  std::vector<UniqueFd> descriptors_;  ///< received, not yet handed to a request
  bool too_many_descriptors_ = false;
  Phase phase_ = Phase::Idle;
  bool finishing_ = false;
  bool timed_out_ = false;
  /// A watcher whose number differs is to end; numbers outlive the answers they belong to.
  unsigned watch_ = 0;
};

}  // namespace tinet
