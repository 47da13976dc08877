#include "src/supervisor/publisher.h"

#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/relay.h"

namespace tinet {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kPortsTried = 100;
/// After accept(2) failed for want of descriptors or memory, which other connections give back.
constexpr std::chrono::milliseconds kAcceptRetry{100};

/// Listens on 127.0.0.1:port. @return an empty UniqueFd when the port is taken
UniqueFd try_listen(std::uint16_t port) {
  const std::string what = "cannot listen on 127.0.0.1:" + std::to_string(port);
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (const int error = errno; !socket) {
    throw_errno(error, what);
  }
  const int yes = 1;
  static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(socket.get(), SOMAXCONN) == 0) {
    return socket;
  }
  if (const int error = errno; error != EADDRINUSE) {
    throw_errno(error, what);
  }
  return {};
}

UniqueFd listen_near(const PublisherOptions& options) {
  UniqueFd socket = try_listen(options.port);
  if (!socket && options.explicit_port) {
    throw_conflict("cannot publish '" + options.name + "': port " + std::to_string(options.port) +
                       " of 127.0.0.1 is taken",
                   "choose another port with --publish");
  }
  for (int port = options.port + 1; !socket && port <= options.port + kPortsTried; ++port) {
    if (port > UINT16_MAX) {
      break;
    }
    socket = try_listen(static_cast<std::uint16_t>(port));
  }
  if (!socket) {
    throw_conflict("cannot publish '" + options.name + "': port " + std::to_string(options.port) +
                       " of 127.0.0.1 and the " + std::to_string(kPortsTried) +
                       " after it are taken",
                   "choose a port with --publish, or none with --publish none");
  }
  return socket;
}

}  // namespace

/// Outlives the publisher object as long as one of its coroutines runs.
class Publisher::State : public std::enable_shared_from_this<State> {
 public:
  State(const asio::any_io_executor& executor, PublisherOptions options, OpenSocket open_socket)
      : options_(std::move(options)),
        open_socket_(std::move(open_socket)),
        acceptor_(executor, tcp::v4(), listen_near(options_).release()),
        service_(asio::ip::address_v4(options_.address.value), options_.service_port),
        port_(acceptor_.local_endpoint().port()),
        changed_(executor, asio::steady_timer::time_point::max()) {
    if (options_.port != 0 && port_ != options_.port) {
      note_ = "port " + std::to_string(options_.port) + " is taken: '" + options_.name +
              "' is published on 127.0.0.1:" + std::to_string(port_);
    }
  }

  void start() { asio::co_spawn(acceptor_.get_executor(), accept_all(), asio::detached); }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    changed_.cancel();
    for (const auto& relay : std::set(relays_)) {
      relay->cut();
    }
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::string& note() const noexcept { return note_; }
  [[nodiscard]] std::size_t connections() const noexcept { return relays_.size(); }

 private:
  asio::awaitable<void> accept_all() {
    const auto self = shared_from_this();
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (acceptor_.is_open()) {
      if (relays_.size() >= options_.connections_max) {
        changed_.expires_at(asio::steady_timer::time_point::max());
        co_await changed_.async_wait(token);
        continue;
      }
      tcp::socket client(acceptor_.get_executor());
      co_await acceptor_.async_accept(client, token);
      if (!error) {
        begin(std::move(client));
      } else if (acceptor_.is_open()) {
        changed_.expires_after(kAcceptRetry);
        co_await changed_.async_wait(token);
      }
    }
  }

  void begin(tcp::socket client) {
    const auto executor = client.get_executor();
    tcp::socket service(executor);
    try {
      service.assign(tcp::v4(), open_socket_().release());
    } catch (const std::exception&) {
      // No socket to be had (descriptors, a network that is going away): refused, as the instance
      // itself would be.
      error_code ignored;
      client.set_option(asio::socket_base::linger(true, 0), ignored);
      client.close(ignored);
      return;
    }
    const auto relay = std::make_shared<Relay>(std::move(client), std::move(service));
    relays_.insert(relay);
    asio::co_spawn(executor, relay->run(service_),
                   [self = shared_from_this(), relay](const std::exception_ptr&) {
                     self->relays_.erase(relay);
                     self->changed_.cancel();
                   });
  }

  PublisherOptions options_;
  OpenSocket open_socket_;
  tcp::acceptor acceptor_;
  tcp::endpoint service_;
  std::uint16_t port_;
  std::string note_;
  std::set<std::shared_ptr<Relay>> relays_;
  asio::steady_timer changed_;
};

Publisher::Publisher(const asio::any_io_executor& executor, PublisherOptions options,
                     OpenSocket open_socket)
    : state_(std::make_shared<State>(executor, std::move(options), std::move(open_socket))) {
  state_->start();
}

Publisher::~Publisher() {
  state_->close();
}

std::uint16_t Publisher::port() const noexcept {
  return state_->port();
}

const std::string& Publisher::note() const noexcept {
  return state_->note();
}

std::size_t Publisher::connections() const noexcept {
  return state_->connections();
}

}  // namespace tinet
