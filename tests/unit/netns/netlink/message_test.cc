#include "netns/netlink/message.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "netns/netlink/dump.h"
#include "tests/support/netlink_bytes.h"

namespace tinet::netlink {
namespace {

using testing::bytes_of;

std::vector<std::byte> copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(Request, WritesHeaderAttributesAndNests) {
  Request request;
  const std::uint32_t header = 0x04030201;
  request.begin(16, 0x600, "try it").put_header(header).put_u8(1, 9).nest(2, [&] {
    request.put_string(3, "ab");
  });
  EXPECT_EQ(copy(request.message(0)),
            bytes_of({40, 0, 0, 0,    16, 0, 1, 6, 0,   0,   0, 0, 0, 0, 0, 0,  //
                      1,  2, 3, 4,                                              //
                      5,  0, 1, 0,    9,  0, 0, 0,                              //
                      12, 0, 2, 0x80, 7,  0, 3, 0, 'a', 'b', 0, 0}));
  EXPECT_EQ(request.what(0), "try it");
}

TEST(Request, KeepsMessagesApart) {
  Request request;
  request.begin(16, 0, "first").put_header(std::uint16_t{7});
  request.begin(17, 0, "second");
  ASSERT_EQ(request.size(), 2U);
  EXPECT_EQ(request.message(0).size(), 20U);
  EXPECT_EQ(request.message(1).size(), 16U);
  ByteSpan rest = request.bytes();
  EXPECT_EQ(next_message(rest)->type, 16);
  EXPECT_EQ(next_message(rest)->type, 17);
  EXPECT_TRUE(rest.empty());
}

TEST(Request, ThrowsWhenAnAttributeOrANestOverflows) {
  Request request;
  request.begin(16, 0, "overflow");
  const std::string large(65'532, 'x');
  EXPECT_THROW(request.put_bytes(1, std::as_bytes(std::span(large))), std::length_error);
  const std::string half(40'000, 'x');
  EXPECT_THROW(request.nest(2, [&] { request.put_string(1, half).put_string(1, half); }),
               std::length_error);
}

TEST(Request, RefusesAttributesBeforeAnyMessage) {
  Request request;
  EXPECT_THROW(request.put_u8(1, 1), std::logic_error);
}

}  // namespace
}  // namespace tinet::netlink
