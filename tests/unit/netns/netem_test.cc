#include "netns/netem.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using namespace std::chrono_literals;
using netlink::ByteSpan;

constexpr std::uint16_t kOptions = 2;

// The content of TCA_OPTIONS of a message that carries nothing else.
ByteSpan options_of(netlink::Request& request, const NetemSpec& spec) {
  request.begin(36, 0, "netem").nest(kOptions, [&] { put_netem_options(request, spec); });
  ByteSpan rest = request.message(0).subspan(16);
  return netlink::next_attribute(rest)->payload;
}

TEST(Netem, WritesWhatTheKernelReads) {
  netlink::Request request;
  const auto options = options_of(request, {.delay = 64us,
                                            .jitter = 0us,
                                            .delay_correlation = 1,
                                            .loss = 0.5,
                                            .reorder = 0.25,
                                            .reorder_gap = 5,
                                            .limit = 0x11223344});
  // latency 1000 ticks, limit, loss 2^31, gap, duplicate, jitter.
  constexpr std::array kSettings{0xe8, 0x03, 0, 0, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0x80,
                                 5,    0,    0, 0, 0,    0,    0,    0,    0, 0, 0, 0};
  ASSERT_GT(options.size(), kSettings.size());
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    EXPECT_EQ(std::to_integer<int>(options[i]), kSettings[i]) << "byte " << i;
  }
  const auto attributes = options.subspan(kSettings.size());
  const auto delay = netlink::find_attribute(attributes, 10);
  ASSERT_TRUE(delay);
  EXPECT_EQ(netlink::read_value<std::int64_t>(*delay), 64'000);
  const auto correlation = netlink::find_attribute(attributes, 1);
  ASSERT_TRUE(correlation);
  EXPECT_EQ(correlation->size(), 12U);
  EXPECT_EQ(netlink::read_value<std::uint32_t>(*correlation), 0xffffffffU);
  EXPECT_FALSE(netlink::find_attribute(attributes, 2)) << "no jitter, no table";
  EXPECT_FALSE(netlink::find_attribute(attributes, 5)) << "no bursts of loss";
}

TEST(Netem, CarriesTheTableOfItsJitter) {
  netlink::Request request;
  const std::vector<std::int16_t> sent = {-8192, 0, 100, 32'767};
  const auto options = options_of(request, {.delay = 10ms, .jitter = 1ms, .table = sent});
  const auto table = netlink::find_attribute(options.subspan(24), 2);
  ASSERT_TRUE(table);
  const auto expected = std::as_bytes(std::span(sent));
  EXPECT_TRUE(std::equal(table->begin(), table->end(), expected.begin(), expected.end()));
}

TEST(Netem, SaysThatJitterIsUniform) {
  netlink::Request request;
  const auto options = options_of(request, {.delay = 10ms, .jitter = 1ms});
  const auto table = netlink::find_attribute(options.subspan(24), 2);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 4096 * sizeof(std::int16_t));
  EXPECT_EQ(netlink::read_value<std::int16_t>(*table), -8192);
}

TEST(Netem, ReadsBackWhatItWrote) {
  const std::vector<NetemSpec> specs{
      {},
      {.delay = 25ms, .jitter = 3ms, .limit = 20'000},
      {.delay = 10s, .delay_correlation = 1},  // more than the 32 bits of ticks would say
      {.loss = 1},
      {.burst_loss = NetemLoss{0, 1, 1, 0}},
      {.delay = 1ms, .reorder = 1, .reorder_correlation = 1, .reorder_gap = 7}};
  for (const NetemSpec& spec : specs) {
    netlink::Request request;
    EXPECT_EQ(read_netem(options_of(request, spec)), spec);
  }
  netlink::Request request;
  const auto read = read_netem(options_of(
      request, {.loss = 0.3, .burst_loss = NetemLoss{0.01, 0.25, 0.8, 0.001}, .reorder = 0.125}));
  ASSERT_TRUE(read && read->burst_loss);
  EXPECT_EQ(read->loss, 0) << "bursts of loss stand alone";
  EXPECT_NEAR(read->burst_loss->to_bad, 0.01, 1e-9);
  EXPECT_NEAR(read->burst_loss->to_good, 0.25, 1e-9);
  EXPECT_NEAR(read->burst_loss->in_bad, 0.8, 1e-9);
  EXPECT_NEAR(read->burst_loss->in_good, 0.001, 1e-9);
  EXPECT_NEAR(read->reorder, 0.125, 1e-9);
}

TEST(Netem, IsToldAsItWasMadeWithRoundedProbabilities) {
  const NetemSpec specs[] = {
      {.delay = 1234567ns, .jitter = 7ms, .table = {1, 2, 3}, .delay_correlation = 0.3},
      {.loss = 0.3, .burst_loss = NetemLoss{0.01, 0.25, 0.8, 0.001}},
      {.loss = 0.1},
      {.delay = 1ms, .reorder = 0.125, .reorder_correlation = 0.7, .reorder_gap = 3},
      {.reorder_gap = 3, .limit = 51}};
  for (const NetemSpec& spec : specs) {
    netlink::Request request;
    EXPECT_EQ(read_netem(options_of(request, spec)), as_told(spec));
  }
}

TEST(Netem, DoesNotReadWhatIsTooShort) {
  EXPECT_FALSE(read_netem({}));
  const std::array<std::byte, 23> short_by_one{};
  EXPECT_FALSE(read_netem(short_by_one));
}

}  // namespace
}  // namespace tinet
