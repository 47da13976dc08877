#include "src/supervisor/fault_book.h"

#include <chrono>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::milliseconds;

FaultBook::Entry make_entry(const FaultBook& book, std::vector<std::string> target,
                            std::optional<MonoTime> end = std::nullopt) {
  Fault fault;
  fault.id = book.next_id();
  fault.target = std::move(target);
  fault.links = {{0, 1}};
  fault.end = end;
  return {std::move(fault), {}, true, {}};
}

TEST(FaultBook, NeverUsesAnIdTwice) {
  FaultBook book;
  book.add(make_entry(book, {"a"}));
  book.add(make_entry(book, {"b"}));
  EXPECT_TRUE(book.end({1}, FaultBook::Ending::Healed, {}).has_value());
  EXPECT_TRUE(book.end({2}, FaultBook::Ending::Healed, {}).has_value());
  EXPECT_EQ(book.next_id().value, 3U);
  EXPECT_TRUE(book.issued({2}));
  EXPECT_FALSE(book.issued({3}));
  EXPECT_FALSE(book.issued({0}));
}

TEST(FaultBook, GivesOutNoIdOfAChangeThatFailed) {
  FaultBook book;
  book.use_up({2});
  EXPECT_EQ(book.next_id().value, 3U);
  EXPECT_FALSE(book.issued({1})) << "nobody was told of it";
  EXPECT_FALSE(book.issued({2}));
  book.use_up({4});
  auto entry = make_entry(book, {"a"});
  entry.fault.id = FaultId{3};
  book.add(entry);
  entry.fault.id = FaultId{4};
  book.add(entry);
  EXPECT_TRUE(book.issued({3}));
  EXPECT_TRUE(book.issued({4}));
  EXPECT_EQ(book.next_id().value, 5U);
}

TEST(FaultBook, ExpiresWhatIsDueAndNothingElse) {
  FaultBook book;
  const MonoTime start{};
  book.add(make_entry(book, {"a"}, start + milliseconds(10)));
  book.add(make_entry(book, {"b"}, start + milliseconds(20)));
  book.add(make_entry(book, {"c"}));
  EXPECT_EQ(book.next_end(), start + milliseconds(10));
  EXPECT_TRUE(book.expire(start + milliseconds(9)).empty());
  const auto expired = book.expire(start + milliseconds(10));
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].id.value, 1U);
  EXPECT_EQ(book.active().size(), 2U);
  ASSERT_NE(book.find_ended({1}), nullptr);
  EXPECT_EQ(book.find_ended({1})->ending, FaultBook::Ending::Expired);
}

TEST(FaultBook, KnowsWhomItTouchesOnlyWhileActive) {
  FaultBook book;
  auto entry = make_entry(book, {"tikv-0"});
  entry.fault.peers = {"pd-0"};
  book.add(entry);
  EXPECT_EQ(book.touching("tikv-0").size(), 1U);
  EXPECT_EQ(book.touching("pd-0").size(), 1U);
  EXPECT_TRUE(book.touching("tikv-1").empty());
  book.end({1}, FaultBook::Ending::Healed, {});
  EXPECT_TRUE(book.touching("tikv-0").empty());
}

TEST(FaultBook, GivesTheFabricOnlyFaultsOnLinks) {
  FaultBook book;
  auto pause = make_entry(book, {"a"});
  pause.fault.links.clear();
  pause.fault.kind = FaultKind::Pause;
  book.add(pause);
  book.add(make_entry(book, {"b"}));
  ASSERT_EQ(book.network_faults().size(), 1U);
  EXPECT_EQ(book.network_faults()[0].id.value, 2U);
}

TEST(FaultBook, KnowsWhenAFlapChangesPhase) {
  FaultBook book;
  const MonoTime start{};
  EXPECT_EQ(book.next_change(start), std::nullopt);
  auto entry = make_entry(book, {"a"}, start + milliseconds(100));
  entry.fault.flap = Flap{milliseconds(30), milliseconds(10), 0, start};
  book.add(entry);
  EXPECT_EQ(book.next_change(start), start + milliseconds(30));
  EXPECT_EQ(book.next_change(start + milliseconds(30)), start + milliseconds(40));
  EXPECT_EQ(book.next_change(start + milliseconds(41)), start + milliseconds(70));
  EXPECT_EQ(book.next_change(start + milliseconds(90)), start + milliseconds(100));
}

TEST(FaultBook, EndingTwiceIsNoticed) {
  FaultBook book;
  book.add(make_entry(book, {"a"}));
  EXPECT_TRUE(book.end({1}, FaultBook::Ending::Healed, {}).has_value());
  EXPECT_FALSE(book.end({1}, FaultBook::Ending::Healed, {}).has_value());
}

}  // namespace
}  // namespace tinet
