#include "src/fabric/verify.h"

#include <gtest/gtest.h>

#include "src/fabric/encode.h"
#include "src/fabric/wiring.h"

namespace tinet::fabric {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
const std::vector<std::string> kPorts = {"n-0", "n-1", "n-2"};
const MapId kDecide{};

Element drop(Link link, std::optional<MonoTime> end = std::nullopt) {
  return {kDecide, link, {TreatmentId{1}, Stack::A}, end};
}

nft::Element read_back(const Element& element) {
  nft::Element read = encode(element, kNow);
  read.expires = read.timeout;
  return read;
}

TEST(CompareElements, AcceptsWhatWasSent) {
  const std::map<Link, Element> expected = {{{0, 1}, drop({0, 1})},
                                            {{1, 0}, drop({1, 0}, kNow + 5s)}};
  const std::vector<nft::Element> read = {read_back(expected.at({1, 0})),
                                          read_back(expected.at({0, 1}))};
  EXPECT_TRUE(compare_elements(kDecide, expected, read, kPorts, {kNow}).empty());
}

TEST(CompareElements, NamesEveryKindOfDrift) {
  const std::map<Link, Element> expected = {
      {{0, 1}, drop({0, 1})}, {{1, 0}, drop({1, 0}, kNow + 5s)}, {{1, 2}, drop({1, 2})}};
  Element elsewhere = drop({0, 1});
  elsewhere.target.treatment = TreatmentId{2};
  nft::Element late = read_back(expected.at({1, 0}));
  late.expires = 6s;
  const auto drift = compare_elements(
      kDecide, expected, {read_back(elsewhere), late, read_back(drop({2, 0}))}, kPorts, {kNow});
  EXPECT_EQ(drift, (std::vector<std::string>{
                       "element \"n-0\" . \"n-1\" : goto t2 leads elsewhere in map decide",
                       "element \"n-1\" . \"n-0\" : goto t1 ends at another time in map decide",
                       "element \"n-2\" . \"n-0\" : goto t1 should not be in map decide",
                       "element \"n-1\" . \"n-2\" : goto t1 is missing in map decide"}));
}

TEST(CompareElements, LeavesElementsAroundTheirEndToTheKernel) {
  const std::map<Link, Element> expected = {{{0, 1}, drop({0, 1}, kNow + 50ms)},
                                            {{1, 0}, drop({1, 0}, kNow - 10ms)}};
  EXPECT_TRUE(compare_elements(kDecide, expected, {}, kPorts, {kNow}).empty());
  nft::Element lingering = read_back(expected.at({1, 0}));
  EXPECT_TRUE(compare_elements(kDecide, expected, {lingering}, kPorts, {kNow}).empty());
}

TEST(CompareContent, FindsMissingAndForeignParts) {
  FabricPlan plan;
  plan.endpoints = {{"n-0", Ipv4{1}, std::nullopt}};
  const Skeleton skeleton = make_skeleton(plan);
  const Installed nothing;
  const TableContent expected = expected_content(skeleton, nothing);
  TableContent content = expected;
  EXPECT_TRUE(compare_content(expected, content).empty());
  content.rules.pop_back();
  EXPECT_EQ(compare_content(expected, content),
            (std::vector<std::string>{"rules of chain forward differ"}));
  content.sets.erase(content.sets.begin());
  EXPECT_EQ(compare_content(expected, content).size(), 2U);
  content = expected;
  content.chains.push_back({table_id(), "intruder", std::nullopt});
  EXPECT_EQ(compare_content(expected, content).size(), 1U);
}

TEST(PortName, IsTheEndpointsNameWhenItFits) {
  EXPECT_EQ(port_name("tikv-0", 3), "tikv-0");
  EXPECT_EQ(port_name("a-name-of-16-byt", 3), "p3");
  EXPECT_EQ(port_name("br0", 3), "p3");
  EXPECT_EQ(port_name("lo", 4), "p4");
  EXPECT_EQ(port_name("p7", 4), "p4") << "would be the name of endpoint 7's port";
  EXPECT_EQ(port_name("p-7", 4), "p-7");
  EXPECT_EQ(port_name("a/b", 5), "p5");
}

}  // namespace
}  // namespace tinet::fabric
