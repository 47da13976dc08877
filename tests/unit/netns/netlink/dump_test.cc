#include "netns/netlink/dump.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/netlink_bytes.h"

namespace tinet::netlink {
namespace {

using testing::bytes_of;
using testing::walk_netlink;

TEST(NextMessage, TakesOneMessageAfterTheOther) {
  const auto bytes = bytes_of({18, 0, 0, 0, 16, 0, 2, 0, 1, 0, 0, 0, 5, 0, 0, 0, 'a', 'b', 0, 0,  //
                               16, 0, 0, 0, 3,  0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0});
  ByteSpan rest(bytes);
  const auto first = next_message(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, 16);
  EXPECT_EQ(first->flags, 2);
  EXPECT_EQ(first->sequence, 1U);
  EXPECT_EQ(first->port, 5U);
  EXPECT_EQ(as_text(first->payload), "ab");
  const auto second = next_message(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->type, 3);
  EXPECT_TRUE(second->payload.empty());
  EXPECT_FALSE(next_message(rest));
}

TEST(NextMessage, TooSmall) {
  const auto bytes = bytes_of({16, 0, 0, 0, 16, 0, 2, 0, 1, 0, 0, 0, 5, 0, 0});
  ByteSpan rest(bytes);
  EXPECT_FALSE(next_message(rest));
  EXPECT_EQ(rest.size(), bytes.size());
}

TEST(NextMessage, RejectsLengthShorterThanHeaderAndLongerThanBuffer) {
  for (const int length : {0, 1, 15, 17, 255}) {
    const auto bytes = bytes_of({length, 0, 0, 0, 16, 0, 2, 0, 1, 0, 0, 0, 5, 0, 0, 0});
    ByteSpan rest(bytes);
    EXPECT_FALSE(next_message(rest)) << length;
  }
  const auto huge = bytes_of({0xff, 0xff, 0xff, 0xff, 16, 0, 2, 0, 1, 0, 0, 0, 5, 0, 0, 0});
  ByteSpan rest(huge);
  EXPECT_FALSE(next_message(rest));
}

TEST(NextAttribute, MasksFlagsOfTheType) {
  const auto bytes = bytes_of({5, 0, 7, 0x80, 'x'});  // without padding at the end
  ByteSpan rest(bytes);
  const auto attribute = next_attribute(rest);
  ASSERT_TRUE(attribute);
  EXPECT_EQ(attribute->type, 7);
  EXPECT_EQ(attribute->payload.size(), 1U);
  EXPECT_TRUE(rest.empty());
}

TEST(NextAttribute, SmallAttrLen) {
  for (const int length : {0, 1, 2, 3}) {
    const auto bytes = bytes_of({length, 0, 1, 0, 0, 0, 0, 0});
    ByteSpan rest(bytes);
    EXPECT_FALSE(next_attribute(rest)) << length;
  }
}

TEST(NextAttribute, LargeAttrLen) {
  const auto bytes = bytes_of({9, 0, 1, 0, 0, 0, 0, 0});
  ByteSpan rest(bytes);
  EXPECT_FALSE(next_attribute(rest));
}

TEST(FindAttribute, StopsAtTheFirstMalformedOne) {
  const auto bytes = bytes_of({4, 0, 1, 0, 99, 0, 2, 0, 4, 0, 3, 0});
  EXPECT_TRUE(find_attribute(bytes, 1));
  EXPECT_FALSE(find_attribute(bytes, 3));
}

TEST(AttributesAfter, IsEmptyWhenTheHeaderDoesNotFit) {
  const auto bytes = bytes_of({1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(attributes_after(bytes, 8).empty());
  EXPECT_TRUE(attributes_after(bytes, 5).empty());
  EXPECT_EQ(attributes_after(bytes, 4).size(), 2U);
}

TEST(ReadValue, NeedsAllItsBytes) {
  const auto bytes = bytes_of({1, 0, 0});
  EXPECT_FALSE(read_value<std::uint32_t>(bytes));
  EXPECT_EQ(read_value<std::uint16_t>(bytes), 1U);
}

// What the fuzzer found interesting once stays harmless under every compiler.
TEST(Parsers, SurviveTheFuzzCorpusWholeAndCutOff) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TINET_FUZZ_CORPUS "/netlink")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    const ByteSpan bytes = std::as_bytes(std::span(content));
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      static_cast<void>(walk_netlink(bytes.first(size)));
    }
    ++files;
  }
  EXPECT_GE(files, 5U);
}

}  // namespace
}  // namespace tinet::netlink
