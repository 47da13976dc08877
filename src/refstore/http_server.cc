#include "src/refstore/http_server.h"

#include <chrono>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/refstore/http_resolve.h"

namespace tinet::refstore {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

/// A peer that is slower than this with a request, or silent between two, is let go.
constexpr std::chrono::seconds kIdleTimeout{60};
/// Pause after accept(2) failed for want of descriptors or memory.
constexpr std::chrono::milliseconds kAcceptRetry{50};

HttpRequest plain(const http::request<http::string_body>& message) {
  const auto target = message.target();
  HttpRequest request = parse_target({target.data(), target.size()});
  request.method = std::string(message.method_string());
  request.body = message.body();
  request.follower_handle = !message["PD-Allow-follower-handle"].empty();
  return request;
}

http::response<http::string_body> wire(HttpResponse answer, unsigned version, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(answer.status), version);
  message.set(http::field::server, "tinet-refstore");
  message.set(http::field::content_type, answer.content_type);
  message.body() = std::move(answer.body);
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

}  // namespace

/// What connections hold on to; outlives the HttpServer when they do.
struct HttpServer::Shared {
  Shared(HttpHandler answers, std::shared_ptr<Unreliable> network,
         const asio::any_io_executor& executor)
      : handler(std::move(answers)), fates(std::move(network)), room(executor) {}

  HttpHandler handler;
  std::shared_ptr<Unreliable> fates;
  std::size_t connections = 0;
  asio::steady_timer room;  ///< cancelled when a connection ends

  asio::awaitable<HttpResponse> answer(const http::request<http::string_body>& message) const;
  static asio::awaitable<void> accept(std::shared_ptr<Shared> shared, tcp::acceptor acceptor);
  static asio::awaitable<void> serve(std::shared_ptr<Shared> shared, tcp::socket socket, Fate fate);
};

asio::awaitable<HttpResponse> HttpServer::Shared::answer(
    const http::request<http::string_body>& message) const {
  try {
    HttpRequest request = plain(message);
    co_return co_await handler(std::move(request));
  } catch (const Error& error) {
    co_return error_response(error.kind() == ErrorKind::Usage ? 400 : 500, error.what());
  } catch (const std::exception& error) {
    co_return error_response(500, error.what());
  }
}

asio::awaitable<void> HttpServer::Shared::accept(std::shared_ptr<Shared> shared,
                                                 tcp::acceptor acceptor) {
  while (true) {
    boost::system::error_code error;
    if (shared->connections >= kConnectionsMax) {
      shared->room.expires_at(asio::steady_timer::time_point::max());
      co_await shared->room.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    tcp::socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      asio::steady_timer pause(acceptor.get_executor(), kAcceptRetry);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    const Fate fate = shared->fates ? shared->fates->draw() : Fate::Serve;
    if (fate != Fate::Discard) {
      asio::co_spawn(acceptor.get_executor(), serve(shared, std::move(socket), fate),
                     asio::detached);
    }
  }
}

asio::awaitable<void> HttpServer::Shared::serve(std::shared_ptr<Shared> shared, tcp::socket socket,
                                                Fate fate) {
  ++shared->connections;
  const ScopeExit leave([&shared] {
    --shared->connections;
    shared->room.cancel();
  });
  boost::system::error_code error;
  socket.set_option(tcp::no_delay(true), error);
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kBodyBytesMax);
    stream.expires_after(kIdleTimeout);
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      break;
    }
    HttpResponse answer = co_await shared->answer(parser.get());
    if (fate == Fate::Mute) {
      break;
    }
    // The lab's unreliable server draws per connection, so each request gets one of its own.
    const bool keep_alive = parser.get().keep_alive() && !shared->fates;
    http::response<http::string_body> message =
        wire(std::move(answer), parser.get().version(), keep_alive);
    stream.expires_after(kIdleTimeout);
    co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
    if (error || !keep_alive) {
      break;
    }
  }
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpHandler handler,
                       std::shared_ptr<Unreliable> fates)
    : executor_(executor),
      shared_(std::make_shared<Shared>(std::move(handler), std::move(fates), executor)) {}

void HttpServer::listen(const Endpoint& endpoint) {
  try {
    const tcp::endpoint address = resolve(endpoint);
    tcp::acceptor acceptor(executor_);
    acceptor.open(address.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(address);
    acceptor.listen();
    asio::co_spawn(executor_, Shared::accept(shared_, std::move(acceptor)), asio::detached);
  } catch (const boost::system::system_error& error) {
    throw_operation("cannot listen on '" + endpoint.text() + "': " + error.code().message());
  }
}

}  // namespace tinet::refstore
