#include "src/process/process_watch.h"

#include <chrono>

#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/support/stale_readiness.h"

namespace tinet {
namespace {

using namespace std::chrono_literals;

/// A child that ends by itself after some seconds, so that a loop that blocks on it goes on.
pid_t child_of_some_seconds() {
  constexpr unsigned kSeconds = 4;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::sleep(kSeconds);
    ::_exit(0);
  }
  return pid;
}

// A supervisor whose loop took the event of a closed connection for the end of a new instance's
// process then waited for that end: it answered nobody any more, and could not even be stopped.
TEST(ProcessWatch, TakesNoOtherDescriptorsEventForTheEnd) {
  boost::asio::io_context loop;
  const pid_t pid = child_of_some_seconds();
  ASSERT_GT(pid, 0);
  std::shared_ptr<ProcessWatch> watch;
  test::open_among_stale_events(loop,
                                [&] { watch = ProcessWatch::start(loop.get_executor(), pid); });
  loop.run_for(200ms);
  ASSERT_NE(watch, nullptr);
  ASSERT_FALSE(watch->status()) << "it lives";

  watch->kill();
  loop.run_for(10s);
  ASSERT_TRUE(watch->status());
  EXPECT_EQ(*watch->status(), ExitStatus::killed(SIGKILL));
}

}  // namespace
}  // namespace tinet
