/// A peer whose machine is gone says nothing at all: no end, no reset.

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/proxy/listener.h"

namespace tinet::proxy {
namespace {

using namespace std::chrono_literals;

/// The loopback device of this test's own namespace.
void set_loopback(bool is_up) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    throw_errno(errno, "cannot read the flags of 'lo'");
  }
  const int flags = is_up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
    throw_errno(errno, "cannot change the flags of 'lo'");
  }
}

TEST(Vanish, WithoutAWordIsNoticedByProbes) {
  set_loopback(true);
  boost::asio::io_context io;
  RelayLoop loop(io.get_executor());
  const Endpoint any(boost::asio::ip::address_v4::loopback(), 0);
  const UniqueFd server = listen_at(any);
  const auto rules = std::make_shared<RuleSet>();
  RelayListener relay(loop, {.bind = any,
                             .find_upstream = dial({local_endpoint(server.get())}),
                             .on_accept =
                                 [&](const Endpoint&) {
                                   return Rules{{rules, rules}, {}};
                                 },
                             .keep_alive = {.idle = 1s, .interval = 1s, .probes = 1}});

  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), relay.endpoint().data(),
                      static_cast<socklen_t>(relay.endpoint().size())),
            0);
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  while (rules->counters().bytes == 0) {
    ASSERT_EQ(io.run_one_for(10s), 1U) << "the byte did not pass";
  }
  EXPECT_EQ(relay.open(), 1U);

  set_loopback(false);
  const TimePoint start = Clock::now();
  while (relay.open() != 0) {
    ASSERT_LT(Clock::now() - start, 20s) << "the vanished peers were not noticed";
    io.run_one_for(1s);
  }
  EXPECT_GE(Clock::now() - start, 1s);
}

}  // namespace
}  // namespace tinet::proxy
