#include "src/supervisor/relay.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace tinet {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Closes with a reset: linger with a time of 0.
void reset(Relay::Socket& socket) noexcept {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

}  // namespace

Relay::Relay(Socket client, Socket service)
    : client_(std::move(client)), service_(std::move(service)) {}

asio::awaitable<void> Relay::run(asio::ip::tcp::endpoint service) {
  const auto self = shared_from_this();
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await service_.async_connect(service, token);
  if (error) {
    cut();
    co_return;
  }
  const asio::ip::tcp::no_delay at_once(true);
  service_.set_option(at_once, error);
  client_.set_option(at_once, error);

  asio::steady_timer other_is_done(client_.get_executor(), asio::steady_timer::time_point::max());
  bool is_done = false;
  asio::co_spawn(client_.get_executor(), carry(service_, client_, to_client_),
                 [self, &other_is_done, &is_done](const std::exception_ptr&) {
                   is_done = true;
                   other_is_done.cancel();
                 });
  auto upstream = carry(client_, service_, to_service_);
  co_await std::move(upstream);
  while (!is_done) {
    co_await other_is_done.async_wait(token);
  }
  client_.close(error);
  service_.close(error);
}

asio::awaitable<void> Relay::carry(Socket& from, Socket& to, Buffer& buffer) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  const auto whole = asio::buffer(buffer);
  for (;;) {
    const std::size_t count = co_await from.async_read_some(whole, token);
    if (error) {
      break;
    }
    const auto part = asio::buffer(buffer.data(), count);
    co_await asio::async_write(to, part, token);
    if (error) {
      break;
    }
  }
  if (error == asio::error::eof) {
    to.shutdown(Socket::shutdown_send, error);
  } else {
    cut();
  }
}

void Relay::cut() noexcept {
  reset(client_);
  reset(service_);
}

}  // namespace tinet
