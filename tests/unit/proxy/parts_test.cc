/// The parts of a direction: bytes with times, rates, times of tasks.

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "src/proxy/byte_queue.h"
#include "src/proxy/random.h"
#include "src/proxy/relay_loop.h"
#include "src/proxy/token_bucket.h"

namespace tinet::proxy {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{std::chrono::hours(1)};

void add(ByteQueue& queue, std::string_view bytes, const TimePoint* due = nullptr) {
  while (!bytes.empty()) {
    const std::span<char> room = queue.room();
    const std::size_t part = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), part);
    queue.commit(part, due);
    bytes.remove_prefix(part);
  }
}

std::string take(ByteQueue& queue, TimePoint now) {
  std::string taken;
  while (const std::size_t due = queue.due(now)) {
    const std::span<const char> front = queue.front(due);
    taken.append(front.data(), front.size());
    queue.drop(front.size());
  }
  return taken;
}

TEST(ByteQueue, GivesBytesWithoutATimeAtOnceAndInOrder) {
  BufferPool pool;
  ByteQueue queue(pool);
  std::string all;
  for (int i = 0; i < 1'000; ++i) {
    const std::string part(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    add(queue, part);
    all += part;
  }
  EXPECT_EQ(queue.size(), all.size());
  EXPECT_EQ(take(queue, kStart), all);
  EXPECT_TRUE(queue.empty());
}

TEST(ByteQueue, GivesBytesWhenTheirTimeHasCome) {
  BufferPool pool;
  ByteQueue queue(pool);
  const TimePoint first = kStart + 10ms;
  const TimePoint second = kStart + 20ms;
  add(queue, "one", &first);
  add(queue, "two", &second);
  EXPECT_EQ(take(queue, kStart), "");
  EXPECT_EQ(queue.next_due(), first);
  EXPECT_EQ(take(queue, first), "one");
  EXPECT_EQ(queue.next_due(), second);
  EXPECT_EQ(take(queue, kStart + 1h), "two");
  EXPECT_EQ(queue.next_due(), kNever);
}

TEST(ByteQueue, NeverLetsBytesOvertake) {
  BufferPool pool;
  ByteQueue queue(pool);
  const TimePoint late = kStart + 20ms;
  const TimePoint early = kStart + 10ms;
  add(queue, "first", &late);
  add(queue, "second", &early);
  add(queue, "third");
  EXPECT_EQ(take(queue, early), "");
  EXPECT_EQ(queue.last_due(), late);
  EXPECT_EQ(take(queue, late), "firstsecondthird");
}

TEST(ByteQueue, LetsBytesThatWereFreeGoBeforeThoseWithATime) {
  BufferPool pool;
  ByteQueue queue(pool);
  const TimePoint due = kStart + 10ms;
  add(queue, "free");
  add(queue, "bound", &due);
  EXPECT_EQ(take(queue, kStart), "free");
  EXPECT_EQ(take(queue, due), "bound");
  // Once more, behind bytes that had times.
  add(queue, "free again");
  const TimePoint later = kStart + 1h;
  add(queue, "bound again", &later);
  EXPECT_EQ(take(queue, due), "free again");
}

TEST(ByteQueue, CanBeHurried) {
  BufferPool pool;
  ByteQueue queue(pool);
  const TimePoint soon = kStart + 1ms;
  const TimePoint late = kStart + 1h;
  add(queue, "a", &soon);
  add(queue, "b", &late);
  queue.hurry(kStart + 10ms);
  EXPECT_EQ(queue.next_due(), soon);
  EXPECT_EQ(take(queue, kStart + 10ms), "ab");
}

TEST(ByteQueue, IsFullOfManyTimes) {
  BufferPool pool;
  ByteQueue queue(pool);
  for (std::size_t i = 0; i < ByteQueue::kMarksMax; ++i) {
    EXPECT_FALSE(queue.full());
    const TimePoint due = kStart + Nanoseconds(i);
    add(queue, "x", &due);
  }
  EXPECT_TRUE(queue.full());
  queue.clear();
  EXPECT_FALSE(queue.full());
  EXPECT_EQ(queue.size(), 0U);
  add(queue, "y");
  EXPECT_EQ(take(queue, kStart), "y");
}

TEST(BufferPool, IsScarceWhileVeryMuchIsUnderWay) {
  BufferPool pool;
  std::vector<std::unique_ptr<Buffer>> buffers;
  while (!pool.is_scarce()) {
    ASSERT_LT(buffers.size(), 100'000U);
    buffers.push_back(pool.take());
  }
  // Nobody wrote to them, so this is address space only.
  EXPECT_EQ(buffers.size() * kBufferBytes, 512U << 20U);
  pool.give_back(std::move(buffers.back()));
  buffers.pop_back();
  EXPECT_FALSE(pool.is_scarce());
}

TEST(TokenBucket, KeepsTheRateWhateverTheSteps) {
  for (const std::uint64_t rate : {1ULL, 10ULL, 1'000ULL, 1'000'000ULL, 2'000'000'000ULL}) {
    TokenBucket bucket;
    bucket.set_rate(rate, kStart);
    TimePoint now = kStart;
    std::uint64_t sent = 0;
    while (now < kStart + 10s) {
      const std::size_t part = bucket.available(100'000'000, now);
      if (part == 0) {
        const TimePoint next = bucket.when(100'000'000, now);
        ASSERT_GT(next, now);
        now = next;
      } else {
        bucket.take(part);
        sent += part;
      }
    }
    const double expected = 10.0 * static_cast<double>(rate);
    EXPECT_GE(static_cast<double>(sent), expected * 0.99 - 1) << rate;
    EXPECT_LE(static_cast<double>(sent), expected * 1.01 + 1) << rate;
  }
}

TEST(TokenBucket, EarnsNoBurstByResting) {
  TokenBucket bucket;
  bucket.set_rate(1'000'000, kStart);
  EXPECT_LE(bucket.available(10'000'000, kStart + 1h), 10'000U);
}

TEST(TokenBucket, LetsASmallMessageGoWhole) {
  TokenBucket bucket;
  bucket.set_rate(1'000, kStart);
  EXPECT_EQ(bucket.available(3, kStart), 0U);
  EXPECT_EQ(bucket.when(3, kStart), kStart + 3ms + 1ns);
  EXPECT_EQ(bucket.available(3, kStart + 4ms), 3U);
}

class Nothing final : public Task {
 public:
  void run(TimePoint) noexcept override {}
};

TEST(TimerHeap, GivesTasksInTheOrderOfTheirTimes) {
  std::vector<Nothing> tasks(500);
  TimerHeap heap;
  Random random(1);
  std::vector<TimePoint> times(tasks.size());
  // Set, moved and taken out in any order.
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      times[i] = random.below(4) == 0 ? kNever : kStart + Nanoseconds(random.below(100));
      heap.set(tasks[i], times[i]);
    }
  }
  std::erase(times, kNever);
  std::sort(times.begin(), times.end());
  EXPECT_EQ(heap.size(), times.size());
  for (const TimePoint time : times) {
    EXPECT_EQ(heap.earliest(), time);
    EXPECT_EQ(heap.take_due(time - 1ns), nullptr);
    EXPECT_NE(heap.take_due(time), nullptr);
  }
  EXPECT_EQ(heap.earliest(), kNever);
}

}  // namespace
}  // namespace tinet::proxy
