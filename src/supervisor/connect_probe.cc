#include "src/supervisor/connect_probe.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

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

class Attempts : public std::enable_shared_from_this<Attempts> {
 public:
  /// @param awaits_answer whether to have connected is not enough
  Attempts(const asio::any_io_executor& executor, std::size_t count, bool awaits_answer)
      : awaits_answer_(awaits_answer),
        outcomes_(count, Attempt::Silent),
        done_(executor, std::chrono::steady_clock::time_point::max()) {}

  void start(const asio::any_io_executor& executor, Fabric& fabric, std::size_t index,
             Endpoint from, const tcp::endpoint& to) {
    const bool v4 = to.address().is_v4();
    UniqueFd fd = fabric.open_socket(from, v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    auto& socket = sockets_.emplace_back(executor);
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
  [[nodiscard]] const std::vector<Attempt>& outcomes() const { return outcomes_; }

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
    outcomes_[index] = std::min(outcomes_[index], outcome);
    if (complete()) {
      done_.cancel();
    }
  }

  bool awaits_answer_;
  std::vector<Attempt> outcomes_;
  std::deque<tcp::socket> sockets_;  // their places stay
  std::size_t open_ = 0;
  asio::steady_timer done_;
};

}  // namespace

asio::awaitable<std::vector<Attempt>> try_connections(const ClusterPlan& plan, Fabric& fabric,
                                                      std::vector<PreventedConnection> connections,
                                                      std::chrono::milliseconds budget) {
  const auto executor = co_await asio::this_coro::executor;
  const auto attempts =
      std::make_shared<Attempts>(executor, connections.size(), !fabric.carries_datagrams());
  try {
    for (std::size_t i = 0; i < connections.size(); ++i) {
      const auto& connection = connections[i];
      const asio::ip::address_v4 address(address_of(plan, connection.to).value);
      attempts->start(executor, fabric, i, connection.from, {address, connection.port});
      const auto address6 = address6_of(plan, connection.to);
      if (address6 && address6_of(plan, connection.from)) {
        attempts->start(executor, fabric, i, connection.from,
                        {asio::ip::address_v6(address6->bytes), connection.port});
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
  std::vector<Attempt> outcomes = attempts->outcomes();
  attempts->close();
  co_return outcomes;
}

}  // namespace tinet
