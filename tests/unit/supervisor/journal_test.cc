#include "src/supervisor/journal.h"

#include <chrono>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace tinet {
namespace {

namespace asio = boost::asio;

TEST(Journal, AppendsOneParsableLinePerEvent) {
  asio::io_context loop;
  UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  const int reader = file.get();
  Journal journal(loop.get_executor(), std::move(file));
  journal.add("user", "fault-applied", "tikv-0", "it \"breaks\"\nhere", {{"fault", "f1"}});
  journal.add("tinet", "ready", "", "up");
  char buffer[4096] = {};
  const ssize_t size = ::pread(reader, buffer, sizeof buffer, 0);
  ASSERT_GT(size, 0);
  const std::string text(buffer, static_cast<std::size_t>(size));
  const auto first = boost::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first.at("seq").to_number<int>(), 1);
  EXPECT_EQ(first.at("instance").as_string(), "tikv-0");
  EXPECT_EQ(first.at("fault").as_string(), "f1");
  EXPECT_GT(first.at("time_unix_ms").to_number<std::int64_t>(), 1'600'000'000'000);
}

TEST(Journal, AfterGivesOnlyNewerEntries) {
  asio::io_context loop;
  Journal journal(loop.get_executor(), UniqueFd());
  for (int i = 0; i < 5; ++i) {
    journal.add("tinet", "tick", "", "");
  }
  EXPECT_EQ(journal.after(0).size(), 5U);
  ASSERT_EQ(journal.after(3).size(), 2U);
  EXPECT_EQ(journal.after(3).front().seq, 4U);
  EXPECT_TRUE(journal.after(5).empty());
}

TEST(Journal, AFullDiskNeverStopsIt) {
  asio::io_context loop;
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  Journal journal(loop.get_executor(), std::move(full));
  journal.add("tinet", "one", "", "");
  journal.add("tinet", "two", "", "");
  const auto second = boost::json::parse(journal.after(1).front().line);
  EXPECT_EQ(second.at("lost_lines_before").to_number<int>(), 1);
}

TEST(Changes, WakesEveryWaiterOncePerChange) {
  asio::io_context loop;
  Changes changes(loop.get_executor());
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
          const bool changed = co_await changes.wait(0);
          woken += changed ? 1 : 0;
        },
        asio::detached);
  }
  loop.poll();
  EXPECT_EQ(woken, 0);
  changes.notify();
  loop.restart();
  loop.poll();
  EXPECT_EQ(woken, 3);
}

TEST(Changes, TheDeadlineEndsTheWait) {
  asio::io_context loop;
  Changes changes(loop.get_executor());
  bool changed = true;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
        changed = co_await changes.wait(0, deadline);
      },
      asio::detached);
  loop.run();
  EXPECT_FALSE(changed);
}

}  // namespace
}  // namespace tinet
