#include "src/supervisor/fault_book.h"

#include <chrono>

#include <gtest/gtest.h>

namespace tinet {
namespace {

using std::chrono::milliseconds;

Fault make_fault(const FaultBook& book, std::vector<std::string> target,
                 std::optional<MonoTime> end = std::nullopt) {
  Fault fault;
  fault.id = book.next_id();
  fault.target = std::move(target);
  fault.links = {{0, 1}};
  fault.end = end;
  return fault;
}

TEST(FaultBook, NeverUsesAnIdTwice) {
  FaultBook book;
  book.add(make_fault(book, {"a"}));
  book.add(make_fault(book, {"b"}));
  EXPECT_TRUE(book.end({1}, FaultBook::Ending::Healed).has_value());
  EXPECT_TRUE(book.end({2}, FaultBook::Ending::Healed).has_value());
  EXPECT_EQ(book.next_id().value, 3U);
  EXPECT_TRUE(book.issued({2}));
  EXPECT_FALSE(book.issued({3}));
  EXPECT_FALSE(book.issued({0}));
}

TEST(FaultBook, ExpiresWhatIsDueAndNothingElse) {
  FaultBook book;
  const MonoTime start{};
  book.add(make_fault(book, {"a"}, start + milliseconds(10)));
  book.add(make_fault(book, {"b"}, start + milliseconds(20)));
  book.add(make_fault(book, {"c"}));
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
  Fault fault = make_fault(book, {"tikv-0"});
  fault.peers = {"pd-0"};
  book.add(fault);
  EXPECT_TRUE(book.touches("tikv-0"));
  EXPECT_TRUE(book.touches("pd-0"));
  EXPECT_FALSE(book.touches("tikv-1"));
  book.end({1}, FaultBook::Ending::Healed);
  EXPECT_FALSE(book.touches("tikv-0"));
}

TEST(FaultBook, GivesTheFabricOnlyFaultsOnLinks) {
  FaultBook book;
  Fault pause = make_fault(book, {"a"});
  pause.links.clear();
  pause.kind = FaultKind::Pause;
  book.add(pause);
  book.add(make_fault(book, {"b"}));
  ASSERT_EQ(book.network_faults().size(), 1U);
  EXPECT_EQ(book.network_faults()[0].id.value, 2U);
}

TEST(FaultBook, EndingTwiceIsNoticed) {
  FaultBook book;
  book.add(make_fault(book, {"a"}));
  EXPECT_TRUE(book.end({1}, FaultBook::Ending::Healed).has_value());
  EXPECT_FALSE(book.end({1}, FaultBook::Ending::Healed).has_value());
}

}  // namespace
}  // namespace tinet
