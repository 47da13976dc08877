#include "netns/qdisc.h"

#include <string>
#include <vector>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <gtest/gtest.h>

#include "netns/netlink/dump.h"

namespace tinet {
namespace {

using netlink::ByteSpan;

constexpr IfIndex kLink{7};

struct Sent {
  netlink::MessageView message;
  tcmsg header{};
  ByteSpan attributes;
};

Sent only_message(const netlink::Request& request) {
  EXPECT_EQ(request.size(), 1U);
  ByteSpan rest = request.bytes();
  Sent sent;
  sent.message = *netlink::next_message(rest);
  sent.header = *netlink::read_value<tcmsg>(sent.message.payload);
  sent.attributes = netlink::attributes_after(sent.message.payload, sizeof(tcmsg));
  return sent;
}

tc_htb_opt settings_of(const Sent& sent) {
  const auto options = *netlink::find_attribute(sent.attributes, TCA_OPTIONS);
  return *netlink::read_value<tc_htb_opt>(*netlink::find_attribute(options, TCA_HTB_PARMS));
}

TEST(Qdisc, RootIsHtbThatShapesNothingByItself) {
  netlink::Request request;
  put_htb_root(request, kLink);
  const Sent sent = only_message(request);
  EXPECT_EQ(sent.message.type, RTM_NEWQDISC);
  EXPECT_EQ(sent.header.tcm_ifindex, 7);
  EXPECT_EQ(sent.header.tcm_parent, TC_H_ROOT);
  EXPECT_EQ(sent.header.tcm_handle, 0x10000U);
  const auto options = *netlink::find_attribute(sent.attributes, TCA_OPTIONS);
  const auto init =
      netlink::read_value<tc_htb_glob>(*netlink::find_attribute(options, TCA_HTB_INIT));
  EXPECT_EQ(init->defcls, 0U);
  EXPECT_EQ(init->version, 3U);
}

TEST(Qdisc, ClassSaysItsRatesInBytesAndItsBurstsInTicks) {
  netlink::Request request;
  put_htb_class(request, {.link = kLink,
                          .minor = 0x1a,
                          .rate = 1'000'000,
                          .ceil = 2'000'000,
                          .burst = 6400,
                          .quantum = 3000});
  const Sent sent = only_message(request);
  EXPECT_EQ(sent.message.type, RTM_NEWTCLASS);
  EXPECT_EQ(sent.header.tcm_handle, 0x1001aU);
  EXPECT_EQ(sent.header.tcm_parent, 0x10000U);
  const tc_htb_opt settings = settings_of(sent);
  EXPECT_EQ(settings.rate.rate, 1'000'000U);
  EXPECT_EQ(settings.ceil.rate, 2'000'000U);
  EXPECT_EQ(settings.rate.linklayer, TC_LINKLAYER_ETHERNET);
  EXPECT_EQ(settings.buffer, 100'000U);  // 6.4 ms of 64 ns
  EXPECT_EQ(settings.cbuffer, 50'000U);
  EXPECT_EQ(settings.quantum, 3000U);
  EXPECT_EQ(request.what(0), "make class 1:26 of interface 7");
}

TEST(Qdisc, ClassHasQuantumAndBurstOfItsRateWhenNoneIsGiven) {
  const auto settings = [](std::uint64_t rate) {
    netlink::Request request;
    put_htb_class(request, {.link = kLink, .minor = 1, .rate = rate});
    return settings_of(only_message(request));
  };
  EXPECT_EQ(settings(1000).quantum, 1514U);
  EXPECT_EQ(settings(100'000).quantum, 10'000U);
  EXPECT_EQ(settings(100'000'000).quantum, 60'000U);
  EXPECT_EQ(settings(1'000'000).ceil.rate, 1'000'000U);
  EXPECT_EQ(settings(1'000'000).buffer, 86'156U);  // 4 ms and 1514 bytes, in 64 ns
}

TEST(Qdisc, RatesBeyond32BitsAreSaidInFull) {
  netlink::Request request;
  constexpr std::uint64_t kRate = 12'500'000'000;  // 100 Gbit/s
  put_htb_class(request, {.link = kLink, .minor = 1, .rate = kRate});
  const Sent sent = only_message(request);
  EXPECT_EQ(settings_of(sent).rate.rate, 0xffffffffU);
  const auto options = *netlink::find_attribute(sent.attributes, TCA_OPTIONS);
  for (const std::uint16_t type : {TCA_HTB_RATE64, TCA_HTB_CEIL64}) {
    EXPECT_EQ(netlink::read_value<std::uint64_t>(*netlink::find_attribute(options, type)), kRate);
  }
}

TEST(Qdisc, LeavesAreMadeOrChanged) {
  netlink::Request request;
  put_pfifo_leaf(request, kLink, 16, 50);
  Sent sent = only_message(request);
  EXPECT_EQ(sent.message.type, RTM_NEWQDISC);
  EXPECT_EQ(sent.message.flags & (NLM_F_CREATE | NLM_F_REPLACE | NLM_F_EXCL),
            NLM_F_CREATE | NLM_F_REPLACE);
  EXPECT_EQ(sent.header.tcm_parent, 0x10010U);
  EXPECT_EQ(netlink::as_text(*netlink::find_attribute(sent.attributes, TCA_KIND)), "pfifo");
  const auto limit = netlink::find_attribute(sent.attributes, TCA_OPTIONS);
  EXPECT_EQ(netlink::read_value<std::uint32_t>(*limit), 50U);

  request.clear();
  put_netem_leaf(request, kLink, 16, {.delay = std::chrono::milliseconds(5), .limit = 77});
  sent = only_message(request);
  EXPECT_EQ(netlink::as_text(*netlink::find_attribute(sent.attributes, TCA_KIND)), "netem");
  const auto read = read_netem(*netlink::find_attribute(sent.attributes, TCA_OPTIONS));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->delay, std::chrono::milliseconds(5));
  EXPECT_EQ(read->limit, 77U);
}

}  // namespace
}  // namespace tinet
