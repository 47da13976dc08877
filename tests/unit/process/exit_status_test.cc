#include "src/process/exit_status.h"

#include <signal.h>

#include <gmock/gmock.h>

#include "src/base/error.h"

namespace tinet {
namespace {

TEST(ExitStatus, SaysHowAProcessEnded) {
  EXPECT_EQ(ExitStatus::exited(0).text(), "exited with status 0");
  EXPECT_EQ(ExitStatus::killed(SIGKILL).text(), "killed by SIGKILL");
  EXPECT_EQ(ExitStatus::killed(SIGSEGV, true).text(), "killed by SIGSEGV (core dumped)");
}

TEST(ExitStatus, ReadsTheStatusWordOfWait) {
  EXPECT_EQ(ExitStatus::from_wait(3 << 8), ExitStatus::exited(3));
  EXPECT_EQ(ExitStatus::from_wait(SIGTERM), ExitStatus::killed(SIGTERM));
  EXPECT_EQ(ExitStatus::from_wait(SIGABRT | 0x80), ExitStatus::killed(SIGABRT, true));
}

TEST(ExitStatus, TellsSuccessAndTheShellsNumber) {
  EXPECT_TRUE(ExitStatus::exited(0).success());
  EXPECT_FALSE(ExitStatus::exited(1).success());
  EXPECT_FALSE(ExitStatus::killed(SIGTERM).success());
  EXPECT_EQ(ExitStatus::exited(3).shell_status(), 3);
  EXPECT_EQ(ExitStatus::killed(SIGTERM).shell_status(), 143);
}

TEST(SignalName, NamesStandardRealtimeAndUnknownOnes) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
  EXPECT_EQ(signal_name(99), "signal 99");
}

TEST(ParseSignal, TakesNamesAndNumbers) {
  EXPECT_EQ(parse_signal("TERM", "--signal"), SIGTERM);
  EXPECT_EQ(parse_signal("sigusr1", "--signal"), SIGUSR1);
  EXPECT_EQ(parse_signal("9", "--signal"), 9);
}

TEST(ParseSignal, RefusesOtherWordsWithAHint) {
  for (const char* word : {"", "0", "65", "-1", "9x", "SIG"}) {
    EXPECT_THROW(static_cast<void>(parse_signal(word, "--signal")), Error) << word;
  }
  try {
    static_cast<void>(parse_signal("TERMM", "--signal"));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_STREQ(error.what(), "--signal: unknown signal 'TERMM'");
    EXPECT_EQ(error.hint(), "did you mean 'TERM'?");
  }
}

}  // namespace
}  // namespace tinet
