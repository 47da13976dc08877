#include "src/model/selector.h"

#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// pd-0 tikv-0..2 (zones a, b, a) tidb-0; the client is number 5.
SelectorScope small_cluster() {
  SelectorScope scope;
  scope.members = {{"pd-0", "pd", ""},
                   {"tikv-0", "tikv", "a"},
                   {"tikv-1", "tikv", "b"},
                   {"tikv-2", "tikv", "a"},
                   {"tidb-0", "tidb", ""}};
  scope.client = 5;
  scope.seed = 7;
  return scope;
}

std::vector<Endpoint> chosen(std::string_view text, const SelectorScope& scope = small_cluster()) {
  return select(text, scope, "SELECTOR").endpoints;
}

/// The error that `text` is refused with; fails the test when it is not refused.
Error refusal(std::string_view text, const SelectorScope& scope = small_cluster()) {
  try {
    static_cast<void>(select(text, scope, "--from"));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "'" << text << "' was accepted";
  return Error(ErrorKind::Operation, "accepted");
}

TEST(Select, FindsAnInstanceByName) {
  EXPECT_THAT(chosen("tikv-1"), ElementsAre(2));
}

TEST(Select, FindsEveryInstanceOfAComponent) {
  EXPECT_THAT(chosen("tikv"), ElementsAre(1, 2, 3));
}

TEST(Select, PrefersAnInstanceToAComponentOfTheSameName) {
  SelectorScope scope;
  scope.members = {{"db", "node", ""}, {"node-1", "db", ""}};
  scope.client = 2;
  EXPECT_THAT(chosen("db", scope), ElementsAre(0));
}

TEST(Select, MatchesGlobsAgainstInstanceNames) {
  EXPECT_THAT(chosen("ti*-0"), ElementsAre(1, 4));
  EXPECT_THAT(chosen("tikv-?"), ElementsAre(1, 2, 3));
  EXPECT_THAT(chosen("*"), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Select, TakesAllWithoutTheClient) {
  EXPECT_THAT(chosen("all"), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Select, TakesTheClientOnlyByName) {
  EXPECT_THAT(chosen("client"), ElementsAre(5));
  EXPECT_THAT(chosen("client,tikv-0"), ElementsAre(1, 5));
  EXPECT_THAT(refusal("clien*").what(), HasSubstr("no instance matches 'clien*'"));
}

TEST(Select, KnowsTheHostByNameWhereThereIsOne) {
  SelectorScope scope = small_cluster();
  scope.host = 6;
  EXPECT_THAT(chosen("host", scope), ElementsAre(6));
  EXPECT_THAT(select("random:1:host", scope, "SELECTOR").notes,
              ElementsAre("random:1:host chose host (seed 7)"));
  EXPECT_EQ(refusal("hoost", scope).hint(), "did you mean 'host'?");
  EXPECT_EQ(refusal("hoost").hint(), "");
}

TEST(Select, TakesAZone) {
  EXPECT_THAT(chosen("zone:a"), ElementsAre(1, 3));
}

TEST(Select, SortsAndUnitesAList) {
  EXPECT_THAT(chosen("tidb-0, tikv-0 ,tikv,pd"), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Select, AppliesExclusionsFromLeftToRight) {
  EXPECT_THAT(chosen("tikv,!tikv-1"), ElementsAre(1, 3));
  EXPECT_THAT(chosen("tikv,!tikv,tikv-1"), ElementsAre(2));
  EXPECT_THAT(chosen("all,!zone:a"), ElementsAre(0, 2, 4));
}

TEST(Select, StartsFromAllWhenTheFirstWordExcludes) {
  EXPECT_THAT(chosen("!tikv"), ElementsAre(0, 4));
  EXPECT_THAT(chosen("! tikv , tikv-2"), ElementsAre(0, 3, 4));
  EXPECT_THAT(chosen("!client"), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Select, RefusesAnUnknownNameAndOffersTheNearest) {
  const auto error = refusal("tikv-9");
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_STREQ(
      error.what(),
      "--from: no instance or component 'tikv-9' (has: pd-0, tikv-0, tikv-1, tikv-2, tidb-0)");
  EXPECT_EQ(error.hint(), "did you mean 'tikv-0'?");
  EXPECT_EQ(refusal("tikb").hint(), "did you mean 'tikv'?");
  EXPECT_EQ(refusal("clint").hint(), "did you mean 'client'?");
  EXPECT_EQ(refusal("postgres").hint(), "");
}

TEST(Select, ListsOnlyTheFirstTenNamesOfALargeCluster) {
  SelectorScope scope;
  for (int i = 0; i < 50; ++i) {
    scope.members.push_back({"node-" + std::to_string(i), "node", ""});
  }
  const std::string message = refusal("zzz", scope).what();
  EXPECT_THAT(message, HasSubstr("node-9, ...)"));
  EXPECT_EQ(message.find("node-10"), std::string::npos);
}

TEST(Select, RefusesAnUnknownZone) {
  EXPECT_EQ(refusal("zone:c").kind(), ErrorKind::Usage);
  EXPECT_STREQ(refusal("zone:c").what(), "--from: no zone 'c' (has: a, b)");
  SelectorScope scope = small_cluster();
  for (auto& member : scope.members) {
    member.zone.clear();
  }
  EXPECT_THAT(refusal("zone:a", scope).what(), HasSubstr("has no zones"));
  EXPECT_THAT(refusal("zone:a", scope).hint(), HasSubstr("--tikv.zone"));
}

TEST(Select, RefusesMalformedWords) {
  for (const auto* text : {"",
                           " ",
                           ",",
                           "tikv,",
                           ",tikv",
                           "tikv,,pd",
                           "!",
                           "tikv,!",
                           "!!tikv",
                           "zone:",
                           "role:",
                           "random",
                           "random:",
                           "random:2",
                           "random:0:tikv",
                           "random:2:",
                           "random:99999999999999999999:tikv",
                           "minority:",
                           "majority:",
                           "random:random:tikv",
                           "minority:majority:tikv",
                           "zoned:a",
                           "a:b:c"}) {
    EXPECT_EQ(refusal(text).kind(), ErrorKind::Usage) << "'" << text << "'";
  }
}

TEST(Select, SaysWhatIsWrongWithANumber) {
  EXPECT_STREQ(refusal("random:0:tikv").what(), "--from: 'random:0:tikv' chooses nobody");
  EXPECT_STREQ(refusal("random:2").what(), "--from: 'random:2' does not say whom to choose from");
  EXPECT_EQ(refusal("random:2").hint(), "write random:2:tikv or random:tikv");
}

TEST(Select, OffersTheNearestForm) {
  EXPECT_EQ(refusal("rule:pd-leader").hint(), "did you mean 'role:pd-leader'?");
}

TEST(Select, RefusesASelectorThatLeavesNobody) {
  EXPECT_EQ(refusal("tikv,!tikv").kind(), ErrorKind::Usage);
  EXPECT_STREQ(refusal("!all").what(), "--from: selector '!all' leaves no instance");
}

TEST(Select, FindsWhoHoldsARoleAndSaysSo) {
  auto scope = small_cluster();
  scope.roles["tikv-region-leader:7"] = {{"tikv-2"}, {}};
  const auto selection = select("pd,role:tikv-region-leader:7", scope, "SELECTOR");
  EXPECT_THAT(selection.endpoints, ElementsAre(0, 3));
  EXPECT_THAT(selection.notes, ElementsAre("role:tikv-region-leader:7 is tikv-2"));
}

TEST(Select, ReportsAVacantRoleWithEachAnswer) {
  auto scope = small_cluster();
  scope.roles["pd-leader"] = {{}, {"pd-0: no leader", "pd-1: no answer"}};
  const auto error = refusal("role:pd-leader", scope);
  EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  EXPECT_STREQ(error.what(), "nobody holds role 'pd-leader': pd-0: no leader; pd-1: no answer");
}

TEST(Select, RefusesARoleThatWasNotLookedUpAsUnknown) {
  EXPECT_EQ(refusal("role:king").kind(), ErrorKind::Usage);
}

TEST(Select, ReportsARoleHeldByAStranger) {
  auto scope = small_cluster();
  scope.roles["pd-leader"] = {{"pd-7"}, {}};
  EXPECT_EQ(refusal("role:pd-leader", scope).kind(), ErrorKind::Conflict);
}

TEST(Select, ChoosesOneOrNByChanceAndSaysWhich) {
  const auto one = select("random:tikv", small_cluster(), "SELECTOR");
  ASSERT_EQ(one.endpoints.size(), 1U);
  EXPECT_GE(one.endpoints[0], 1);
  EXPECT_LE(one.endpoints[0], 3);
  ASSERT_EQ(one.notes.size(), 1U);
  EXPECT_EQ(one.notes[0],
            "random:tikv chose tikv-" + std::to_string(one.endpoints[0] - 1) + " (seed 7)");
  EXPECT_EQ(chosen("random:2:tikv").size(), 2U);
  EXPECT_THAT(chosen("random:3:tikv"), ElementsAre(1, 2, 3));
  EXPECT_THAT(chosen("random:1:zone:b"), ElementsAre(2));
}

// The numbers are those of the documented algorithm, so a recorded seed means the same choice with
// every compiler and in every later version.
TEST(Select, ChoosesTheSameWithTheSameSeedForever) {
  SelectorScope scope;
  for (int i = 0; i < 10; ++i) {
    scope.members.push_back({"node-" + std::to_string(i), "node", ""});
  }
  scope.seed = 42;
  // std::mt19937_64(42) begins 13930160852258120406, 11788048577503494824, 13874630024467741450;
  // mod 10, 9 and 8 these are 6, 5 and 2: positions 6, 1+5 (now holding 0) and 2+2.
  EXPECT_THAT(chosen("random:3:all", scope), ElementsAre(0, 4, 6));
}

TEST(Select, ReachesEveryMemberByChance) {
  std::set<Endpoint> seen;
  auto scope = small_cluster();
  for (scope.seed = 0; scope.seed < 64; ++scope.seed) {
    seen.insert(chosen("random:tikv", scope).front());
  }
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST(Select, DrawsDifferentlyPerStream) {
  std::set<std::vector<Endpoint>> seen;
  for (std::uint64_t stream = 0; stream < 16; ++stream) {
    seen.insert(select("random:tikv", small_cluster(), "", stream).endpoints);
  }
  EXPECT_GT(seen.size(), 1U);
}

TEST(Select, RefusesMoreByChanceThanThereAre) {
  const auto error = refusal("random:4:tikv");
  EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  EXPECT_STREQ(error.what(), "'random:4:tikv' cannot be filled: 'tikv' has 3 members");
}

struct Share {
  std::size_t size;
  std::size_t minority;
  std::size_t majority;
};

class SelectShares : public testing::TestWithParam<Share> {};

TEST_P(SelectShares, SplitsAQuorum) {
  SelectorScope scope;
  for (std::size_t i = 0; i < GetParam().size; ++i) {
    scope.members.push_back({"etcd-" + std::to_string(i), "etcd", ""});
  }
  EXPECT_EQ(chosen("majority:etcd", scope).size(), GetParam().majority);
  EXPECT_EQ(chosen("majority", scope).size(), GetParam().majority);
  if (GetParam().minority == 0) {
    EXPECT_EQ(refusal("minority:etcd", scope).kind(), ErrorKind::Conflict);
  } else {
    EXPECT_EQ(chosen("minority:etcd", scope).size(), GetParam().minority);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SelectShares,
                         testing::Values(Share{1, 0, 1}, Share{2, 0, 2}, Share{3, 1, 2},
                                         Share{4, 1, 3}, Share{5, 2, 3}, Share{7, 3, 4}));

TEST(RolesIn, FindsEachRoleOnce) {
  EXPECT_THAT(roles_in("tikv,role:pd-leader,!role:tikv-region-leader:7,role:pd-leader"),
              ElementsAre("pd-leader", "tikv-region-leader:7"));
  EXPECT_THAT(roles_in("random:1:role:etcd-follower"), ElementsAre("etcd-follower"));
  EXPECT_THAT(roles_in("tikv,!pd,minority"), IsEmpty());
  EXPECT_THROW(static_cast<void>(roles_in("role:")), Error);
}

}  // namespace
}  // namespace tinet
