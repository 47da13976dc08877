#include "netns/netlink/ack.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "tests/support/netlink_bytes.h"

namespace tinet::netlink {
namespace {

using testing::bytes_of;

// NLMSG_ERROR for sequence 7 with errno 2, capped, extended ACK "no" and offset 0x14.
std::vector<std::byte> extended_error() {
  return bytes_of({52,   0,    0,    0,    2,    0,   0, 3, 7, 0, 0, 0, 9, 0, 0, 0,  //
                   0xfe, 0xff, 0xff, 0xff,                                           //
                   60,   0,    0,    0,    16,   0,   5, 6, 7, 0, 0, 0, 9, 0, 0, 0,  //
                   7,    0,    1,    0,    'n',  'o', 0, 0,                          //
                   8,    0,    2,    0,    0x14, 0,   0, 0});
}

std::optional<Ack> parse(const std::vector<std::byte>& bytes) {
  ByteSpan rest(bytes);
  const auto message = next_message(rest);
  return message ? parse_ack(*message) : std::nullopt;
}

TEST(ParseAck, ReadsErrorTextAndOffset) {
  const auto ack = parse(extended_error());
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->sequence, 7U);
  EXPECT_EQ(ack->error, ENOENT);
  EXPECT_EQ(ack->text, "no");
  EXPECT_EQ(ack->offset, 0x14U);
}

TEST(ParseAck, SkipsTheRepeatedRequestWhenItIsNotCapped) {
  auto bytes = extended_error();
  bytes[7] = std::byte{2};    // NLM_F_ACK_TLVS without NLM_F_CAPPED
  bytes[20] = std::byte{20};  // the repeated request: a header and four bytes
  const auto payload = bytes_of({1, 2, 3, 4});
  bytes.insert(bytes.begin() + 36, payload.begin(), payload.end());
  bytes[0] = std::byte{56};
  const auto ack = parse(bytes);
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->text, "no");
}

TEST(ParseAck, IgnoresAttributesPastTheEndOfTheRepeatedRequest) {
  auto bytes = extended_error();
  bytes[7] = std::byte{2};  // the repeated length of 60 points past the message
  const auto ack = parse(bytes);
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->error, ENOENT);
  EXPECT_TRUE(ack->text.empty());
}

TEST(ParseAck, IsSuccessWithoutError) {
  const auto ack = parse(bytes_of({36, 0, 0, 0, 2,  0, 0, 1, 3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,  //
                                   16, 0, 0, 0, 16, 0, 5, 6, 3, 0, 0, 0, 9, 0, 0, 0}));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->error, 0);
  EXPECT_EQ(ack->sequence, 3U);
}

TEST(ParseAck, RejectsErrorThatIsTooSmall) {
  EXPECT_FALSE(parse(bytes_of({20, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0})));
}

TEST(ParseAck, RejectsOtherMessages) {
  EXPECT_FALSE(parse(bytes_of({16, 0, 0, 0, 16, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0})));
}

TEST(ParseAck, TakesTheEndOfADumpWithAndWithoutCode) {
  const auto plain = parse(bytes_of({16, 0, 0, 0, 3, 0, 2, 0, 3, 0, 0, 0, 9, 0, 0, 0}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->error, 0);
  const auto failed =
      parse(bytes_of({20, 0, 0, 0, 3, 0, 2, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff}));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error, EINTR);
}

TEST(ParseAck, TakesAnErrnoThatCannotBeOneAsSuccess) {
  auto bytes = extended_error();
  bytes[16] = std::byte{0};
  bytes[17] = std::byte{0};
  bytes[18] = std::byte{0};
  bytes[19] = std::byte{0x80};  // INT_MIN has no positive counterpart
  const auto ack = parse(bytes);
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->error, 0);
}

}  // namespace
}  // namespace tinet::netlink
