#pragma once
/// The network state of the namespace a test runs in, to show that tinet left it as it was: links,
/// addresses, routes, rules, qdiscs, the nftables ruleset and every sysctl under net.
///
/// Reads with ip, tc and nft, which is fine for a test and forbidden for tinet. Left out is what
/// changes by itself: timers, lifetimes, packet counts, neighbours and the number of tracked
/// connections. What a tool may not read or is not installed for is a fact too ("unreadable"), so
/// an unprivileged test compares less but never fails for it.

#include <string>
#include <vector>

#include "tests/support/facts.h"

namespace tinet::test {

/// Takes about 0.1 s: six programs and some thousand files.
[[nodiscard]] Facts host_snapshot();

/// changes() without the sysctls that a kernel module, loaded on demand, brought into every
/// namespace of the machine (net/netfilter, net/bridge, net/nf_conntrack_max): no name of those can
/// be undone by a process. A changed value of one that was there before still counts.
[[nodiscard]] std::vector<std::string> host_changes(const Facts& before, const Facts& after);

}  // namespace tinet::test
