#include "src/supervisor/http_server.h"

#include <set>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/api/requests.h"
#include "src/base/scope_exit.h"
#include "src/supervisor/http_connection.h"

namespace tinet {

namespace asio = boost::asio;
using boost::system::error_code;
using Acceptor = asio::local::stream_protocol::acceptor;

namespace {

/// After accept(2) failed for want of descriptors or memory, which other connections give back.
constexpr std::chrono::milliseconds kAcceptRetry{100};

}  // namespace

void Peer::on_close(std::function<void()> action) {
  action_ = std::move(action);
  if (closed_ && action_) {
    std::exchange(action_, {})();
  }
}

void Peer::mark_closed() {
  closed_ = true;
  if (action_) {
    std::exchange(action_, {})();
  }
}

Response error_response(const Error& error) {
  const auto* refused = dynamic_cast<const HttpError*>(&error);
  return {.status = refused != nullptr ? refused->status() : http_status(error.kind()),
          .document = api::to_json(error),
          .stream = {}};
}

Response not_found(const std::string& path) {
  const Error error(ErrorKind::Usage, "no such path '" + path + "'");
  return {.status = 404, .document = api::to_json(error), .stream = {}};
}

asio::awaitable<Response> cancel_on_close(std::shared_ptr<Peer> peer,
                                          asio::awaitable<Response> work) {
  if (peer->closed()) {
    // A signal sent before the work began to wait would be lost.
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  asio::cancellation_signal stop;
  const ScopeExit forget([&] { peer->on_close({}); });
  const auto executor = co_await asio::this_coro::executor;
  auto token = asio::bind_cancellation_slot(stop.slot(), asio::use_awaitable);
  peer->on_close([&] { stop.emit(asio::cancellation_type::terminal); });
  co_return co_await asio::co_spawn(executor, std::move(work), token);
}

/// Outlives the server object as long as one of its coroutines runs.
class HttpServer::State : public std::enable_shared_from_this<State> {
 public:
  State(const asio::any_io_executor& executor, HttpServerOptions options, Handler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        acceptor_(executor, asio::local::stream_protocol(),
                  listen_unix(options_.path, options_.owner).release()),
        changed_(executor, asio::steady_timer::time_point::max()) {}

  void start() { asio::co_spawn(acceptor_.get_executor(), accept_all(), asio::detached); }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : std::set(connections_)) {
      connection->cut();
    }
  }

  asio::awaitable<void> shut_down(std::chrono::milliseconds limit) {
    const auto self = shared_from_this();
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : std::set(connections_)) {
      connection->finish();
    }
    const auto deadline = asio::steady_timer::clock_type::now() + limit;
    while (!connections_.empty() && asio::steady_timer::clock_type::now() < deadline) {
      co_await wait_for_change(deadline);
    }
    close();
  }

  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

 private:
  /// Until a connection ends or the time comes.
  asio::awaitable<void> wait_for_change(asio::steady_timer::time_point until) {
    error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    changed_.expires_at(until);
    co_await changed_.async_wait(token);
  }

  asio::awaitable<void> accept_all() {
    const auto self = shared_from_this();
    while (acceptor_.is_open()) {
      if (connections_.size() >= options_.connections_max) {
        co_await wait_for_change(asio::steady_timer::time_point::max());
        continue;
      }
      error_code error;
      HttpConnection::Socket socket(acceptor_.get_executor());
      auto token = asio::redirect_error(asio::use_awaitable, error);
      co_await acceptor_.async_accept(socket, token);
      if (!error) {
        begin(std::move(socket));
      } else if (acceptor_.is_open()) {
        co_await wait_for_change(asio::steady_timer::clock_type::now() + kAcceptRetry);
      }
    }
  }

  /// Serves a client who may talk to us; closes the others unanswered.
  void begin(HttpConnection::Socket socket) {
    PeerCredentials who;
    try {
      who = peer_credentials(socket.native_handle());
    } catch (const Error&) {
      return;
    }
    if (who.uid != options_.owner && who.uid != 0) {
      return;
    }
    const auto executor = socket.get_executor();
    auto connection = std::make_shared<HttpConnection>(std::move(socket), who, options_, handler_);
    connections_.insert(connection);
    asio::co_spawn(executor, connection->serve(),
                   [self = shared_from_this(), connection](const std::exception_ptr&) {
                     self->connections_.erase(connection);
                     self->changed_.cancel();
                   });
  }

  HttpServerOptions options_;
  Handler handler_;
  Acceptor acceptor_;
  std::set<std::shared_ptr<HttpConnection>> connections_;
  asio::steady_timer changed_;
};

HttpServer::HttpServer(const asio::any_io_executor& executor, HttpServerOptions options,
                       Handler handler)
    : state_(std::make_shared<State>(executor, std::move(options), std::move(handler))) {
  state_->start();
}

HttpServer::~HttpServer() {
  state_->close();
}

std::size_t HttpServer::connections() const noexcept {
  return state_->connections();
}

asio::awaitable<void> HttpServer::shut_down(std::chrono::milliseconds limit) {
  const auto state = state_;
  co_await state->shut_down(limit);
}

}  // namespace tinet
