// Faults that cannot be meant: error 2 or 4 with a message and a way out, and nothing changed.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/echo_scene.h"

namespace tinet::test {
namespace {

using ::testing::HasSubstr;

struct Refused {
  std::vector<std::string> words;
  int code;
  std::string message;  ///< a part of it
  std::string hint;     ///< a part of it
};

/// Every row is refused in the same cluster, which has the fault f1 before and after.
void expect_refused(const std::vector<Refused>& rows) {
  const EchoScene scene;
  ASSERT_TRUE(scene.up());
  ASSERT_TRUE(scene.tinet({"hold", "node-0", "--to", "node-1"}).ok());
  const auto effects = [&] { return text_at(scene.link("node-0", "node-1"), "/effects"); };
  const std::string before = effects();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.message);
    const RunResult result = scene.tinet(row.words);
    EXPECT_EQ(result.exit_code, row.code) << result;
    EXPECT_EQ(result.out, "");
    const auto hint_at = result.err.find("tinet: hint: ");
    EXPECT_THAT(result.err, HasSubstr("tinet: error: "));
    EXPECT_THAT(result.err.substr(0, hint_at), HasSubstr(row.message));
    ASSERT_NE(hint_at, std::string::npos) << result.err;
    EXPECT_THAT(result.err.substr(hint_at), HasSubstr(row.hint));
  }
  const auto all = scene.json({"faults", "--all"});
  ASSERT_EQ(all.as_array().size(), 1U) << all;
  EXPECT_EQ(text_at(all, "/0/id"), "f1");
  EXPECT_EQ(effects(), before);
  EXPECT_EQ(text_at(scene.link("node-0", "node-2"), "/effects"), "{}");
}

TEST(Refused, WrongUnits) {
  expect_refused({
      {{"delay", "node-0", "50"}, 2, "'50' has no unit", "50ms"},
      {{"delay", "node-0", "50msx"}, 2, "50msx", "250ms"},
      {{"delay", "node-0", "5ms", "--jitter", "1"}, 2, "--jitter: '1' has no unit", "1ms"},
      {{"loss", "node-0", "10"}, 2, "'10' has no percent sign", "10%"},
      {{"duplicate", "node-0", "0.1"}, 2, "'0.1' has no percent sign", "%"},
      {{"corrupt", "node-0", "1ms"}, 2, "'1ms'", "10%"},
      {{"reorder", "node-0", "25%", "--delay", "10"}, 2, "'10' has no unit", "10ms"},
      {{"rate", "node-0", "10"}, 2, "'10' has no unit", "10mbit"},
      {{"rate", "node-0", "10mb"}, 2, "'10mb' has an unknown unit", "10mbit"},
      {{"flap", "node-0", "--down", "1", "--up", "1s"}, 2, "--down: '1' has no unit", "1s"},
      {{"hold", "node-0", "--for", "5"}, 2, "--for: '5' has no unit", "5s"},
      {{"partition", "node-0", "--for", "2"}, 2, "--for: '2' has no unit", "2s"},
      {{"partition", "node-0", "--after-bytes", "10k"}, 2, "unknown unit 'k'", "64kb"},
  });
}

TEST(Refused, NumbersOutOfRange) {
  expect_refused({
      {{"loss", "node-0", "101%"}, 2, "'101%' is over 100%", "from 0% to 100%"},
      {{"loss", "node-0", "0.00001%"}, 2, "finer than 0.0001%", "from 0% to 100%"},
      {{"corrupt", "node-0", "0%"}, 2, "does nothing", "heal"},
      {{"delay", "node-0", "2h"}, 2, "'2h' is too long", "1h"},
      {{"delay", "node-0", "0ms"}, 2, "does nothing", "heal"},
      {{"delay", "node-0", "5ms", "--jitter", "10ms"}, 2, "--jitter 10ms is more", "jitter"},
      {{"rate", "node-0", "1bit"}, 2, "'1bit' is too small", "8bit"},
      {{"rate", "node-0", "1mbit", "--queue", "0"}, 2, "--queue: 0 is too small", "1 to 1000000"},
      {{"flap", "node-0", "--down", "1ms", "--up", "1s"}, 2, "too short", "10ms"},
      {{"partition", "node-0", "--first", "0"}, 2, "--first: 0 is too small", "allowed are 1"},
      {{"partition", "node-0", "--port", "70000"}, 2, "70000 is too large", "1 to 65535"},
      {{"partition", "random:9:node"}, 4, "'random:9:node' cannot be filled", "at most 3"},
  });
}

TEST(Refused, ShapesThatCannotBe) {
  expect_refused({
      {{"partition", "--shape", "squares"}, 2, "unknown word 'squares'", "halves"},
      {{"partition", "node-0", "--shape", "halves"},
       2,
       "--shape halves needs 2 instances",
       "select more"},
      {{"partition", "node-0,node-1", "--shape", "ring"},
       2,
       "--shape ring needs 3 instances",
       "select more"},
      {{"partition", "node-0", "--shape", "bridge"},
       2,
       "--shape bridge needs 3 instances",
       "select more"},
      {{"partition", "--shape", "zones"}, 2, "different zones", "--tikv.zone"},
      {{"partition", "--between", "zones"}, 2, "zone", "--tikv.zone"},
      {{"partition", "node-0 / node-0"}, 2, "in two groups", "one group"},
  });
}

TEST(Refused, UnknownNames) {
  expect_refused({
      {{"partition", "nod-0"}, 2, "'nod-0'", "did you mean 'node-0'?"},
      {{"delay", "node-0", "5ms", "--to", "node-9"}, 2, "'node-9'", "did you mean"},
      {{"loss", "zone:z", "1%"}, 2, "no zone 'z'", "--tikv.zone"},
      {{"rate", "role:boss", "1mbit"}, 2, "unknown role 'boss'", "no roles"},
      {{"partition", "node-0", "--service", "peer"}, 2, "service 'peer'", "--port"},
      {{"partition", "node-0", "--mode", "rejct"}, 2, "'rejct'", "did you mean 'reject'?"},
      {{"delay", "node-0", "--profile", "wan-eu-uss"}, 2, "'wan-eu-uss'", "'wan-eu-us'"},
      {{"why", "node-0", "nod-1"}, 2, "'nod-1'", "did you mean 'node-1'?"},
      {{"release", "f99"}, 4, "'f99'", "tinet faults"},
      {{"heal", "f99"}, 4, "f99", "tinet faults"},
  });
}

TEST(Refused, FiltersThatContradict) {
  expect_refused({
      {{"partition", "node-0", "--new", "--established"}, 2, "exclude each other", "only one"},
      {{"partition", "node-0", "--from", "node-1", "--to", "node-2"}, 2, "exclude", "only one"},
      {{"partition", "node-0", "--service", "echo", "--port", "7"}, 2, "exclude", "only one"},
      {{"partition", "node-0", "--proto", "udp", "--new"}, 2, "--proto is udp", "leave out"},
      {{"loss", "node-0", "1%", "--proto", "icmp", "--port", "7000"}, 2, "no ports", "leave out"},
      {{"loss", "node-0", "1%", "--lost-reply"}, 2, "--lost-reply", "--service"},
      {{"delay", "node-0", "5ms", "--distribution", "normal"}, 2, "needs --jitter", "add --jitter"},
      {{"partition", "node-0", "--from", "node-0"}, 2, "node-0", "--from"},
      {{"hold", "node-1", "--to", "node-0"}, 4, "cannot combine f1 and", "release"},
  });
}

}  // namespace
}  // namespace tinet::test
