#pragma once
/// A relay loop on a thread of its own, and plain blocking sockets around it. All on loopback.

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "src/proxy/listener.h"

namespace tinet::proxy::test {

/// A blocking TCP socket. Every call gives up after 20 s and then fails the test.
class Peer {
 public:
  Peer() = default;
  explicit Peer(UniqueFd fd);
  [[nodiscard]] static Peer connect(const Endpoint& endpoint);

  void send(std::string_view bytes);
  /// Exactly so many bytes, fewer at the end of the stream.
  [[nodiscard]] std::string receive(std::size_t bytes);
  /// Everything up to the end of the stream.
  [[nodiscard]] std::string receive_all();
  /// Waits for the end of the connection: 0 an orderly one, else the error, e.g. ECONNRESET.
  [[nodiscard]] int wait_for_end();
  /// Nothing arrives within `time`.
  [[nodiscard]] bool is_silent(std::chrono::milliseconds time);
  void finish_sending();
  void reset();
  /// Sends until nothing more is taken.
  std::size_t fill();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] Endpoint local() const { return local_endpoint(fd_.get()); }

 private:
  UniqueFd fd_;
};

/// Listens on a free port of 127.0.0.1.
class Server {
 public:
  Server();
  [[nodiscard]] Endpoint endpoint() const { return local_endpoint(fd_.get()); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] Peer accept();
  /// Nobody connects within `time`.
  [[nodiscard]] bool is_alone(std::chrono::milliseconds time);

 private:
  UniqueFd fd_;
};

class RelayWorld {
 private:
  boost::asio::io_context io_{1};  // before all that runs in it

 public:
  RelayWorld();
  RelayWorld(const RelayWorld&) = delete;
  RelayWorld& operator=(const RelayWorld&) = delete;
  RelayWorld(RelayWorld&&) = delete;
  RelayWorld& operator=(RelayWorld&&) = delete;
  ~RelayWorld();

  /// Runs `work` on the loop's thread and waits for it.
  template <typename Work>
  auto on_loop(Work work) {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto result = task->get_future();
    boost::asio::post(io_, [task] { (*task)(); });
    return result.get();
  }

  void put(RuleSet::Key key, const Rule& rule, bool is_forward = true);
  void remove(RuleSet::Key key, bool is_forward = true);
  [[nodiscard]] Counters forward_count();
  [[nodiscard]] Counters backward_count();
  [[nodiscard]] ListenerCounters listener_count();
  [[nodiscard]] std::size_t open();
  /// Processor time of the loop's thread.
  [[nodiscard]] Nanoseconds work_done();

  /// A connection through the relay and its other end.
  struct Pair {
    Peer client;
    Peer service;
  };
  [[nodiscard]] Pair connect();
  [[nodiscard]] Peer dial() { return Peer::connect(address_); }

  [[nodiscard]] const Endpoint& address() const { return address_; }
  Server server;
  std::shared_ptr<RuleSet> forward = std::make_shared<RuleSet>();
  std::shared_ptr<RuleSet> backward = std::make_shared<RuleSet>();
  std::unique_ptr<RelayLoop> loop;
  std::unique_ptr<RelayListener> listener;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Endpoint address_;
  std::thread thread_;
};

/// Bytes that look random; the same for the same seed.
[[nodiscard]] std::string noise(std::size_t bytes, std::uint64_t seed);

using std::chrono::milliseconds;
using std::chrono::seconds;

[[nodiscard]] inline milliseconds since(TimePoint start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

}  // namespace tinet::proxy::test
