/// The first fault that shapes at a port leaves the port's other links alone.

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/kernel/fault_actions.h"
#include "tests/kernel/fault_traffic.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7000;

LinkAction limiting() {
  LinkAction action;
  action.rate = Rate{8'000'000, 3'000, 500};
  return action;
}

/// Sends over one link without a pause, from a thread of its own.
class Talk {
 public:
  Talk(World& world, Link link) : datagrams_(world, link, kPort) {
    thread_ = std::thread([this] {
      while (!stop_) {
        datagrams_.send(sent_, kChunk);
        sent_ += kChunk;
        sent_.notify_one();
      }
    });
  }
  ~Talk() { end(); }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  Talk(Talk&&) = delete;
  Talk& operator=(Talk&&) = delete;

  /// Until so many more datagrams were sent.
  void wait_for(std::uint32_t more) {
    const std::uint32_t wanted = sent_ + more;
    for (std::uint32_t sent = sent_; sent < wanted; sent = sent_) {
      sent_.wait(sent);
    }
  }
  /// Datagrams that did not arrive.
  std::size_t lost() {
    end();
    std::size_t arrived = datagrams_.receive(2ms).size();
    if (arrived < sent_) {
      arrived += datagrams_.receive(300ms).size();
    }
    return sent_ - arrived;
  }

 private:
  static constexpr std::uint32_t kChunk = 16;

  void end() {
    stop_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  Datagrams datagrams_;
  std::atomic<std::uint32_t> sent_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(FirstShaping, LosesNoPacketOfOtherLinks) {
  constexpr Endpoint kPorts = 201;
  World world(kPorts);
  std::size_t lost = 0;
  for (Endpoint port = 1; port < kPorts; ++port) {
    Talk talk(world, {kPorts, port});  // from the client
    talk.wait_for(32);
    world.fabric->apply({acting(port, limiting(), {{0, port}})}, now());
    talk.wait_for(32);
    lost += talk.lost();
  }
  EXPECT_EQ(lost, 0U) << "in " << kPorts - 1 << " changes";
}

}  // namespace
}  // namespace tinet::testing
