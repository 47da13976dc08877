#include "src/process/pty.h"

#include <signal.h>

#include <gmock/gmock.h>

#include "tests/kernel/process/fixture.h"

namespace tinet::testing {
namespace {

using PtyTest = ProcessTest;

/// Output of a terminal up to its end, which is EIO rather than 0 bytes.
std::string read_terminal(int master) {
  std::string text = read_all(master);
  std::erase(text, '\r');
  return text;
}

TEST_F(PtyTest, BecomesTheControllingTerminal) {
  Pty pty = open_pty({.rows = 40, .columns = 100});
  const Child child = spawn(executor(), {.program = program("prints_status"),
                                         .args = {"file", "/dev/tty"},
                                         .pty_slave_fd = pty.slave.get()});
  pty.slave.reset();
  ASSERT_EQ(::write(pty.master.get(), "typed\n\4", 7), 7);  // a line, then the end of input
  EXPECT_THAT(read_terminal(pty.master.get()), ::testing::EndsWith("typed\n"));
  EXPECT_TRUE(wait(child).success());
}

TEST_F(PtyTest, InterruptKeyReachesTheProgram) {
  Pty pty = open_pty();
  const Child child =
      spawn(executor(), {.program = program("ignores_sigterm"), .pty_slave_fd = pty.slave.get()});
  EXPECT_EQ(read_line(pty.master.get()), "ready\r");
  ASSERT_EQ(::write(pty.master.get(), "\3", 1), 1);
  EXPECT_EQ(wait(child), ExitStatus::killed(SIGINT));
}

TEST_F(PtyTest, PropagatesTheWindowSize) {
  const Pty pty = open_pty({.rows = 40, .columns = 100});
  EXPECT_EQ(window_size(pty.slave.get()), (WindowSize{.rows = 40, .columns = 100}));
  set_window_size(pty.master.get(), {.rows = 50, .columns = 120});
  EXPECT_EQ(window_size(pty.slave.get()), (WindowSize{.rows = 50, .columns = 120}));
  const UniqueFd no_terminal(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(window_size(no_terminal.get()), WindowSize{});
  EXPECT_THROW(set_window_size(no_terminal.get(), {}), Error);
}

TEST_F(PtyTest, RawModeLastsForItsScope) {
  const Pty pty = open_pty();
  termios mode{};
  {
    const RawTerminal raw(pty.slave.get());
    EXPECT_TRUE(raw.active());
    ASSERT_EQ(::tcgetattr(pty.slave.get(), &mode), 0);
    EXPECT_EQ(mode.c_lflag & (ICANON | ECHO | ISIG), 0U);
  }
  ASSERT_EQ(::tcgetattr(pty.slave.get(), &mode), 0);
  EXPECT_EQ(mode.c_lflag & (ICANON | ECHO | ISIG), static_cast<tcflag_t>(ICANON | ECHO | ISIG));
  const UniqueFd no_terminal(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(RawTerminal(no_terminal.get()).active());
}

}  // namespace
}  // namespace tinet::testing
