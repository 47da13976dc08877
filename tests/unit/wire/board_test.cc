#include "src/wire/board.h"

#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/wire/shared_memory.h"

namespace tinet {
namespace {

constexpr WireLink kLink{{101}, {102}};
constexpr WireLink kOther{{101}, {103}};

/// Both ends, as in two processes.
class WireBoardTest : public ::testing::Test {
 protected:
  [[nodiscard]] WireReport report() const { return read_board(reader.bytes()); }

  UniqueFd file = make_shared_memory(WireBoard::size_for(4));
  SharedMapping writer{file.get(), SharedMapping::Access::Write};
  SharedMapping reader{file.get(), SharedMapping::Access::Read};
  WireBoard board{writer.writable()};
};

TEST_F(WireBoardTest, SaysWhatWasCounted) {
  EXPECT_EQ(board.capacity(), 4U);
  EXPECT_TRUE(report().lanes.empty());
  board.open(0, 7, kLink);
  board.open(1, 65535, kOther);
  board.add(0, &WireCounters::packets);
  board.add(0, &WireCounters::packets, 2);
  board.add(1, &WireCounters::waiting);
  board.add(1, &WireCounters::waiting);
  board.subtract(1, &WireCounters::waiting);
  board.set_missed(5);
  const WireReport seen = report();
  EXPECT_EQ(seen.lanes,
            (std::vector<WireLane>{{7, kLink, {.packets = 3}}, {65535, kOther, {.waiting = 1}}}));
  EXPECT_EQ(seen.missed, 5U);
}

TEST_F(WireBoardTest, ReadsEveryCounter) {
  board.open(2, 1, kLink);
  std::uint64_t next = 1;
  for (const auto counter :
       {&WireCounters::packets, &WireCounters::at_once, &WireCounters::delayed, &WireCounters::lost,
        &WireCounters::overflowed, &WireCounters::held, &WireCounters::released,
        &WireCounters::discarded, &WireCounters::waiting}) {
    board.add(2, counter, next++);
  }
  ASSERT_EQ(report().lanes.size(), 1U);
  EXPECT_EQ(report().lanes[0].counters, (WireCounters{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(WireBoardTest, AnEntryStartsAnewWithItsNextLane) {
  board.open(0, 7, kLink);
  board.add(0, &WireCounters::lost, 9);
  board.close(0);
  EXPECT_TRUE(report().lanes.empty());
  board.open(0, 8, kOther);
  EXPECT_EQ(report().lanes, (std::vector<WireLane>{{8, kOther, {}}}));
}

TEST_F(WireBoardTest, NobodyChangesItsSize) {
  EXPECT_EQ(::ftruncate(file.get(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(file.get(), 1 << 20), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
}

// The writer is less trusted than the reader.
TEST_F(WireBoardTest, WhateverBytesAreThereReadingEnds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    for (std::byte& byte : writer.writable()) {
      byte = static_cast<std::byte>(random());
    }
    const WireReport seen = report();
    EXPECT_LE(seen.lanes.size(), 4U);
    for (const WireLane& lane : seen.lanes) {
      EXPECT_NE(lane.number, 0U);
    }
  }
  std::memset(writer.writable().data(), 0xff, writer.writable().size());
  EXPECT_TRUE(report().lanes.empty());
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_TRUE(read_board(reader.bytes().first(size)).lanes.empty());
  }
}

TEST_F(WireBoardTest, AReaderNeverSeesTwoLanesInOne) {
  constexpr int kTurns = 100'000;
  std::thread writing([&] {
    for (int i = 0; i < kTurns; ++i) {
      const bool even = i % 2 == 0;
      board.open(0, even ? 2 : 3, even ? kLink : kOther);
      board.add(0, &WireCounters::packets, even ? 2 : 3);
      board.close(0);
    }
    board.set_missed(1);
  });
  while (report().missed == 0) {
    for (const WireLane& lane : report().lanes) {
      EXPECT_EQ(lane.link, lane.number == 2 ? kLink : kOther);
      EXPECT_TRUE(lane.counters.packets == 0 || lane.counters.packets == lane.number);
    }
  }
  writing.join();
}

}  // namespace
}  // namespace tinet
