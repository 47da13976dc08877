#include "src/supervisor/connect_probe.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/pair_probe.h"

namespace tinet {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Segments that opening a connection took so far: a SYN and its repetitions. @see tcp(7), TCP_INFO
std::size_t segments_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? 1 + info.tcpi_total_retrans
                                                                    : 1;
}

/// Sockets that listen on ports of their own, one per endpoint and family. Nobody accepts: the
/// kernel completes connections by itself.
class Listeners {
 public:
  explicit Listeners(Fabric& fabric) : fabric_(fabric) {}

  std::uint16_t port_of(Endpoint endpoint, const asio::ip::address& address) {
    const auto [at, added] = sockets_.try_emplace({endpoint, address.is_v6()});
    if (added) {
      const tcp::endpoint where(address, 0);
      at->second = fabric_.open_socket(endpoint, where.protocol().family(), SOCK_STREAM, 0);
      if (::bind(at->second.get(), where.data(), static_cast<socklen_t>(where.size())) != 0 ||
          ::listen(at->second.get(), SOMAXCONN) != 0) {
        throw_errno(errno, "cannot listen for probes");
      }
    }
    tcp::endpoint bound;
    auto size = static_cast<socklen_t>(bound.capacity());
    if (::getsockname(at->second.get(), bound.data(), &size) != 0) {
      throw_errno(errno, "cannot listen for probes");
    }
    bound.resize(size);
    return bound.port();
  }

 private:
  Fabric& fabric_;
  std::map<std::pair<Endpoint, bool>, UniqueFd> sockets_;
};

class Attempts : public std::enable_shared_from_this<Attempts> {
 public:
  /// @param awaits_answer whether to have connected is not enough
  Attempts(const asio::any_io_executor& executor, std::size_t count, bool awaits_answer)
      : awaits_answer_(awaits_answer),
        tried_(count),
        done_(executor, std::chrono::steady_clock::time_point::max()) {}

  void start(const asio::any_io_executor& executor, Fabric& fabric, std::size_t index,
             Endpoint from, const tcp::endpoint& to) {
    const bool v4 = to.address().is_v4();
    UniqueFd fd = fabric.open_socket(from, v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    auto& socket = sockets_.emplace_back(executor);
    index_of_.push_back(index);
    socket.assign(to.protocol(), fd.get());
    static_cast<void>(fd.release());
    ++open_;
    socket.async_connect(
        to, [self = shared_from_this(), &socket, index](boost::system::error_code error) {
          if (error || !self->awaits_answer_) {
            self->note(index, error);
          } else {
            self->await_answer(socket, index);
          }
        });
  }

  asio::steady_timer& done() { return done_; }
  [[nodiscard]] bool complete() const { return open_ == 0; }
  /// As of now, with what was sent so far.
  [[nodiscard]] std::vector<Tried> tried() {
    std::vector<Tried> all = tried_;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      all[index_of_[i]].segments += segments_of(sockets_[i].native_handle());
    }
    return all;
  }

  void close() {
    for (auto& socket : sockets_) {
      boost::system::error_code ignored;
      socket.close(ignored);
    }
  }

 private:
  /// Tells the service that we are done, and waits for whatever it says.
  void await_answer(tcp::socket& socket, std::size_t index) {
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    socket.async_wait(tcp::socket::wait_read, [self = shared_from_this(), &socket,
                                               index](boost::system::error_code error) {
      char byte = 0;
      if (!error) {
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
      }
      self->note(index, error == asio::error::eof ? boost::system::error_code() : error);
    });
  }

  void note(std::size_t index, const boost::system::error_code& error) {
    --open_;
    Attempt outcome = Attempt::Refused;
    if (!error) {
      outcome = Attempt::Connected;
    } else if (error == asio::error::operation_aborted || error == asio::error::timed_out) {
      outcome = Attempt::Silent;
    }
    tried_[index].outcome = std::min(tried_[index].outcome, outcome);
    if (complete()) {
      done_.cancel();
    }
  }

  bool awaits_answer_;
  std::vector<Tried> tried_;
  std::deque<tcp::socket> sockets_;  // their places stay
  std::vector<std::size_t> index_of_;
  std::size_t open_ = 0;
  asio::steady_timer done_;
};

}  // namespace

asio::awaitable<std::vector<Tried>> try_connections(const ClusterPlan& plan, Fabric& fabric,
                                                    std::vector<PreventedConnection> connections,
                                                    std::chrono::milliseconds budget) {
  const auto executor = co_await asio::this_coro::executor;
  const auto attempts =
      std::make_shared<Attempts>(executor, connections.size(), !fabric.carries_datagrams());
  Listeners listeners(fabric);
  try {
    const auto start = [&](std::size_t index, const asio::ip::address& address) {
      const auto& connection = connections[index];
      const std::uint16_t port =
          connection.port != 0 ? connection.port : listeners.port_of(connection.to, address);
      attempts->start(executor, fabric, index, connection.from, {address, port});
    };
    for (std::size_t i = 0; i < connections.size(); ++i) {
      const auto& connection = connections[i];
      start(i, asio::ip::address_v4(address_of(plan, connection.to).value));
      const auto address6 = address6_of(plan, connection.to);
      if (address6 && address6_of(plan, connection.from)) {
        start(i, asio::ip::address_v6(address6->bytes));
      }
    }
  } catch (const boost::system::system_error& error) {
    attempts->close();
    throw_operation(std::string("cannot try connections: ") + error.code().message());
  } catch (const Error&) {
    attempts->close();
    throw;
  }
  if (!attempts->complete()) {
    attempts->done().expires_after(budget);
    boost::system::error_code ignored;
    co_await attempts->done().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  // The last word on outcomes: what ends after this was silent for the whole budget.
  std::vector<Tried> tried = attempts->tried();
  attempts->close();
  co_return tried;
}

}  // namespace tinet
