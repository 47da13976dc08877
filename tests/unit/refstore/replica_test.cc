#include "src/refstore/replica.h"

#include <gtest/gtest.h>

namespace tinet::refstore {
namespace {

const Member kA{"a", 11, 1};
const Member kB{"b", 22, 2};
const Member kC{"c", 33, 3};
const View kFirst{1, kA, {}};
const View kPair{2, kA, kB};

Op put(std::uint64_t seq, const std::string& value) {
  return {Op::Kind::Put, "client", seq, "k", value};
}

/// a is primary of view 2 with one put done; b has the whole state.
struct Pair {
  Replica a{"a", 11};
  Replica b{"b", 22};

  Pair() {
    a.adopt(kFirst);
    a.apply(put(1, "one"));
    a.adopt(kPair);
    b.adopt(kFirst);
    transfer();
  }

  void transfer() {
    SnapshotReader reader(a.state(), 1);
    while (auto chunk = reader.next()) {
      EXPECT_EQ(b.accept(Transfer{a.view(), *chunk}), Acceptance::Accepted);
    }
    a.mark_synced();
  }
};

TEST(Replica, ServesAsTheFirstPrimary) {
  Replica a("a", 11);
  EXPECT_FALSE(a.may_serve());
  EXPECT_TRUE(a.adopt(kFirst));
  EXPECT_TRUE(a.may_serve());
}

TEST(Replica, IsNotTheMemberOfAnotherIncarnation) {
  Replica restarted("a", 12);
  restarted.adopt(kFirst);
  EXPECT_EQ(restarted.role(), Role::Idle);
  EXPECT_FALSE(restarted.may_serve());
}

TEST(Replica, DoesNotServeAsPrimaryOfALaterViewWithoutState) {
  Replica b("b", 22);
  b.adopt({3, kB, {}});
  EXPECT_EQ(b.role(), Role::Primary);
  EXPECT_FALSE(b.whole());
  EXPECT_FALSE(b.may_serve());
}

TEST(Replica, IgnoresOlderAndEqualViews) {
  Replica a("a", 11);
  a.adopt(kPair);
  EXPECT_FALSE(a.adopt(kFirst));
  EXPECT_FALSE(a.adopt(kPair));
  EXPECT_EQ(a.view(), kPair);
}

TEST(Replica, DoesNotServeBeforeTheBackupHasEverything) {
  Replica a("a", 11);
  a.adopt(kFirst);
  a.adopt(kPair);
  EXPECT_FALSE(a.may_serve());
  EXPECT_FALSE(a.synced());
  a.mark_synced();
  EXPECT_TRUE(a.may_serve());
  EXPECT_TRUE(a.synced());
}

TEST(Replica, BackupEqualsPrimaryAfterTransferAndEntries) {
  Pair pair;
  EXPECT_EQ(pair.b.state().digest(), pair.a.state().digest());
  const Entry entry = pair.a.entry_for(put(2, "two"));
  EXPECT_EQ(pair.b.accept(entry), Acceptance::Accepted);
  pair.a.apply(entry.op);
  EXPECT_EQ(pair.b.state().digest(), pair.a.state().digest());
}

TEST(Replica, AppliesARepeatedEntryOnce) {
  Pair pair;
  const Entry entry = pair.a.entry_for({Op::Kind::PutHash, "client", 2, "k", "x"});
  EXPECT_EQ(pair.b.accept(entry), Acceptance::Accepted);
  const std::uint64_t digest = pair.b.state().digest();
  EXPECT_EQ(pair.b.accept(entry), Acceptance::Accepted);
  EXPECT_EQ(pair.b.state().digest(), digest);
}

TEST(Replica, RefusesAnEntryAfterAGap) {
  Pair pair;
  Entry entry = pair.a.entry_for(put(2, "two"));
  ++entry.index;
  EXPECT_EQ(pair.b.accept(entry), Acceptance::OutOfOrder);
}

TEST(Replica, RefusesEntriesBeforeTheTransferIsComplete) {
  Replica a("a", 11);
  a.adopt(kFirst);
  a.adopt(kPair);
  Replica b("b", 22);
  EXPECT_EQ(b.accept(a.entry_for(put(1, "one"))), Acceptance::OutOfOrder);
  EXPECT_EQ(b.accept(Transfer{kPair, {.number = 0, .last = false}}), Acceptance::Accepted);
  EXPECT_FALSE(b.whole());
  EXPECT_EQ(b.accept(a.entry_for(put(1, "one"))), Acceptance::OutOfOrder);
}

TEST(Replica, TakesChunksInOrderAndRepeatedOnesOnce) {
  Replica b("b", 22);
  Chunk first{.number = 0, .last = false, .applied = 2};
  first.values = {{"k", "old"}};
  Chunk second{.number = 1, .last = true, .applied = 2};
  EXPECT_EQ(b.accept(Transfer{kPair, second}), Acceptance::OutOfOrder);
  EXPECT_EQ(b.accept(Transfer{kPair, first}), Acceptance::Accepted);
  EXPECT_EQ(b.accept(Transfer{kPair, first}), Acceptance::Accepted);
  EXPECT_EQ(b.accept(Transfer{kPair, second}), Acceptance::Accepted);
  EXPECT_TRUE(b.whole());
  EXPECT_EQ(b.accept(Entry{kPair, 3, put(1, "new")}), Acceptance::Accepted);
  const std::uint64_t digest = b.state().digest();
  EXPECT_EQ(b.accept(Transfer{kPair, first}), Acceptance::Accepted) << "late duplicate";
  EXPECT_EQ(b.state().digest(), digest);
}

TEST(Replica, ServesWithTheWholeStateWhenPromoted) {
  Pair pair;
  const std::uint64_t digest = pair.b.state().digest();
  pair.b.adopt({3, kB, {}});
  EXPECT_TRUE(pair.b.may_serve());
  EXPECT_EQ(pair.b.state().digest(), digest);
}

TEST(Replica, PromotedBackupRefusesTheStalePrimary) {
  Pair pair;
  pair.b.adopt({3, kB, kC});
  EXPECT_EQ(pair.b.accept(pair.a.entry_for(put(2, "late"))), Acceptance::WrongView);
}

TEST(Replica, RefusesAnEntryThatIsMeantForItsEarlierIncarnation) {
  Pair pair;
  Replica restarted("b", 23);
  EXPECT_EQ(restarted.accept(pair.a.entry_for(put(2, "two"))), Acceptance::WrongView);
  EXPECT_EQ(restarted.state().applied(), 0U);
}

TEST(Replica, DropsItsStateWhenItIsNoLongerInTheView) {
  Pair pair;
  pair.b.adopt({3, kA, kC});
  EXPECT_EQ(pair.b.state().keys(), 0U);
  pair.b.adopt({4, kB, {}});
  EXPECT_FALSE(pair.b.may_serve());
}

TEST(Replica, NeedsANewTransferWhenItIsMadeBackupAgain) {
  Pair pair;
  pair.a.adopt({3, kA, {}});
  pair.a.apply(put(2, "alone"));
  pair.a.adopt({4, kA, kB});
  pair.b.adopt({4, kA, kB});
  EXPECT_FALSE(pair.b.whole());
  EXPECT_FALSE(pair.a.may_serve());
  pair.transfer();
  EXPECT_EQ(pair.b.state().digest(), pair.a.state().digest());
}

}  // namespace
}  // namespace tinet::refstore
