#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/cli/fault_view.h"
#include "src/cli/output.h"
#include "src/cli/status_view.h"

namespace tinet::cli {
namespace {

namespace json = boost::json;

json::value status() {
  return json::parse(R"({"tag":"default","state":"degraded","backend":"netns","topology":"tidb",
    "store":"real","subnet":"198.18.0.0/16","instances":[
     {"name":"pd-0","state":"ready","pid":4711,"address":"198.18.0.11","roles":["pd-leader"],
      "network":"ok","restarts":0,"waiting_for":"","published":{"client":"127.0.0.1:2379"}},
     {"name":"tikv-0","state":"running","pid":4712,"address":"198.18.0.12","roles":[],
      "network":"cut","restarts":2,"waiting_for":"store is Down","published":{}}],
    "faults":[{"id":"f3","kind":"partition","target":["tikv-0"],"peers":["pd-0"],
      "links":[["tikv-0","pd-0"],["pd-0","tikv-0"]],"expires_in_ms":2947,
      "packets":{"dropped":55}}]})");
}

TEST(StatusText, ShowsInstancesInColumnsAndFaultsBelow) {
  EXPECT_EQ(status_text(status(), false),
            "cluster 'default' is degraded (tidb, netns, 198.18.0.0/16)\n"
            "\n"
            "NAME    ROLE       STATE    PID   ADDRESS      NETWORK  RESTARTS  PUBLISHED"
            "              WAITING FOR\n"
            "pd-0    pd-leader  ready    4711  198.18.0.11  ok       0         client "
            "127.0.0.1:2379\n"
            "tikv-0             running  4712  198.18.0.12  cut      2"
            "                                store is Down\n"
            "\n"
            "f3: partition tikv-0 from pd-0 (2 links), ends in 2.9s, 55 packets dropped\n");
}

TEST(StatusText, ColoursOnlyWhenAskedTo) {
  EXPECT_EQ(status_text(status(), false).find('\033'), std::string::npos);
  EXPECT_NE(status_text(status(), true).find("\033[31mcut\033[0m"), std::string::npos);
}

TEST(StatusText, SaysWhenTheStoreIsNotReal) {
  json::value document = status();
  document.as_object()["store"] = "reference";
  EXPECT_NE(status_text(document, false).find("not TiDB"), std::string::npos);
}

TEST(StatusText, ShowsWhatItCanOfAnEmptyDocument) {
  EXPECT_NO_THROW(static_cast<void>(status_text(json::object{}, false)));
}

TEST(PublishedPorts, AreKeyedByInstanceAndService) {
  EXPECT_EQ(published_ports(status()),
            (std::map<std::string, std::uint16_t>{{"pd-0:client", 2379}}));
}

TEST(FaultsText, IsEmptyWithoutFaults) {
  EXPECT_EQ(faults_text(json::array{}, false), "");
}

TEST(FaultsText, SaysHowAFaultEnded) {
  const auto faults = json::parse(R"([{"id":"f1","kind":"pause","target":["a"],"peers":[],
    "links":[],"expires_in_ms":0,"ended":"expired","ended_at_unix_ms":1,"mechanism":"signal"}])");
  EXPECT_EQ(faults_text(faults, false),
            "ID  KIND   TARGET  END      MECHANISM\n"
            "f1  pause  a       expired  signal\n");
}

TEST(AppliedText, SaysHowToUndoAndWhatWasVerified) {
  const auto answer = json::parse(R"({"id":"f1","kind":"partition","target":["a"],"peers":["b"],
    "links":[["a","b"]],"expires_in_ms":15200,"notes":["role:x is a"],
    "verify":{"pairs":2,"as_intended":1,"wrong":[["a","b"]]}})");
  EXPECT_EQ(applied_text(answer, "tinet -T two", false),
            "role:x is a\n"
            "f1: partition a from b (1 link)\n"
            "ends by itself in 15s\n"
            "undo: tinet -T two heal f1\n"
            "verified: 1 of 2 pairs are as intended\n"
            "not as intended: a > b\n");
}

TEST(DryRunFaultText, ListsTheTransaction) {
  const auto answer = json::parse(R"({"dry_run":true,"transaction":["add x","delete y"],
    "fault":{"kind":"partition","target":["a"],"peers":["b"],"links":[["a","b"]]},"notes":[]})");
  EXPECT_EQ(dry_run_fault_text(answer),
            "would be: partition a from b (1 link)\ntransaction:\n  add x\n  delete y\n");
}

TEST(HealedText, SaysWhenNothingWasActive) {
  EXPECT_EQ(healed_text(json::parse(R"({"healed":[],"notes":[]})")), "no fault was active\n");
  EXPECT_EQ(healed_text(json::parse(R"({"healed":[],"notes":["f1 was healed already"]})")),
            "f1 was healed already\n");
}

TEST(LinksText, DrawsAMatrixAndListsWhatDiffers) {
  const auto links = json::parse(R"([
    {"from":"a","to":"b","reachable":"no","packets":{"dropped":3},"faults":["f1"]},
    {"from":"b","to":"a","reachable":"yes","packets":{"dropped":0},"faults":[]}])");
  EXPECT_EQ(links_text(links, false),
            "FROM \\ TO  a    b\n"
            "a          .    no\n"
            "b          yes  .\n"
            "\n"
            "FROM  TO  REACHABLE  DROPPED  FAULTS\n"
            "a     b   no         3        f1\n");
}

TEST(LinksText, SaysThatEveryLinkIsOpen) {
  EXPECT_EQ(links_text(json::array{}, false), "every link is open\n");
}

TEST(WhyText, DoesNotRepeatTheRule) {
  const auto answer = json::parse(R"({"from":"a","to":"b","reachable":"no","faults":["f1"],
    "mechanism":"nftables","rule":"element x","text":"dropped by f1; rule: element x"})");
  EXPECT_EQ(why_text(answer, false), "a > b: no\ndropped by f1; rule: element x\ndecided by: f1\n");
}

TEST(EventLine, NamesTheInstanceOnce) {
  const auto line = [](const char* text) {
    return event_line(json::parse(text), false).substr(14);
  };
  EXPECT_EQ(line(R"({"time_unix_ms":1,"event":"ready","instance":"pd-0","text":"ready"})"),
            "ready             pd-0: ready");
  EXPECT_EQ(line(R"({"time_unix_ms":1,"event":"ready","instance":"pd-0","text":"pd-0 is up"})"),
            "ready             pd-0 is up");
}

TEST(Table, LeavesEmptyColumnsOut) {
  Table table({"A", "B", "C"});
  table.row({{"1"}, {""}, {"x"}});
  table.row({{"22"}, {""}, {"y"}});
  EXPECT_EQ(table.render(false), "A   C\n1   x\n22  y\n");
}

TEST(Wrap, BreaksAtBlanksWithinTheWidth) {
  EXPECT_EQ(wrap("aa bb cc dd", 5, 2), "aa bb\n  cc dd");
  EXPECT_EQ(wrap("aaaaaaaa b", 5, 0), "aaaaaaaa\nb");
}

TEST(DisplayWidth, CountsCharactersNotBytes) {
  EXPECT_EQ(display_width("a\xC2\xB7z"), 3U);
}

}  // namespace
}  // namespace tinet::cli
