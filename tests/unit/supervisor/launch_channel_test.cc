#include "src/supervisor/launch_channel.h"

#include <chrono>
#include <optional>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/support/stale_readiness.h"

namespace tinet {
namespace {

using namespace std::chrono_literals;

class LaunchChannelEnds : public ::testing::Test {
 protected:
  LaunchChannelEnds() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    starter_.reset(ends[0]);
    channel_.emplace(loop_.get_executor(), UniqueFd(ends[1]));
  }
  void say_taken() { ASSERT_EQ(::write(starter_.get(), "\n", 1), 1); }

  boost::asio::io_context loop_;
  UniqueFd starter_;  ///< the end of `tinet start`
  std::optional<LaunchChannel> channel_;
};

TEST_F(LaunchChannelEnds, TellOnceWhenTheStarterIsGone) {
  int told = 0;
  channel_->on_close([&] { ++told; });
  loop_.run_for(20ms);
  EXPECT_EQ(told, 0);
  starter_.reset();
  loop_.run_for(10s);
  EXPECT_EQ(told, 1);
}

// A start was given up because another descriptor's event passed for the end of its starter.
TEST_F(LaunchChannelEnds, TakeNoOtherDescriptorsEventForTheStartersEnd) {
  int told = 0;
  test::open_among_stale_events(loop_, [&] { channel_->on_close([&] { ++told; }); });
  loop_.run_for(50ms);
  EXPECT_EQ(told, 0);
  starter_.reset();
  loop_.run_for(10s);
  EXPECT_EQ(told, 1);
}

TEST_F(LaunchChannelEnds, TakeNoOtherDescriptorsEventForTheStartersWord) {
  std::optional<bool> taken;
  test::open_among_stale_events(loop_, [&] {
    boost::asio::co_spawn(loop_, channel_->taken(),
                          [&](const std::exception_ptr&, bool answer) { taken = answer; });
  });
  loop_.run_for(50ms);
  EXPECT_FALSE(taken.has_value());
  say_taken();
  loop_.run_for(10s);
  EXPECT_EQ(taken, true);
}

TEST_F(LaunchChannelEnds, KnowTheOutcomeWasNotTakenWhenTheStarterIsGone) {
  std::optional<bool> taken;
  channel_->on_close([] {});
  channel_->on_close({});
  boost::asio::co_spawn(loop_, channel_->taken(),
                        [&](const std::exception_ptr&, bool answer) { taken = answer; });
  starter_.reset();
  loop_.run_for(10s);
  EXPECT_EQ(taken, false);
}

}  // namespace
}  // namespace tinet
