#include "src/supervisor/round_trips.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <sys/socket.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/pair_probe.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::udp;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kSamples = 11;

/// The second time inverted: a corrupted one is nobody's.
struct Ping {
  std::uint32_t number = 0;
  std::uint32_t inverted = 0;
};

/// One socket at each end of a link.
struct Pair {
  udp::socket near;
  udp::socket far;
  udp::endpoint far_address{};
  udp::endpoint near_sender{};
  udp::endpoint far_sender{};
  Ping echo{};
  Ping question{};
  std::uint32_t last = 0;
  std::map<std::uint32_t, steady_clock::time_point> sent{};
  std::vector<nanoseconds> taken{};
  bool answered = false;  ///< since the last turn
};

udp::socket open(const asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
                 Endpoint endpoint) {
  UniqueFd fd = fabric.open_socket(endpoint, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  udp::socket socket(executor);
  socket.assign(udp::v4(), fd.get());
  static_cast<void>(fd.release());
  socket.bind(udp::endpoint(asio::ip::address_v4(address_of(plan, endpoint).value), 0));
  return socket;
}

class Timing : public std::enable_shared_from_this<Timing> {
 public:
  Timing(const asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
         const std::vector<Link>& links)
      : done_(executor) {
    for (const Link& link : links) {
      pairs_.push_back(std::make_unique<Pair>(
          Pair{open(executor, plan, fabric, link.from), open(executor, plan, fabric, link.to)}));
      pairs_.back()->far_address = pairs_.back()->far.local_endpoint();
    }
  }

  void listen() {
    for (const auto& pair : pairs_) {
      await_question(*pair);
      await_echo(*pair);
    }
  }

  /// Asks wherever the last turn's question is still unanswered or nothing was asked yet.
  void take_turn() {
    for (const auto& pair : pairs_) {
      if (pair->taken.size() < kSamples && (pair->last == 0 || !pair->answered)) {
        ask(*pair);
      }
      pair->answered = false;
    }
  }

  [[nodiscard]] bool complete() const {
    return std::all_of(pairs_.begin(), pairs_.end(),
                       [](const auto& pair) { return pair->taken.size() >= kSamples; });
  }
  asio::steady_timer& done() { return done_; }

  void close() {
    for (const auto& pair : pairs_) {
      boost::system::error_code ignored;
      pair->near.close(ignored);
      pair->far.close(ignored);
    }
  }

  [[nodiscard]] std::vector<std::optional<nanoseconds>> medians() const {
    std::vector<std::optional<nanoseconds>> medians;
    for (const auto& pair : pairs_) {
      std::vector<nanoseconds> taken = pair->taken;
      std::sort(taken.begin(), taken.end());
      medians.push_back(taken.empty() ? std::nullopt : std::optional(taken[taken.size() / 2]));
    }
    return medians;
  }

 private:
  static void ask(Pair& pair) {
    const Ping ping{++pair.last, ~pair.last};
    pair.sent[ping.number] = steady_clock::now();
    boost::system::error_code ignored;
    pair.near.send_to(asio::buffer(&ping, sizeof ping), pair.far_address, 0, ignored);
  }

  void await_question(Pair& pair) {
    pair.far.async_receive_from(
        asio::buffer(&pair.question, sizeof pair.question), pair.far_sender,
        [self = shared_from_this(), &pair](const boost::system::error_code& error,
                                           std::size_t size) {
          if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
            return;
          }
          if (!error) {
            boost::system::error_code ignored;
            pair.far.send_to(asio::buffer(&pair.question, size), pair.far_sender, 0, ignored);
          }
          self->await_question(pair);
        });
  }

  void await_echo(Pair& pair) {
    pair.near.async_receive_from(
        asio::buffer(&pair.echo, sizeof pair.echo), pair.near_sender,
        [self = shared_from_this(), &pair](const boost::system::error_code& error,
                                           std::size_t size) {
          if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
            return;
          }
          if (!error && size == sizeof pair.echo && pair.echo.inverted == ~pair.echo.number) {
            self->take_echo(pair);
          }
          self->await_echo(pair);
        });
  }

  void take_echo(Pair& pair) {
    const auto asked = pair.sent.find(pair.echo.number);
    if (asked == pair.sent.end() || pair.taken.size() >= kSamples) {
      return;
    }
    pair.taken.push_back(steady_clock::now() - asked->second);
    pair.sent.erase(asked);
    pair.answered = true;
    if (pair.taken.size() < kSamples) {
      ask(pair);
    } else if (complete()) {
      done_.cancel();
    }
  }

  std::vector<std::unique_ptr<Pair>> pairs_;
  asio::steady_timer done_;
};

/// Of the datagrams that this module sends.
bool means_datagrams(const Match& match) {
  Match rest = match;
  if (rest.protocol == Protocol::Udp) {
    rest.protocol = Protocol::Any;
  }
  return rest.everything();
}

json::value microseconds(const std::optional<nanoseconds>& time) {
  return time ? json::value(std::chrono::duration_cast<std::chrono::microseconds>(*time).count())
              : json::value(nullptr);
}

}  // namespace

std::vector<Link> links_to_time(const Fault& fault) {
  std::vector<Link> links;
  std::set<Link> there;
  for (std::size_t i = 0; i < fault.links.size() && links.size() < kTimedPairsMax; ++i) {
    const Link link = fault.links[i];
    const FaultClause& clause = fault.clause(i);
    if (clause.action.shapes() && means_datagrams(clause.match) &&
        there.count({link.to, link.from}) == 0) {
      there.insert(link);
      links.push_back(link);
    }
  }
  return links;
}

asio::awaitable<std::vector<std::optional<nanoseconds>>> time_round_trips(
    const ClusterPlan& plan, Fabric& fabric, std::vector<Link> links,
    std::chrono::milliseconds budget) {
  const auto executor = co_await asio::this_coro::executor;
  std::shared_ptr<Timing> timing;
  try {
    timing = std::make_shared<Timing>(executor, plan, fabric, links);
  } catch (const boost::system::system_error& error) {
    throw_operation(std::string("cannot time links: ") + error.code().message());
  }
  timing->listen();
  for (std::size_t turn = 0; turn < kSamples && !timing->complete(); ++turn) {
    timing->take_turn();
    timing->done().expires_after(nanoseconds(budget) / static_cast<std::int64_t>(kSamples));
    boost::system::error_code ignored;
    co_await timing->done().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  timing->close();
  co_return timing->medians();
}

json::array round_trips_document(const ClusterPlan& plan, const std::vector<RoundTrip>& trips) {
  json::array documents;
  for (const RoundTrip& trip : trips) {
    documents.push_back(json::object{{"from", endpoint_name(plan, trip.link.from)},
                                     {"to", endpoint_name(plan, trip.link.to)},
                                     {"rtt_before_us", microseconds(trip.before)},
                                     {"rtt_us", microseconds(trip.with)}});
  }
  return documents;
}

}  // namespace tinet
