#include "src/model/address.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using testing::HasSubstr;

Subnet subnet(std::string_view text) {
  return parse_subnet(text, "--subnet");
}

std::string usage_of_subnet(std::string_view text) {
  try {
    static_cast<void>(parse_subnet(text, "--subnet"));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return std::string(error.what()) + "\n" + error.hint();
  }
  ADD_FAILURE() << "'" << text << "' was accepted";
  return {};
}

TEST(ParseIpv4, ReadsHostByteOrder) {
  EXPECT_EQ(parse_ipv4("198.18.0.11", "x").value, 0xc612000bU);
  EXPECT_EQ(parse_ipv4("0.0.0.0", "x").value, 0U);
  EXPECT_EQ(parse_ipv4("255.255.255.255", "x").value, 0xffffffffU);
}

TEST(ParseIpv4, RefusesAnythingElse) {
  for (const auto* text :
       {"", "1.2.3", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "a.b.c.d", "::1", "1.2.3.4/8"}) {
    EXPECT_THROW(static_cast<void>(parse_ipv4(text, "x")), Error) << text;
  }
}

TEST(ParseIpv6, RoundTrips) {
  for (const auto* text : {"::", "::1", "fd74:696e:6574::b", "2001:db8::ffff:0:1"}) {
    EXPECT_EQ(to_string(parse_ipv6(text, "x")), text);
  }
  EXPECT_THROW(static_cast<void>(parse_ipv6("1.2.3.4", "x")), Error);
  EXPECT_THROW(static_cast<void>(parse_ipv6("fd74::g", "x")), Error);
}

TEST(ParseSubnet, TakesPrefixesFrom8To29) {
  EXPECT_EQ(subnet("10.0.0.0/8").prefix, 8);
  EXPECT_EQ(subnet("10.0.0.0/29").prefix, 29);
  EXPECT_THAT(usage_of_subnet("0.0.0.0/7"), HasSubstr("not between 8 and 29"));
  EXPECT_THAT(usage_of_subnet("10.0.0.0/30"), HasSubstr("not between 8 and 29"));
}

TEST(ParseSubnet, RefusesAddressesThatNoInstanceCanHave) {
  for (const auto* text : {"127.0.0.0/16", "0.0.0.0/8", "224.0.0.0/8", "240.0.0.0/16"}) {
    EXPECT_THAT(usage_of_subnet(text), HasSubstr("cannot be given to instances"));
  }
}

TEST(ParseSubnet, RefusesMalformedWords) {
  for (const auto* text :
       {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/16x", "/16", "10.0.0.0/-8"}) {
    EXPECT_FALSE(usage_of_subnet(text).empty()) << text;
  }
}

TEST(ParseSubnet, OffersTheNetworkThatWasMeant) {
  EXPECT_THAT(usage_of_subnet("198.18.3.1/16"), HasSubstr("write '198.18.0.0/16'"));
}

TEST(Subnet, ContainsItsAddressesOnly) {
  const auto net = subnet("198.18.0.0/16");
  EXPECT_EQ(to_string(net), "198.18.0.0/16");
  EXPECT_EQ(net.mask(), 0xffff0000U);
  EXPECT_TRUE(net.contains(parse_ipv4("198.18.0.0", "x")));
  EXPECT_TRUE(net.contains(parse_ipv4("198.18.255.255", "x")));
  EXPECT_FALSE(net.contains(parse_ipv4("198.17.255.255", "x")));
  EXPECT_FALSE(net.contains(parse_ipv4("198.19.0.0", "x")));
}

TEST(Subnet, OverlapsWhateverHoldsItOrItHolds) {
  const auto net = subnet("198.18.0.0/16");
  EXPECT_TRUE(net.overlaps(net));
  EXPECT_TRUE(net.overlaps(subnet("198.18.4.0/24")));
  EXPECT_TRUE(subnet("198.18.4.0/24").overlaps(net));
  EXPECT_TRUE(net.overlaps(subnet("198.0.0.0/8")));
  EXPECT_FALSE(net.overlaps(subnet("198.19.0.0/16")));
  EXPECT_TRUE(net.overlaps(Subnet{Ipv4{0}, 0})) << "a default route overlaps everything";
}

TEST(AddressPlan, LeavesTheFirstTenAddressesFree) {
  EXPECT_EQ(to_string(endpoint_address(subnet("198.18.0.0/16"), 0)), "198.18.0.11");
  EXPECT_EQ(to_string(endpoint_address(subnet("198.18.0.0/16"), 245)), "198.18.1.0");
}

TEST(AddressPlan, EndsBeforeTheGateway) {
  const auto net = subnet("10.0.0.0/28");
  EXPECT_EQ(to_string(gateway_address(net)), "10.0.0.14");
  EXPECT_EQ(to_string(endpoint_address(net, 2)), "10.0.0.13");
  EXPECT_THROW(static_cast<void>(endpoint_address(net, 3)), Error);
  EXPECT_THROW(static_cast<void>(endpoint_address(subnet("10.0.0.0/29"), 0)), Error);
  EXPECT_EQ(to_string(gateway_address(subnet("198.18.0.0/16"))), "198.18.255.254");
}

TEST(AddressPlan, GivesEveryEndpointItsOwnAddresses) {
  std::set<Ipv4> v4;
  std::set<Ipv6> v6;
  std::set<Mac> macs = {gateway_mac()};
  for (std::uint32_t i = 0; i < 2000; ++i) {
    v4.insert(endpoint_address(subnet("198.18.0.0/16"), i));
    v6.insert(endpoint_address6(i));
    macs.insert(endpoint_mac(i));
  }
  EXPECT_EQ(v4.size(), 2000U);
  EXPECT_EQ(v6.size(), 2000U);
  EXPECT_EQ(macs.size(), 2001U);
}

TEST(AddressPlan, IsDeterministic) {
  EXPECT_EQ(to_string(endpoint_mac(0)), "02:74:69:00:00:01");
  EXPECT_EQ(to_string(endpoint_mac(0xffff)), "02:74:69:01:00:00");
  EXPECT_EQ(to_string(gateway_mac()), "02:74:69:ff:ff:fe");
  EXPECT_EQ(to_string(endpoint_address6(0)), "fd74:696e:6574::b");
}

TEST(DefaultSubnets, AreTriedInOrder) {
  const auto& candidates = default_subnets();
  EXPECT_EQ(first_free_subnet(candidates, {}), subnet("198.18.0.0/16"));
  EXPECT_EQ(first_free_subnet(candidates, {subnet("198.18.7.0/24")}), subnet("198.19.0.0/16"));
  EXPECT_EQ(first_free_subnet(candidates, {subnet("198.18.0.0/16"), subnet("198.0.0.0/8")}),
            subnet("10.213.0.0/16"));
  EXPECT_EQ(first_free_subnet(candidates, {subnet("198.0.0.0/8"), subnet("10.0.0.0/8")}),
            std::nullopt);
}

}  // namespace
}  // namespace tinet
