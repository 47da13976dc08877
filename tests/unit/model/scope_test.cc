#include "src/model/scope.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// n-0 .. n-<count - 1>; the client comes after them.
SelectorScope nodes(std::size_t count) {
  SelectorScope scope;
  for (std::size_t i = 0; i < count; ++i) {
    scope.members.push_back({"n-" + std::to_string(i), "n", ""});
  }
  scope.client = static_cast<Endpoint>(count);
  return scope;
}

SelectorScope zoned() {
  auto scope = nodes(4);
  scope.members[0].zone = "a";
  scope.members[1].zone = "b";
  scope.members[2].zone = "a";
  return scope;
}

/// Links as "0>1 1>0", in their order.
std::string links_of(const LinkChoice& choice) {
  std::string text;
  for (const auto& link : choice.links) {
    text += (text.empty() ? "" : " ") + std::to_string(link.from) + ">" + std::to_string(link.to);
  }
  return text;
}

std::string links(const LinkWords& words, const SelectorScope& scope) {
  return links_of(choose_links(words, scope));
}

Error refusal(const LinkWords& words, const SelectorScope& scope) {
  try {
    static_cast<void>(choose_links(words, scope));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "'" << words.selector << "' was accepted";
  return Error(ErrorKind::Operation, "accepted");
}

TEST(ParseDirection, KnowsThreeWords) {
  EXPECT_EQ(parse_direction("both"), Direction::Both);
  EXPECT_EQ(parse_direction("in"), Direction::In);
  EXPECT_EQ(parse_direction("out"), Direction::Out);
  EXPECT_THROW(static_cast<void>(parse_direction("up")), Error);
  EXPECT_THROW(static_cast<void>(parse_direction("")), Error);
}

TEST(ChooseLinks, CutsOneInstanceFromAllOthersBothWays) {
  const auto choice = choose_links({.selector = "n-1"}, nodes(3));
  EXPECT_EQ(links_of(choice), "0>1 1>0 1>2 2>1");
  EXPECT_THAT(choice.target, ElementsAre("n-1"));
  EXPECT_THAT(choice.peers, ElementsAre("n-0", "n-2"));
  EXPECT_THAT(choice.notes, IsEmpty());
}

TEST(ChooseLinks, LeavesLinksInsideTheTargetAlone) {
  EXPECT_EQ(links({.selector = "n-0,n-1"}, nodes(3)), "0>2 1>2 2>0 2>1");
}

TEST(ChooseLinks, IsolatesEveryMemberWithEach) {
  const auto choice = choose_links({.selector = "n-0,n-1", .each = true}, nodes(3));
  EXPECT_EQ(links_of(choice), "0>1 0>2 1>0 1>2 2>0 2>1");
  EXPECT_THAT(choice.peers, ElementsAre("n-0", "n-1", "n-2"));
}

TEST(ChooseLinks, KeepsWhatTheTargetSendsWithOut) {
  EXPECT_EQ(links({.selector = "n-0", .direction = Direction::Out}, nodes(3)), "0>1 0>2");
}

TEST(ChooseLinks, KeepsWhatTheTargetReceivesWithIn) {
  EXPECT_EQ(links({.selector = "n-0", .direction = Direction::In}, nodes(3)), "1>0 2>0");
}

TEST(ChooseLinks, TouchesOnlyTheNamedPeers) {
  EXPECT_EQ(links({.selector = "n-0", .peers = "n-2"}, nodes(3)), "0>2 2>0");
  EXPECT_EQ(links({.selector = "n-0", .peers = "n-2", .direction = Direction::Out}, nodes(3)),
            "0>2");
}

TEST(ChooseLinks, CountsEachLinkOnceWhenTargetAndPeersOverlap) {
  EXPECT_EQ(links({.selector = "n", .peers = "n-0"}, nodes(3)), "0>1 0>2 1>0 2>0");
  EXPECT_EQ(links({.selector = "n-0,n-1", .peers = "n-0,n-1"}, nodes(3)), "0>1 1>0");
}

TEST(ChooseLinks, MakesEverybodyAPeerWhenEverybodyIsTheTarget) {
  const auto choice = choose_links({.selector = "all"}, nodes(3));
  EXPECT_EQ(links_of(choice), "0>1 0>2 1>0 1>2 2>0 2>1");
  EXPECT_EQ(choice.target, choice.peers);
  ASSERT_EQ(choice.notes.size(), 1U);
  EXPECT_THAT(choice.notes[0], HasSubstr("every instance"));
}

TEST(ChooseLinks, IncludesTheClientOnlyWhenNamed) {
  EXPECT_EQ(links({.selector = "client"}, nodes(2)), "0>2 1>2 2>0 2>1");
  EXPECT_EQ(links({.selector = "n-0", .peers = "client"}, nodes(2)), "0>2 2>0");
  EXPECT_EQ(links({.selector = "n-0"}, nodes(2)), "0>1 1>0");
  EXPECT_EQ(links({.selector = "n-0,client"}, nodes(2)), "0>1 1>0 1>2 2>1");
}

TEST(ChooseLinks, RefusesALoneInstance) {
  const auto error = refusal({.selector = "n-0"}, nodes(1));
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_STREQ(error.what(), "'n-0' has no peers: there is no other instance");
}

TEST(ChooseLinks, RefusesPeersThatAreTheTarget) {
  const auto error = refusal({.selector = "n-0", .peers = "n-0"}, nodes(3));
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_THAT(error.what(), HasSubstr("'n-0'"));
}

TEST(ChooseLinks, NamesThePeersInErrorsAboutThem) {
  EXPECT_THAT(refusal({.selector = "n-0", .peers = "n-9"}, nodes(3)).what(),
              HasSubstr("peers: no instance or component 'n-9'"));
}

TEST(ChooseLinks, CutsGroupsFromEachOther) {
  const auto choice = choose_links({.selector = "n-0,n-1 / n-2"}, nodes(3));
  EXPECT_EQ(links_of(choice), "0>2 1>2 2>0 2>1");
  EXPECT_THAT(choice.target, ElementsAre("n-0", "n-1"));
  EXPECT_THAT(choice.peers, ElementsAre("n-2"));
  EXPECT_THAT(choice.notes, IsEmpty());
}

TEST(ChooseLinks, MakesOneMoreGroupOfTheUnlisted) {
  const auto choice = choose_links({.selector = "n-0/n-1"}, nodes(4));
  EXPECT_EQ(links_of(choice), "0>1 0>2 0>3 1>0 1>2 1>3 2>0 2>1 3>0 3>1");
  EXPECT_THAT(choice.peers, ElementsAre("n-1", "n-2", "n-3"));
  EXPECT_THAT(choice.notes, ElementsAre("one more group: n-2, n-3"));
}

TEST(ChooseLinks, TakesAnyNumberOfGroups) {
  EXPECT_EQ(links({.selector = "n-0 / n-1 / n-2"}, nodes(3)), "0>1 0>2 1>0 1>2 2>0 2>1");
}

TEST(ChooseLinks, DirectsGroupsFromTheEarlierToTheLater) {
  EXPECT_EQ(links({.selector = "n-1 / n-0 / n-2", .direction = Direction::Out}, nodes(3)),
            "0>2 1>0 1>2");
  EXPECT_EQ(links({.selector = "n-1 / n-0 / n-2", .direction = Direction::In}, nodes(3)),
            "0>1 2>0 2>1");
}

TEST(ChooseLinks, PutsTheClientIntoAGroupOnlyWhenNamed) {
  EXPECT_EQ(links({.selector = "n-0,client / n-1"}, nodes(2)), "0>1 1>0 1>2 2>1");
}

TEST(ChooseLinks, RefusesAnInstanceInTwoGroups) {
  const auto error = refusal({.selector = "n-0,n-1 / n-1,n-2"}, nodes(3));
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_STREQ(error.what(), "'n-1' is in two groups of 'n-0,n-1 / n-1,n-2'");
}

TEST(ChooseLinks, RefusesEmptyGroups) {
  for (const auto* selector : {"/", "n-0 /", "/ n-0", "n-0 / / n-1"}) {
    EXPECT_EQ(refusal({.selector = selector}, nodes(3)).kind(), ErrorKind::Usage) << selector;
  }
}

TEST(ChooseLinks, RefusesGroupsTogetherWithOtherScopes) {
  const auto scope = nodes(3);
  EXPECT_EQ(refusal({.selector = "n-0 / n-1", .peers = "n-2"}, scope).kind(), ErrorKind::Usage);
  EXPECT_EQ(refusal({.selector = "n-0 / n-1", .each = true}, scope).kind(), ErrorKind::Usage);
  EXPECT_EQ(refusal({.selector = "n-0 / n-1", .between_zones = true}, scope).kind(),
            ErrorKind::Usage);
}

TEST(ChooseLinks, TouchesEveryPairOfDifferentZonesOnce) {
  const std::string expected = "0>1 1>0 1>2 2>1";
  EXPECT_EQ(links({.selector = "all", .between_zones = true}, zoned()), expected);
  EXPECT_EQ(links({.selector = "", .between_zones = true}, zoned()), expected);
}

TEST(ChooseLinks, KeepsZonesWithinTheSelector) {
  EXPECT_EQ(links({.selector = "n-0,n-1", .between_zones = true}, zoned()), "0>1 1>0");
  EXPECT_EQ(links({.selector = "zone:a",
                   .peers = "zone:b",
                   .direction = Direction::Out,
                   .between_zones = true},
                  zoned()),
            "0>1 2>1");
}

TEST(ChooseLinks, RefusesZonesThatDoNotDiffer) {
  EXPECT_THAT(refusal({.selector = "all", .between_zones = true}, nodes(3)).what(),
              HasSubstr("no two of 'all' are in different zones"));
  EXPECT_EQ(refusal({.selector = "zone:a", .between_zones = true}, zoned()).kind(),
            ErrorKind::Usage);
}

TEST(ChooseLinks, CutsAShapeAndSaysWhichOne) {
  auto scope = nodes(5);
  scope.seed = 7;
  const auto choice = choose_links({.selector = "", .shape = "halves"}, scope);
  EXPECT_EQ(choice.target.size(), 2U);
  EXPECT_EQ(choice.peers.size(), 3U);
  EXPECT_EQ(choice.links.size(), 12U);
  ASSERT_EQ(choice.notes.size(), 1U);
  EXPECT_THAT(choice.notes[0], HasSubstr("halves (seed 7): " + choice.target[0]));
  EXPECT_EQ(links_of(choice), links({.selector = "all", .shape = "halves"}, scope));
}

TEST(ChooseLinks, ReplaysAShapeFromItsSeed) {
  auto scope = nodes(9);
  std::set<std::string> seen;
  for (scope.seed = 0; scope.seed < 20; ++scope.seed) {
    const auto first = links({.selector = "all", .shape = "random"}, scope);
    EXPECT_EQ(first, links({.selector = "all", .shape = "random"}, scope));
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 15U);
}

TEST(ChooseLinks, LetsTheSelectorSayWhoTakesPartInAShape) {
  auto scope = nodes(6);
  for (const auto* shape : {"halves", "majority", "minority", "bridge", "random", "ring"}) {
    const auto choice = choose_links({.selector = "n-1,n-2,n-4,client", .shape = shape}, scope);
    for (const auto& link : choice.links) {
      for (const auto end : {link.from, link.to}) {
        EXPECT_TRUE(end == 1 || end == 2 || end == 4 || end == 6) << shape;
      }
    }
  }
}

TEST(ChooseLinks, DirectsAShapeFromItsFirstGroup) {
  auto scope = nodes(5);
  const auto choice =
      choose_links({.selector = "all", .direction = Direction::Out, .shape = "minority"}, scope);
  EXPECT_EQ(choice.target.size(), 2U);
  EXPECT_EQ(choice.links.size(), 6U);
  for (const auto& link : choice.links) {
    EXPECT_THAT(choice.target, testing::Contains("n-" + std::to_string(link.from)));
  }
}

TEST(ChooseLinks, JoinsTheHalvesOfABridgeByOne) {
  const auto choice = choose_links({.selector = "all", .shape = "bridge"}, nodes(5));
  EXPECT_EQ(choice.target.size(), 2U);
  EXPECT_EQ(choice.peers.size(), 2U);
  EXPECT_EQ(choice.links.size(), 8U);
  EXPECT_THAT(choice.notes.at(0), HasSubstr("joined by n-"));
}

TEST(ChooseLinks, ShapesZonesWithoutChance) {
  const auto choice = choose_links({.selector = "", .shape = "zones"}, zoned());
  EXPECT_EQ(links_of(choice), "0>1 1>0 1>2 2>1");
  EXPECT_THAT(choice.notes, IsEmpty());
}

TEST(ChooseLinks, RefusesAShapeWithTooFewMembers) {
  EXPECT_STREQ(refusal({.selector = "n-0,n-1", .shape = "ring"}, nodes(5)).what(),
               "--shape ring needs 3 instances, but 'n-0,n-1' has 2");
  EXPECT_EQ(refusal({.selector = "n-0", .shape = "halves"}, nodes(5)).kind(), ErrorKind::Usage);
}

TEST(ChooseLinks, RefusesAShapeTogetherWithOtherScopes) {
  const auto scope = nodes(4);
  for (const LinkWords& words : {
           LinkWords{.selector = "n-0 / n-1", .shape = "halves"},
           LinkWords{.selector = "all", .peers = "n-0", .shape = "halves"},
           LinkWords{.selector = "all", .each = true, .shape = "halves"},
           LinkWords{.selector = "all", .between_zones = true, .shape = "halves"},
           LinkWords{.selector = "all", .direction = Direction::In, .shape = "ring"},
           LinkWords{.selector = "all", .direction = Direction::In, .shape = "zones"},
           LinkWords{.selector = "all", .shape = "circle"},
       }) {
    EXPECT_EQ(refusal(words, scope).kind(), ErrorKind::Usage) << words.shape;
  }
}

TEST(ChooseLinks, PassesOnNotesOfTargetPeersAndGroups) {
  auto scope = nodes(4);
  scope.seed = 3;
  scope.roles["leader"] = {{"n-2"}, {}};
  const auto choice = choose_links({.selector = "role:leader", .peers = "random:1:n-*"}, scope);
  ASSERT_EQ(choice.notes.size(), 2U);
  EXPECT_EQ(choice.notes[0], "role:leader is n-2");
  EXPECT_THAT(choice.notes[1], HasSubstr("(seed 3)"));
}

TEST(ChooseLinks, ListsEveryPairOfALargeCluster) {
  const auto choice = choose_links({.selector = "all"}, nodes(200));
  EXPECT_EQ(choice.links.size(), 39'800U);
}

TEST(RolesInWords, LooksIntoGroupsAndPeers) {
  EXPECT_THAT(roles_in(LinkWords{.selector = "role:a / n-0,role:b", .peers = {}}),
              UnorderedElementsAre("a", "b"));
  EXPECT_THAT(roles_in(LinkWords{.selector = "role:a", .peers = "role:c,role:a"}),
              UnorderedElementsAre("a", "c"));
  EXPECT_THAT(roles_in(LinkWords{.selector = "", .peers = {}, .between_zones = true}), IsEmpty());
}

}  // namespace
}  // namespace tinet
