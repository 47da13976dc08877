#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/cli/effect_view.h"
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

TEST(StatusText, TellsOfDriftThatCouldNotBeRepaired) {
  json::value document = status();
  document.as_object()["drift"] = {"foreign table 'bridge x' in the switch"};
  EXPECT_NE(
      status_text(document, false)
          .find("\nthe network is not as it should be: foreign table 'bridge x' in the switch\n"
                "f3: partition"),
      std::string::npos);
}

TEST(LinksText, TellsOfDriftOnce) {
  const auto links = json::parse(R"([
    {"from":"a","to":"b","reachable":"yes","drift":["port 'a' was deleted"]},
    {"from":"b","to":"a","reachable":"yes","drift":["port 'a' was deleted"]}])");
  const std::string text = links_text(links, false);
  const auto at = text.find("the network is not as it should be: port 'a' was deleted\n");
  EXPECT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.find("was deleted", at + 60), std::string::npos) << text;
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

TEST(FaultsText, ShowsEffectsAndWhatWasCounted) {
  const auto faults = json::parse(R"([
    {"id":"f1","kind":"delay","target":["a"],"peers":["b","c"],"links":[["a","b"],["a","c"]],
     "params":{"delay_ms":50,"jitter_ms":2.5,"distribution":"normal","correlation":"25%","seed":7},
     "packets":{"dropped":0,"bytes_dropped":9,"passed":0,"delayed":12},"mechanism":"wire"},
    {"id":"f2","kind":"loss","target":["b"],"peers":["c"],"links":[["b","c"]],
     "params":{"loss":"10%","match":{"protocol":"tcp","to_ports":[80,443]}},
     "packets":{"dropped":3,"passed":30},"matched_nothing":false,"mechanism":"nftables"}])");
  EXPECT_EQ(faults_text(faults, false),
            "ID  KIND   TARGET  PEERS  EFFECT                                              LINKS  "
            "PACKETS               MECHANISM\n"
            "f1  delay  a       b, c   delay 50ms, jitter 2.5ms (normal, correlation 25%)  2      "
            "12 delayed            wire\n"
            "f2  loss   b       c      loss 10% on tcp port 80,443                         1      "
            "3 dropped, 30 passed  nftables\n");
}

json::value fault(const char* members) {
  return json::parse(std::string(R"({"id":"f1","target":["a"],"peers":["b"],)") +
                     R"("links":[["a","b"]],)" + members + "}");
}

TEST(FaultLine, SaysWhatTheFaultDoes) {
  EXPECT_EQ(fault_line(fault(R"("kind":"rate","params":{"rate":"10mbit","rate_bits":10000000})")),
            "f1: rate 10mbit between a and b (1 link), no packet matched");
  EXPECT_EQ(fault_line(fault(R"("kind":"rate","params":{"rate":"10mbit","rate_bits":10000000,
                                "rate_queue_packets":500,"rate_burst_bytes":16000})")),
            "f1: rate 10mbit (queue 500 packets, burst 16kb) between a and b (1 link), "
            "no packet matched");
  EXPECT_EQ(fault_line(fault(R"("kind":"partition","params":{"mode":"drop"})")),
            "f1: partition a from b (1 link), no packet matched");
  EXPECT_EQ(
      fault_line(fault(
          R"("kind":"partition","params":{"mode":"reject","match":{"connections":"new"}},
                   "packets":{"rejected":1,"dropped":2})")),
      "f1: partition a from b, cut (reject) on new connections (1 link), 2 packets dropped, 1 "
      "rejected");
  EXPECT_EQ(fault_line(fault(
                R"("kind":"flap","params":{"mode":"drop",
                   "flap":{"down_ms":2000,"up_ms":500,"times":3}},"matched_nothing":true)")),
            "f1: flap a from b, 2s down, 500ms up, 3 times (1 link), matched no packet "
            "although there was traffic");
  EXPECT_EQ(fault_line(fault(R"("kind":"hold","params":{"hold":true})")),
            "f1: hold a from b (1 link), no packet matched");
  EXPECT_EQ(
      fault_line(fault(R"("kind":"partition","summary":"partition a / b --for 2s","params":{})")),
      "f1: partition a / b --for 2s (1 link), no packet matched");
  EXPECT_EQ(fault_line(fault(R"("kind":"delay","summary":"delay --matrix ./m.yaml",
                                "params":{"clauses":[{"delay_ms":1},{"delay_ms":2}]})")),
            "f1: delay --matrix ./m.yaml (1 link), no packet matched");
}

TEST(FaultLine, TellsOnceWhatAllItsLinksSuffer) {
  EXPECT_EQ(fault_line(fault(R"("kind":"partition","params":{"mode":"drop","clauses":[
                                {"match":{"protocol":"tcp","to_ports":[2380]}},
                                {"match":{"protocol":"tcp","from_ports":[2380]}}]})")),
            "f1: partition a from b, cut on tcp port 2380 (1 link), no packet matched");
  EXPECT_EQ(fault_line(fault(R"("kind":"partition","params":{"mode":"drop","clauses":[
                                {"match":{"to_ports":[1]}},{"match":{"to_ports":[2]}}]})")),
            "f1: partition a from b, cut on port 1 or on port 2 (1 link), no packet matched");
}

TEST(FaultLine, OfAMatrixSaysWhatItsLinksSuffer) {
  const auto links = [](const std::string& clauses) {
    return effect_words(json::parse(R"({"clauses":[)" + clauses + "]}"));
  };
  EXPECT_EQ(links(R"({"loss":"1%","delay_ms":10},{"delay_ms":5},{"delay_ms":5})"),
            "by link: loss 1%, delay 10ms; delay 5ms");
  EXPECT_EQ(links(R"({"delay_ms":1},{"delay_ms":2},{"delay_ms":3},{"delay_ms":4})"),
            "by link: delay 1ms; delay 2ms; 2 others");
}

TEST(FaultLine, SaysWhichPacketsInWordsThatFit) {
  EXPECT_EQ(effect_words(json::parse(R"({"mode":"drop","match":{"after_bytes":2000000}})")),
            "cut after 2mb");
  EXPECT_EQ(effect_words(json::parse(
                R"({"loss":"1%","match":{"protocol":"tcp","to_ports":[80],"after_bytes":4096}})")),
            "loss 1% on tcp port 80, after 4.096kb");
  EXPECT_EQ(effect_words(json::parse(R"({"mode":"drop","match":{"connections":"new","first":3}})")),
            "cut on new connections, the first 3 packets");
}

TEST(FaultLine, OfARelayNamesWhatItCountsWithoutCallingItPackets) {
  EXPECT_EQ(fault_line(fault(R"("kind":"delay","mechanism":"proxy","params":{"delay_ms":20},
                                "packets":{"delayed":3,"held":2},"matched_nothing":false)")),
            "f1: delay 20ms between a and b (1 link), 3 delayed, 2 held");
  EXPECT_EQ(fault_line(fault(R"("kind":"hold","mechanism":"proxy","params":{"hold":true})")),
            "f1: hold a from b (1 link), nothing matched");
}

TEST(AppliedText, SaysHowToUndoAndWhatWasVerified) {
  const auto answer = json::parse(R"({"id":"f1","kind":"partition","target":["a"],"peers":["b"],
    "links":[["a","b"]],"expires_in_ms":15200,"notes":["role:x is a"],
    "verify":{"pairs":2,"as_intended":1,"wrong":[["a","b"]],"skipped":3}})");
  EXPECT_EQ(applied_text(answer, "tinet -T two", false),
            "role:x is a\n"
            "f1: partition a from b (1 link)\n"
            "ends by itself in 15s\n"
            "undo: tinet -T two heal f1\n"
            "verified: 1 of 2 pairs are as intended, 3 cannot be probed\n"
            "not as intended: a > b\n");
}

TEST(AppliedText, OfATimedFaultSaysHowLongItLasts) {
  EXPECT_EQ(applied_text(json::parse(R"({"id":"f1","kind":"hold","target":["a"],"peers":["b"],
                           "links":[["a","b"]],"expires_in_ms":757,"lasts_ms":1000})"),
                         "tinet", false),
            "f1: hold a from b (1 link)\n"
            "ends by itself after 1s\n"
            "undo: tinet heal f1\n"
            "let the packets go, or drop them: tinet release f1 [--drop]\n");
}

TEST(AppliedText, ComparesRoundTrips) {
  const auto answer = json::parse(R"({"id":"f1","kind":"delay","target":["a"],"peers":["b"],
    "links":[["a","b"],["b","a"]],"params":{"delay_ms":20},
    "verify":{"pairs":2,"as_intended":2,"wrong":[],"skipped":0,
      "rtt":[{"from":"a","to":"b","rtt_before_us":87,"rtt_us":40251}]}})");
  EXPECT_THAT(applied_text(answer, "tinet", false),
              ::testing::EndsWith("round trip: 87us before, 40.3ms now\n"));
  const auto many = json::parse(R"({"id":"f1","kind":"hold","verify":{"pairs":0,"rtt":[
    {"rtt_before_us":90,"rtt_us":null},{"rtt_before_us":70,"rtt_us":null},
    {"rtt_before_us":null,"rtt_us":null}]}})");
  EXPECT_THAT(applied_text(many, "tinet", false),
              ::testing::EndsWith("round trip: 90us before, no answer now (median of 3 pairs)\n"));
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

TEST(HealedText, EndsWithWhatIsLeftToSay) {
  const auto answer = json::parse(R"({"healed":[{"id":"f1","kind":"partition","target":["a"],
    "peers":["b"],"links":[["a","b"]],"packets":{"dropped":17}}],
    "notes":["connections may take 3.0 s more"]})");
  EXPECT_EQ(healed_text(answer),
            "healed f1: partition a from b (1 link), 17 packets dropped\n"
            "connections may take 3.0 s more\n");
}

TEST(ReleasedText, SaysWhatBecameOfThePackets) {
  EXPECT_EQ(released_text(json::parse(R"({"released":{"id":"f1","kind":"hold","target":["a"],
              "peers":["b"],"links":[]},"delivered":12,"dropped":0,"notes":["n"]})")),
            "released f1: hold a from b, 12 packets delivered\nn\n");
  EXPECT_EQ(released_text(json::parse(R"({"released":{"id":"f1","kind":"hold","target":["a"],
              "peers":["b"],"links":[]},"delivered":0,"dropped":1,"notes":[]})")),
            "released f1: hold a from b, 0 packets delivered, 1 dropped\n");
  EXPECT_EQ(released_text(json::parse(R"({"released":null,"delivered":0,"dropped":0,
              "notes":["f1 was healed already"]})")),
            "f1 was healed already\n");
}

TEST(HealedText, CountsTheConnectionsThatAreEnded) {
  EXPECT_EQ(healed_text(json::parse(R"({"healed":[],"kicked":1,"notes":["no fault was active"]})")),
            "ended 1 TCP connection that waited to send again\nno fault was active\n");
}

TEST(ConvergedText, ListsWhatIsKeptHealedAndMade) {
  const auto answer = json::parse(R"({"keep":[{"id":"f1","kind":"hold","target":["a"],
      "peers":["b"],"links":[]}],
    "heal":[{"id":"f2","kind":"partition","target":["c"],"peers":["d"],"links":[]}],
    "create":[{"id":"f3","kind":"loss","target":["a"],"peers":["c"],"links":[["a","c"]],
      "params":{"loss":"1%"}}],"notes":[]})");
  EXPECT_EQ(converged_text(answer, false, false),
            "= kept f1: hold a from b\n"
            "- healed f2: partition c from d\n"
            "+ made f3: loss 1% between a and c (1 link)\n");
  EXPECT_EQ(converged_text(answer, true, false),
            "= keep f1: hold a from b\n"
            "- heal f2: partition c from d\n"
            "+ make loss 1% between a and c (1 link)\n");
  EXPECT_EQ(converged_text(json::parse(R"({"keep":[],"heal":[],"create":[]})"), true, false),
            "no fault is active, and none is asked for\n");
}

TEST(LinksText, DrawsAMatrixAndListsWhatDiffers) {
  const auto links = json::parse(R"([
    {"from":"a","to":"b","reachable":"no","effects":{"cut":"drop"},"packets":{"dropped":3},
     "faults":["f1"]},
    {"from":"b","to":"a","reachable":"yes","packets":{"dropped":0},"faults":[]}])");
  EXPECT_EQ(links_text(links, false),
            "FROM \\ TO  a    b\n"
            "a          .    no\n"
            "b          yes  .\n"
            "\n"
            "FROM  TO  REACHABLE  EFFECT  FAULTS  PACKETS SINCE START\n"
            "a     b   no         cut     f1      3 dropped\n");
}

TEST(LinksText, SaysWhatOnlySomePacketsSuffer) {
  const auto links = json::parse(R"([
    {"from":"a","to":"b","reachable":"partial","packets":{"dropped":0},"faults":["f1","f2"],
     "effects":{"loss":"19%","scoped":[{"cut":"drop","match":{"from_ports":[80],"first":3}}]}},
    {"from":"b","to":"a","reachable":"yes","packets":{"delayed":4},"faults":["f3"],
     "effects":{"delay_ms":5,"rate":"1mbit","rate_bits":1000000}}])");
  EXPECT_EQ(
      links_text(links, false),
      "FROM \\ TO  a    b\n"
      "a          .    partial\n"
      "b          yes  .\n"
      "\n"
      "FROM  TO  REACHABLE  EFFECT                                         FAULTS  PACKETS SINCE "
      "START\n"
      "a     b   partial    loss 19%; cut on port 80, the first 3 packets  f1,f2\n"
      "b     a   yes        delay 5ms, rate 1mbit                          f3      4 delayed\n");
}

TEST(LinksText, SaysThatEveryLinkIsOpen) {
  EXPECT_EQ(links_text(json::array{}, false), "every link is open\n");
}

TEST(WhyText, NamesTheRulesAndWhatElseThereIsToSay) {
  const auto answer = json::parse(R"({"from":"a","to":"b","reachable":"no","faults":["f1"],
    "effects":{"cut":"reject"},"mechanism":"nftables","rule":"element x; rule y",
    "rules":["element x","rule y"],"text":"packets from a to b are refused by f1",
    "notes":["the way back is cut, so this looks like a drop"]})");
  EXPECT_EQ(why_text(answer, false),
            "a > b: no\npackets from a to b are refused by f1\neffect: cut (reject)\n"
            "rule (nftables): element x\nrule (nftables): rule y\n"
            "the way back is cut, so this looks like a drop\n");
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
