/// Feature probes report what this kernel does, and leave nothing.

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "netns/link.h"
#include "netns/namespace.h"
#include "netns/nft/connection.h"
#include "netns/probe.h"

namespace tinet {
namespace {

TEST(ProbeFeatures, FindsWhatEveryKernelHasAndLeavesNothing) {
  auto links = netlink::Socket::open(NETLINK_ROUTE);
  const auto before = list_links(links).size();
  const FeatureReport report = probe_features();
  for (const Feature& feature : report.features) {
    std::printf("%-22s %-3s %s%s%s\n", feature.name.c_str(), feature.usable ? "yes" : "no",
                feature.why.c_str(), feature.hint.empty() ? "" : " -> ", feature.hint.c_str());
    EXPECT_EQ(feature.usable, feature.why.empty()) << feature.name;
  }
  EXPECT_EQ(report.features.size(), 29U);
  // The test runs inside a namespace that it could make, with bridge and nf_tables in it.
  for (const char* name : {"netns", "veth", "bridge", "bridge-table", "element-timeout",
                           "counter-objects", "mac-rewrite", "numgen", "limit", "quota"}) {
    EXPECT_TRUE(report.usable(name)) << name;
  }
  EXPECT_EQ(report.find("no such feature"), nullptr);
  EXPECT_EQ(list_links(links).size(), before);
  auto rules = nft::Connection::open();
  EXPECT_TRUE(nft::list_tables(rules).empty());
}

TEST(ProbeNamespaces, AgreesWithTheFullReport) {
  const FeatureReport report = probe_features();
  EXPECT_EQ(probe_namespaces().usable, report.usable("netns"));
  EXPECT_EQ(probe_user_namespaces().usable, report.usable("userns"));
}

}  // namespace
}  // namespace tinet
