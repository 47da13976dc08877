#include "src/model/traffic.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/fault_build.h"
#include "src/model/fault_check.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// pd-0 (client 2379, peer 2380), tikv-1 and tikv-2 (peer 20160), odd-3 (peer 9).
ClusterPlan plan() {
  ClusterPlan plan;
  const auto add = [&](const std::string& name, std::vector<ServicePort> services) {
    InstancePlan instance;
    instance.name = name;
    instance.services = std::move(services);
    plan.instances.push_back(std::move(instance));
  };
  add("pd-0", {{"client", 2379}, {"peer", 2380}});
  add("tikv-1", {{"peer", 20160}});
  add("tikv-2", {{"peer", 20160}});
  add("odd-3", {{"peer", 9}});
  return plan;
}

/// "0>1 to 80,81 from 9; ..."
std::string text_of(const ScopedLinks& scoped) {
  std::string text;
  for (std::size_t i = 0; i < scoped.links.size(); ++i) {
    const Match& match = scoped.matches.at(scoped.match_of.at(i));
    text += (i == 0 ? "" : "; ") + std::to_string(scoped.links[i].from) + ">" +
            std::to_string(scoped.links[i].to);
    for (const auto& [word, ports] :
         {std::pair{" to ", &match.to_ports}, std::pair{" from ", &match.from_ports}}) {
      for (std::size_t k = 0; k < ports->size(); ++k) {
        text += (k == 0 ? word : ",") + std::to_string((*ports)[k]);
      }
    }
  }
  return text;
}

Error refusal(TrafficWords words, const std::vector<Link>& links = {{0, 1}}) {
  try {
    check_traffic(words);
    static_cast<void>(resolve_traffic(words, links, plan()));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error;
  }
  ADD_FAILURE() << "accepted";
  return Error(ErrorKind::Operation, "accepted");
}

TEST(ResolveTraffic, MatchesWholeLinksWithoutPorts) {
  const auto scoped =
      resolve_traffic({.protocol = Protocol::Udp, .first = 3}, {{0, 1}, {2, 1}}, plan());
  EXPECT_EQ(text_of(scoped), "0>1; 2>1");
  ASSERT_EQ(scoped.matches.size(), 1U);
  EXPECT_EQ(scoped.matches[0].protocol, Protocol::Udp);
  EXPECT_EQ(scoped.matches[0].first, 3U);
}

/// Complaint 30 of the survey, etcd #3677 and cockroach PR #115833: a rule for one side's port
/// cuts half a connection.
TEST(ResolveTraffic, Complaint30AServiceCoversRequestsAndReplies) {
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer"}, {{1, 2}}, plan())),
            "1>2 to 20160; 2>1 from 20160");
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer"}, {{1, 2}, {2, 1}}, plan())),
            "1>2 to 20160 from 20160; 2>1 to 20160 from 20160");
}

/// Complaint 6, chaos-mesh #278 and its duplicates.
TEST(ResolveTraffic, Complaint06PortsAreThoseOfTheListeningSide) {
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer"}, {{0, 1}, {1, 0}}, plan())),
            "0>1 to 20160 from 2380; 1>0 to 2380 from 20160");
  EXPECT_EQ(text_of(resolve_traffic({.ports = {443, 80, 443}}, {{0, 1}}, plan())),
            "0>1 to 80,443; 1>0 from 80,443");
}

/// Complaint 14, chaosblade #402: a long list of ports cut the whole host off.
TEST(ResolveTraffic, Complaint14ALongListOfPortsMeansThemAndNoOthers) {
  TrafficWords words;
  for (int port = 65535; port > 0; port -= 7) {
    words.ports.push_back(static_cast<std::uint16_t>(port));
  }
  check_traffic(words);
  const auto scoped = resolve_traffic(words, {{0, 1}}, plan());
  ASSERT_THAT(scoped.links, ElementsAre(Link{0, 1}, Link{1, 0}));
  const Match& there = scoped.matches.at(scoped.match_of.at(0));
  const Match& back = scoped.matches.at(scoped.match_of.at(1));
  std::vector<std::uint16_t> ascending(words.ports.rbegin(), words.ports.rend());
  EXPECT_EQ(there.to_ports, ascending);
  EXPECT_EQ(back.from_ports, ascending);
  EXPECT_THAT(there.from_ports, IsEmpty());
  EXPECT_THAT(back.to_ports, IsEmpty());
}

TEST(ResolveTraffic, SpeaksOfPacketsWhenToldSo) {
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer", .packets = true}, {{0, 1}}, plan())),
            "0>1 to 20160 from 2380");
}

TEST(ResolveTraffic, LeavesOutWhoHasNoSuchService) {
  EXPECT_EQ(text_of(resolve_traffic({.service = "client"}, {{0, 1}, {1, 0}, {2, 1}}, plan())),
            "0>1 from 2379; 1>0 to 2379");
  // The client after the last instance listens nowhere, but it may ask.
  EXPECT_EQ(text_of(resolve_traffic({.service = "client"}, {{0, 4}, {4, 0}}, plan())),
            "0>4 from 2379; 4>0 to 2379");
}

TEST(ResolveTraffic, NamesTheServicesThereAreWhenNobodyHasIt) {
  const auto error = refusal({.service = "pear"}, {{0, 1}, {1, 0}});
  EXPECT_THAT(error.what(), HasSubstr("'pear' (they have: client, peer)"));
  EXPECT_EQ(error.hint(), "did you mean 'peer'?");
  EXPECT_THAT(refusal({.service = "client"}, {{0, 1}}).what(), HasSubstr("(they have: peer)"));
}

TEST(ResolveTraffic, ConnectionRequestsGoOnlyToThePort) {
  const auto scoped = resolve_traffic({.service = "peer", .connections = Connections::New},
                                      {{1, 2}, {2, 1}}, plan());
  EXPECT_EQ(text_of(scoped), "1>2 to 20160; 2>1 to 20160");
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer", .connections = Connections::New}, {{1, 2}},
                                    plan())),
            "1>2 to 20160");
}

TEST(ResolveTraffic, RepliesComeOnlyFromThePort) {
  EXPECT_EQ(text_of(resolve_traffic({.service = "peer", .replies_only = true}, {{1, 2}}, plan())),
            "2>1 from 20160");
}

/// Against the definition: a packet is meant when it belongs to a connection of the scope.
TEST(ResolveTraffic, MeansExactlyThePacketsOfItsConnections) {
  const ClusterPlan cluster = plan();
  std::mt19937 random(42);
  const std::vector<std::uint16_t> ports{9, 1000, 2379, 2380, 20160};
  for (int round = 0; round < 200; ++round) {
    std::vector<Link> links;
    for (Endpoint from = 0; from < 5; ++from) {
      for (Endpoint to = 0; to < 5; ++to) {
        if (from != to && random() % 3 == 0) {
          links.push_back({from, to});
        }
      }
    }
    TrafficWords words;
    if (random() % 2 == 0) {
      words.service = "peer";
    } else {
      words.ports = {9, 2379};
    }
    words.packets = random() % 3 == 0;
    const auto listens = [&](Endpoint endpoint, std::uint16_t port) {
      if (words.service.empty()) {
        return port == 9 || port == 2379;
      }
      return endpoint < 4 && cluster.instances[endpoint].port_of("peer") == port;
    };
    const auto opens = [&](Endpoint from, Endpoint to) {
      return std::count(links.begin(), links.end(), Link{from, to}) > 0;
    };
    ScopedLinks scoped;
    try {
      scoped = resolve_traffic(words, links, cluster);
    } catch (const Error&) {
    }
    for (Endpoint from = 0; from < 5; ++from) {
      for (Endpoint to = 0; to < 5; ++to) {
        const auto at = std::lower_bound(scoped.links.begin(), scoped.links.end(), Link{from, to});
        const bool there = at != scoped.links.end() && *at == Link{from, to};
        for (const auto source : ports) {
          for (const auto destination : ports) {
            const bool meant = words.packets ? opens(from, to) && (listens(to, destination) ||
                                                                   listens(from, source))
                                             : (opens(from, to) && listens(to, destination)) ||
                                                   (opens(to, from) && listens(from, source));
            const bool matched =
                from != to && there &&
                ports_match(scoped.matches[scoped.match_of[static_cast<std::size_t>(
                                at - scoped.links.begin())]],
                            Flow{{}, source, {}, destination});
            ASSERT_EQ(matched, meant) << from << ":" << source << " > " << to << ":" << destination;
          }
        }
      }
    }
  }
}

TEST(CheckTraffic, ConnectionsAreThoseOfTcp) {
  for (TrafficWords words : {TrafficWords{.connections = Connections::New},
                             TrafficWords{.connections = Connections::Established},
                             TrafficWords{.ports = {80}, .replies_only = true}}) {
    check_traffic(words);
    EXPECT_EQ(words.protocol, Protocol::Tcp);
  }
  TrafficWords udp{.ports = {53}, .protocol = Protocol::Udp};
  check_traffic(udp);
  EXPECT_EQ(udp.protocol, Protocol::Udp);
}

TEST(CheckTraffic, RefusesWhatContradictsItself) {
  const std::vector<TrafficWords> wrong{
      {.service = "peer", .ports = {80}},
      {.ports = {0}},
      {.ports = {80}, .protocol = Protocol::Icmp},
      {.service = "peer", .protocol = Protocol::Icmp},
      {.protocol = Protocol::Udp, .connections = Connections::New},
      {.protocol = Protocol::Icmp, .connections = Connections::Established},
      {.first = 0},
      {.first = kFirstMax + 1},
      {.after_bytes = 0},
      {.first = 1, .after_bytes = 1},
      {.connections = Connections::New, .after_bytes = 1},
      {.replies_only = true},
      {.ports = {80}, .protocol = Protocol::Udp, .replies_only = true},
      {.ports = {80}, .connections = Connections::New, .replies_only = true},
      {.ports = {80}, .first = 1, .replies_only = true},
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    SCOPED_TRACE(i);
    static_cast<void>(refusal(wrong[i]));
  }
}

TEST(CheckTraffic, RejectMeansNewConnections) {
  EXPECT_THROW(
      check_traffic_of({.cut = CutMode::Reject}, {.connections = Connections::Established}), Error);
  check_traffic_of({.cut = CutMode::Reset}, {.connections = Connections::Established});
  check_traffic_of({.cut = CutMode::Reject}, {.protocol = Protocol::Udp});
}

TEST(BothDirections, NeedsEveryOpposite) {
  EXPECT_TRUE(both_directions({}));
  EXPECT_TRUE(both_directions({{0, 1}, {1, 0}}));
  EXPECT_FALSE(both_directions({{0, 1}, {1, 0}, {1, 2}}));
}

TEST(SetClauses, MakesOneClausePerMatch) {
  Fault fault;
  set_clauses(fault, resolve_traffic({.service = "peer", .first = 2}, {{0, 1}, {1, 0}}, plan()),
              LinkAction{.cut = CutMode::Drop});
  ASSERT_EQ(fault.clauses.size(), 2U);
  EXPECT_THAT(fault.clause_of, ElementsAre(0, 1));
  EXPECT_THAT(fault.clause(1).match.to_ports, ElementsAre(2380));
  EXPECT_EQ(fault.clause(1).action.cut, CutMode::Drop);
  give_id(fault, FaultId{7});
  EXPECT_EQ(fault.id.value, 7U);
  EXPECT_EQ(fault.clause(0).match.owner.value, 7U);

  set_clauses(fault, resolve_traffic({}, {{0, 1}, {1, 0}}, plan()), LinkAction{});
  give_id(fault, FaultId{8});
  EXPECT_EQ(fault.clauses.size(), 1U);
  EXPECT_THAT(fault.clause_of, IsEmpty());
  EXPECT_EQ(fault.clause(1).match.owner.value, 0U);
}

}  // namespace
}  // namespace tinet
