#include "netns/queue_message.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/netlink_bytes.h"

namespace tinet {
namespace {

using testing::bytes_of;

std::optional<QueuedPacket> parse(const std::vector<std::byte>& bytes) {
  netlink::ByteSpan rest(bytes);
  const auto message = netlink::next_message(rest);
  return message ? parse_queued_packet(*message) : std::nullopt;
}

// Netlink header, nfgenmsg, then NFQA_PACKET_HDR of packet 7: seven bytes and one of padding.
std::vector<std::byte> packet_seven(std::initializer_list<int> more = {}) {
  std::vector<std::byte> bytes = bytes_of({0,  0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                           2,  0, 0, 0,                                      //
                                           11, 0, 1, 0, 0, 0, 0, 7, 8, 0, 2, 0});
  const auto tail = bytes_of(more);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  bytes[0] = static_cast<std::byte>(bytes.size());
  return bytes;
}

TEST(ParseQueuedPacket, ReadsNumberMarkAndBridgePorts) {
  // The hook's devices are the bridge itself; its ports are the link.
  const auto packet = parse(packet_seven({8, 0, 3, 0, 0, 5, 1, 2,  // NFQA_MARK
                                          8, 0, 5, 0, 0, 0, 0, 2,  // NFQA_IFINDEX_INDEV
                                          8, 0, 7, 0, 0, 0, 0, 3,  // NFQA_IFINDEX_PHYSINDEV
                                          8, 0, 6, 0, 0, 0, 0, 2,  // NFQA_IFINDEX_OUTDEV
                                          8, 0, 8, 0, 0, 0, 1, 4}));
  ASSERT_TRUE(packet);
  EXPECT_EQ(*packet, (QueuedPacket{.id = 7, .mark = 0x50102, .in = {3}, .out = {0x104}}));
}

TEST(ParseQueuedPacket, TakesTheHooksDevicesWithoutPorts) {
  const auto packet = parse(packet_seven({8, 0, 5, 0, 0, 0, 0, 9, 8, 0, 6, 0, 0, 0, 0, 10}));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->in, IfIndex{9});
  EXPECT_EQ(packet->out, IfIndex{10});
  EXPECT_EQ(packet->mark, 0U);
}

TEST(ParseQueuedPacket, SkipsAttributesItDoesNotKnow) {
  const auto packet = parse(packet_seven({6, 0, 99, 0, 1, 2, 0, 0, 8, 0, 3, 0, 0, 0, 0, 4}));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->mark, 4U);
}

TEST(ParseQueuedPacket, RejectsOtherMessages) {
  auto bytes = packet_seven();
  bytes[4] = std::byte{2};  // NFQNL_MSG_CONFIG
  EXPECT_FALSE(parse(bytes));
  bytes[4] = std::byte{0};
  bytes[5] = std::byte{10};  // another subsystem
  EXPECT_FALSE(parse(bytes));
  EXPECT_FALSE(parse(bytes_of({16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})));
}

TEST(ParseQueuedPacket, RejectsAPacketWithoutNumber) {
  auto bytes = packet_seven();
  bytes[22] = std::byte{99};  // type of the attribute that holds it
  EXPECT_FALSE(parse(bytes));
  bytes = packet_seven();
  bytes[20] = std::byte{10};  // one byte too few for it
  EXPECT_FALSE(parse(bytes));
  // Cut off after the nfgenmsg, and in the middle of it.
  EXPECT_FALSE(parse(bytes_of({20, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0})));
  EXPECT_FALSE(parse(bytes_of({18, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0})));
}

TEST(ParseQueuedPacket, StopsAtAMalformedAttributeAndKeepsWhatCameBefore) {
  for (const int length : {0, 3, 9, 200}) {
    const auto packet = parse(packet_seven({length, 0, 3, 0, 0, 0, 0, 4}));
    ASSERT_TRUE(packet) << length;
    EXPECT_EQ(packet->mark, 0U) << length;
  }
  const auto short_mark = parse(packet_seven({6, 0, 3, 0, 0, 4, 0, 0}));
  ASSERT_TRUE(short_mark);
  EXPECT_EQ(short_mark->mark, 0U);
}

std::vector<std::byte> bind_message(int flags) {
  return bytes_of({64, 0, 0, 0, 2, 3,  5,  0,     9, 0, 0, 0, 0, 0, 0, 0,  // NLM_F_REQUEST, ACK
                   0,  0, 0, 5,                                            // queue
                   8,  0, 1, 0, 1, 0,  0,  0,                              // bind
                   9,  0, 2, 0, 0, 0,  0,  0,     1, 0, 0, 0,              // copy metadata
                   8,  0, 3, 0, 0, 15, 66, 64,                             // one million
                   8,  0, 5, 0, 0, 0,  0,  flags,                          //
                   8,  0, 4, 0, 0, 0,  0,  flags});
}

TEST(MakeQueueBind, IsOneMessageWithAllSettings) {
  constexpr int kGso = 4;
  constexpr int kFailOpen = 1;
  EXPECT_EQ(make_queue_bind({.queue = 5, .packets_max = 1'000'000}, 9), bind_message(kGso));
  EXPECT_EQ(make_queue_bind({.queue = 5, .packets_max = 1'000'000, .fail_open = true}, 9),
            bind_message(kGso | kFailOpen));
}

std::vector<std::byte> verdict_message(int type, int id, int verdict) {
  return bytes_of({32, 0, 0, 0, type, 3, 1, 0, 0, 0, 0, 0,       0, 0, 0, 0,  //
                   0,  0, 0, 2, 12,   0, 2, 0, 0, 0, 0, verdict, 0, 0, 0, id});
}
constexpr int kSingle = 1;
constexpr int kBatch = 3;
constexpr int kDrop = 0;
constexpr int kAccept = 1;

void append(std::vector<std::byte>& bytes, const std::vector<std::byte>& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

std::vector<std::byte> finished(VerdictWriter& writer) {
  const auto bytes = writer.finish();
  return {bytes.begin(), bytes.end()};
}

TEST(VerdictWriter, OneVerdictIsOneMessage) {
  VerdictWriter writer(2);
  EXPECT_TRUE(writer.empty());
  writer.add({7, PacketVerdict::Accept, true});
  EXPECT_FALSE(writer.empty());
  EXPECT_EQ(writer.size_bytes(), 32U);
  EXPECT_EQ(finished(writer), verdict_message(kSingle, 7, kAccept));
  writer.clear();
  EXPECT_TRUE(writer.empty());
  EXPECT_TRUE(writer.finish().empty());
}

TEST(VerdictWriter, OldestPacketsShareABatchUpToTheLast) {
  VerdictWriter writer(2);
  for (const std::uint32_t id : {3U, 4U, 9U}) {
    writer.add({id, PacketVerdict::Accept, true});
  }
  EXPECT_EQ(finished(writer), verdict_message(kBatch, 9, kAccept));
}

TEST(VerdictWriter, KeepsTheOrderAroundPacketsThatOvertake) {
  VerdictWriter writer(2);
  writer.add({3, PacketVerdict::Accept, true});
  writer.add({4, PacketVerdict::Accept, true});
  writer.add({8, PacketVerdict::Accept, false});  // 5 still waits
  writer.add({5, PacketVerdict::Accept, true});
  writer.add({6, PacketVerdict::Drop, true});
  writer.add({7, PacketVerdict::Drop, true});
  std::vector<std::byte> expected = verdict_message(kBatch, 4, kAccept);
  append(expected, verdict_message(kSingle, 8, kAccept));
  append(expected, verdict_message(kSingle, 5, kAccept));
  append(expected, verdict_message(kBatch, 7, kDrop));
  EXPECT_EQ(writer.size_bytes(), expected.size());
  EXPECT_EQ(finished(writer), expected);
}

/// As verdict_message(), and what becomes of the mark.
std::vector<std::byte> marking_message(int type, int id, int mark) {
  std::vector<std::byte> bytes = verdict_message(type, id, kAccept);
  bytes[0] = std::byte{40};
  append(bytes, bytes_of({8, 0, 3, 0, 0, 0, 0, mark}));
  return bytes;
}

TEST(VerdictWriter, OnlyVerdictsWithTheSameMarkShareABatch) {
  VerdictWriter writer(2);
  writer.add({3, PacketVerdict::Accept, true, 5});
  writer.add({4, PacketVerdict::Accept, true, 5});
  writer.add({5, PacketVerdict::Accept, true, 6});
  writer.add({6, PacketVerdict::Accept, true});
  std::vector<std::byte> expected = marking_message(kBatch, 4, 5);
  append(expected, marking_message(kSingle, 5, 6));
  append(expected, verdict_message(kSingle, 6, kAccept));
  EXPECT_EQ(finished(writer), expected);
}

}  // namespace
}  // namespace tinet
