#include "netns/inet.h"

#include <gtest/gtest.h>

#include "tests/support/netlink_bytes.h"

namespace tinet {
namespace {

TEST(IpAddress, KeepsNetworkOrderInside) {
  const auto address = IpAddress::v4(0xc6120001);
  EXPECT_EQ(to_string(address), "198.18.0.1");
  EXPECT_EQ(address.v4_value(), 0xc6120001U);
  EXPECT_EQ(address.bytes()[0], 0xc6);
  EXPECT_EQ(address.bytes().size(), 4U);
}

TEST(IpAddress, ComesFromFourOrSixteenBytesOnly) {
  EXPECT_EQ(to_string(IpAddress::from_bytes(testing::bytes_of({10, 1, 2, 3}))), "10.1.2.3");
  const auto v6 = IpAddress::from_bytes(
      testing::bytes_of({0xfd, 0x74, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(to_string(v6), "fd74::1");
  EXPECT_EQ(v6.v4_value(), 0U);
  EXPECT_EQ(to_string(IpAddress::from_bytes(testing::bytes_of({10, 1, 2}))), "0.0.0.0");
}

TEST(ToString, WritesPrefixAndMac) {
  EXPECT_EQ(to_string(IpPrefix{IpAddress::v4(0xc6120000), 16}), "198.18.0.0/16");
  EXPECT_EQ(to_string(MacAddress{{2, 0x74, 0x69, 0, 1, 0xff}}), "02:74:69:00:01:ff");
}

}  // namespace
}  // namespace tinet
