#include "src/supervisor/fault_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/desk_world.h"

namespace tinet {
namespace {

namespace json = boost::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

template <typename Action>
Error refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return Error(ErrorKind::Check, "accepted");
}

std::vector<std::string> notes_of(const json::object& answer) {
  return json::value_to<std::vector<std::string>>(answer.at("notes"));
}

std::vector<std::uint32_t> ids_of(const std::vector<Fault>& faults) {
  std::vector<std::uint32_t> ids;
  for (const auto& fault : faults) {
    ids.push_back(fault.id.value);
  }
  return ids;
}

std::vector<std::string> ids_in(const json::object& answer, const char* member) {
  std::vector<std::string> ids;
  for (const auto& fault : answer.at(member).as_array()) {
    ids.emplace_back(fault.at("id").as_string());
  }
  return ids;
}

/// So many faults come and go, which pushes older ones out of the history.
void forget_older_than(DeskWorld& world, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    world.desk.add_process_fault(FaultKind::Pause, {"n-0"}, "pause n-0", std::nullopt);
    world.desk.forget_process_faults("n-0", FaultKind::Pause);
  }
}

api::FaultRequest loss(std::uint32_t ppm, std::string selector = "n-0") {
  auto request = fault_request("loss", std::move(selector));
  request.action.loss_ppm = ppm;
  return request;
}

TEST(FaultDesk, HandsAllActiveFaultsToTheFabric) {
  DeskWorld world(desk_plan(3));
  const auto first = world.create(fault_request("partition", "n-0"));
  EXPECT_EQ(first.at("id").as_string(), "f1");
  EXPECT_EQ(first.at("mechanism").as_string(), "nftables");
  const auto second = world.create(loss(5));
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1, 2));
  EXPECT_TRUE(second.at("shared").as_bool());
  EXPECT_EQ(world.events("fault-applied").size(), 2U);
}

TEST(FaultDesk, ChangesNothingWhenTheFabricRefuses) {
  DeskWorld world(desk_plan(3));
  world.fabric.apply_fails = Error(ErrorKind::Conflict, "more distinct ends than layers");
  EXPECT_EQ(refusal([&] { world.create(fault_request("partition", "n-0")); }).kind(),
            ErrorKind::Conflict);
  EXPECT_TRUE(world.desk.book().entries().empty());
  EXPECT_THAT(world.events("fault-applied"), IsEmpty());
}

/// The memory of a fault can be in the kernel before its change fails; the next fault would take it
/// for its own.
TEST(FaultDesk, UsesNoIdTwiceThatTheFabricHasSeen) {
  DeskWorld world(desk_plan(3));
  world.fabric.apply_fails = Error(ErrorKind::Operation, "no memory");
  EXPECT_EQ(refusal([&] { world.create(loss(1)); }).kind(), ErrorKind::Operation);
  EXPECT_EQ(refusal([&] { world.converge({loss(1), loss(2)}); }).kind(), ErrorKind::Operation);
  world.fabric.apply_fails.reset();
  EXPECT_EQ(world.create(loss(1)).at("id").as_string(), "f4");
  EXPECT_THAT(ids_in(world.converge({loss(2), loss(3)}), "create"), ElementsAre("f5", "f6"));
  EXPECT_EQ(refusal([&] {
              static_cast<void>(world.desk.release({"f1", false}));
            }).kind(),
            ErrorKind::Conflict);
}

TEST(FaultDesk, DryRunShowsTheTransactionAndChangesNothing) {
  DeskWorld world(desk_plan(3));
  auto request = fault_request("partition", "n-0");
  request.dry_run = true;
  const auto answer = world.create(request);
  EXPECT_EQ(answer.at("transaction").as_array().size(), 1U);
  EXPECT_EQ(answer.at("fault").at("links").as_array().size(), 4U);
  EXPECT_TRUE(world.fabric.applied.empty());
  EXPECT_EQ(world.desk.book().next_id().value, 1U);
}

TEST(FaultDesk, RemembersWhoOwnsCounts) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("partition", "n-0");
  request.connections = "new";
  request.first = 3;
  world.create(request);
  EXPECT_EQ(world.fabric.active().at(0).clauses.at(0).match.owner.value, 1U);
}

TEST(FaultDesk, EstablishedMeansTheConnectionsThatAreOpenNow) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("partition", "n-0");
  request.connections = "established";
  request.service = "peer";
  const auto none = refusal([&] { world.create(request); });
  EXPECT_EQ(none.kind(), ErrorKind::Conflict);
  EXPECT_THAT(none.what(), HasSubstr("no TCP connection"));

  const std::vector<std::uint8_t> a{127, 0, 0, 2};
  const std::vector<std::uint8_t> b{127, 0, 0, 3};
  world.fabric.open_flows = {{b, 2380, a, 50'000}, {a, 50'000, b, 2380}, {a, 50'001, b, 9999}};
  const auto answer = world.create(request);
  EXPECT_EQ(world.fabric.active().at(0).flows,
            (std::vector<Flow>{{a, 50'000, b, 2380}, {b, 2380, a, 50'000}}));
  EXPECT_EQ(answer.at("params").at("flows").to_number<int>(), 2);
}

TEST(FaultDesk, AppliesAFlapAgainBeforeItsScheduleEnds) {
  DeskWorld world(desk_plan(2));
  world.fabric.report.refresh_at = std::chrono::steady_clock::now() + Milliseconds(60);
  auto request = fault_request("flap", "n-0");
  request.flap_down_ms = 10;
  request.flap_up_ms = 10;
  world.create(request);
  world.fabric.report.refresh_at.reset();
  EXPECT_TRUE(world.run_until([&] { return world.fabric.applied.size() == 2; }));
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1));
}

TEST(FaultDesk, TriesAgainWhenAFlapCannotBeAppliedAgain) {
  DeskWorld world(desk_plan(2));
  world.fabric.report.refresh_at = std::chrono::steady_clock::now();
  world.create(fault_request("partition", "n-0"));
  world.fabric.report.refresh_at.reset();
  world.fabric.apply_fails = Error(ErrorKind::Operation, "no memory");
  EXPECT_TRUE(world.run_until([&] { return !world.events("fault-clean-up-failed").empty(); }));
  world.fabric.apply_fails.reset();
  EXPECT_TRUE(world.run_until([&] { return world.fabric.applied.size() == 2; }));
}

TEST(FaultDesk, BooksWhatExpires) {
  DeskWorld world(desk_plan(2));
  auto request = fault_request("partition", "n-0");
  request.for_ms = 20;
  world.create(request);
  EXPECT_TRUE(world.run_until([&] { return world.desk.book().entries().empty(); }));
  EXPECT_EQ(world.events("fault-expired").size(), 1U);
  EXPECT_THAT(world.fabric.active(), IsEmpty());
  const auto all = world.desk.reports().documents(true);
  EXPECT_EQ(all.at(0).at("ended").as_string(), "expired");
}

TEST(FaultDesk, DeliversWhatAHoldKeptWhenItEnds) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("hold", "n-0"));
  world.fabric.held = {12, 0};
  const auto answer = world.heal();
  EXPECT_THAT(world.fabric.released, ElementsAre(std::pair(FaultId{1}, false)));
  EXPECT_THAT(notes_of(answer), Contains("f1: 12 held packets were delivered, 0 dropped"));
}

TEST(FaultDesk, ReleasesAHold) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("hold", "n-0"));
  world.create(fault_request("partition", "n-1"));
  world.fabric.held = {0, 5};
  const auto answer = world.desk.release({"f1", true});
  EXPECT_THAT(world.fabric.released, ElementsAre(std::pair(FaultId{1}, true)));
  EXPECT_EQ(answer.at("dropped").to_number<int>(), 5);
  EXPECT_EQ(answer.at("released").at("id").as_string(), "f1");
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(2));

  const auto again = world.desk.release({"f1", false});
  EXPECT_TRUE(again.at("released").is_null());
  EXPECT_THAT(notes_of(again), ElementsAre("f1 was healed already"));
  EXPECT_EQ(refusal([&] {
              static_cast<void>(world.desk.release({"f2", false}));
            }).kind(),
            ErrorKind::Conflict);
  EXPECT_EQ(refusal([&] {
              static_cast<void>(world.desk.release({"f9", false}));
            }).kind(),
            ErrorKind::Conflict);
}

TEST(FaultDesk, HealKicksTheLinksThatAreFreeAgain) {
  DeskWorld world(desk_plan(3));
  auto only = fault_request("partition", "n-0");
  only.peers = "n-1";
  world.create(only);
  world.create(fault_request("partition", "n-0"));
  api::HealRequest request;
  request.ids = {"f2"};
  request.kick = true;
  const auto answer = world.heal(request);
  EXPECT_EQ(answer.at("kicked").to_number<int>(), 3);
  EXPECT_THAT(world.fabric.kicked, ElementsAre(std::vector<Link>{{0, 2}, {2, 0}}));

  request.ids = {"f2"};
  world.heal(request);
  EXPECT_EQ(world.fabric.kicked.size(), 2U) << "connections of a fault that had ended before";
}

TEST(FaultDesk, KnowsThatAFaultEndedWhichTheHistoryHasForgotten) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("hold", "n-0"));
  world.heal();
  forget_older_than(world, kEndedMax);
  ASSERT_EQ(world.desk.book().find_ended({1}), nullptr);
  world.create(loss(5));

  const auto released = world.desk.release({"f1", false});
  EXPECT_TRUE(released.at("released").is_null());
  EXPECT_THAT(notes_of(released), ElementsAre(HasSubstr("f1 ended long ago")));
  api::HealRequest request;
  request.ids = {"f1"};
  request.kick = true;
  const auto healed = world.heal(request);
  EXPECT_THAT(ids_in(healed, "healed"), IsEmpty());
  EXPECT_THAT(notes_of(healed), ElementsAre(HasSubstr("f1 ended long ago")));
  EXPECT_EQ(world.desk.book().entries().size(), 1U);
}

TEST(FaultDesk, KicksLinksOfAFaultThatThisVeryHealPushesOutOfTheHistory) {
  DeskWorld world(desk_plan(3));
  auto pair = fault_request("partition", "n-0");
  pair.peers = "n-1";
  world.create(pair);
  world.heal();
  forget_older_than(world, kEndedMax - 1);
  pair.peers = "n-2";
  const auto last = world.create(pair);
  ASSERT_NE(world.desk.book().find_ended({1}), nullptr);
  api::HealRequest request;
  request.ids = {"f1", std::string(last.at("id").as_string())};
  request.kick = true;
  world.heal(request);
  ASSERT_EQ(world.desk.book().find_ended({1}), nullptr);
  EXPECT_THAT(world.fabric.kicked, ElementsAre(std::vector<Link>{{0, 1}, {0, 2}, {1, 0}, {2, 0}}));
}

TEST(FaultDesk, SaysThatItHealedWhenItCannotKick) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("partition", "n-0"));
  world.fabric.kick_fails = Error(ErrorKind::Unavailable, "no SOCK_DESTROY", "use a newer kernel");
  api::HealRequest request;
  request.kick = true;
  const auto error = refusal([&] { world.heal(request); });
  EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
  EXPECT_THAT(error.what(), HasSubstr("healed, but"));
  EXPECT_TRUE(world.desk.book().entries().empty());
}

/// Complaint 13 of the survey, chaosblade #24: says "destroyed" while the rule is still there.
TEST(FaultDesk, Complaint13AHealThatFailsSaysSoAndKeepsTheFault) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("partition", "n-0"));
  world.create(loss(5));
  world.fabric.apply_fails =
      Error(ErrorKind::Operation, "element n-0 > n-1 is still there", "try again");
  const auto error = refusal([&] { world.heal(); });
  EXPECT_EQ(error.kind(), ErrorKind::Operation);
  EXPECT_THAT(error.what(), HasSubstr("element n-0 > n-1 is still there"));
  EXPECT_EQ(world.desk.book().entries().size(), 2U);
  EXPECT_THAT(world.events("fault-healed"), IsEmpty());
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1, 2));
  world.fabric.apply_fails.reset();
  EXPECT_THAT(ids_in(world.heal(), "healed"), ElementsAre("f1", "f2"));
  EXPECT_THAT(world.fabric.active(), IsEmpty());
}

TEST(FaultDesk, HealTellsTheResidualOutage) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("partition", "n-0"));
  world.fabric.counts[FaultId{1}].dropped = 7;
  const auto answer = world.heal();
  EXPECT_THAT(notes_of(answer), ElementsAre(HasSubstr("healed after 0.")));
  EXPECT_EQ(answer.at("healed").at(0).at("packets").at("dropped").to_number<int>(), 7);

  world.create(loss(10'000));
  world.fabric.counts[FaultId{2}].dropped = 7;
  EXPECT_THAT(notes_of(world.heal()), IsEmpty());
}

TEST(FaultDesk, HealTellsWhatIsStillOnItsWay) {
  DeskWorld world(desk_plan(3));
  world.create(fault_request("partition", "n-0"));
  world.fabric.waiting_packets = 12;
  EXPECT_THAT(notes_of(world.heal()), Contains(HasSubstr("12 of the packets that were delayed")));
  EXPECT_THAT(notes_of(world.heal()), Not(Contains(HasSubstr("on their way"))))
      << "nothing was healed";
}

TEST(FaultDesk, HealCanRequireAnEffect) {
  DeskWorld world(desk_plan(2));
  world.create(loss(10'000));
  world.create(loss(10'000, "n-1"));
  world.fabric.counts[FaultId{2}].passed = 1;
  api::HealRequest request;
  request.require_effect = true;
  const auto error = refusal([&] { world.heal(request); });
  EXPECT_EQ(error.kind(), ErrorKind::Check);
  EXPECT_THAT(error.what(), HasSubstr(": f1"));
  EXPECT_THAT(error.what(), Not(HasSubstr("f2")));
}

TEST(FaultDesk, HealListsWhatHadNoEffect) {
  DeskWorld world(desk_plan(2));
  world.create(loss(10'000));
  const auto answer = world.heal();
  EXPECT_EQ(answer.at("without_effect"), (json::array{"f1"}));
  EXPECT_THAT(notes_of(answer), IsEmpty()) << "the fault itself tells that nothing matched";
}

TEST(FaultDesk, HealSelectsByNameAndKeepsProcessFaultsApart) {
  DeskWorld world(desk_plan(3));
  auto pair = fault_request("partition", "n-0");
  pair.peers = "n-1";
  world.create(pair);
  pair.selector = "n-2";
  world.create(pair);
  world.desk.add_process_fault(FaultKind::Pause, {"n-2"}, "pause n-2", std::nullopt);
  api::HealRequest request;
  request.selectors = {"n-2"};
  EXPECT_THAT(ids_in(world.heal(request), "healed"), ElementsAre("f2", "f3"));
  EXPECT_THAT(world.undone, ElementsAre(FaultId{3}));
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1));
}

TEST(FaultDesk, HealsTheOthersWhenOneProcessFaultCannotBeUndone) {
  DeskWorld world(desk_plan(3));
  world.create(fault_request("partition", "n-0"));
  world.desk.add_process_fault(FaultKind::Pause, {"n-1"}, "pause n-1", std::nullopt);
  world.desk.add_process_fault(FaultKind::Pause, {"n-2"}, "pause n-2", std::nullopt);
  world.create(loss(5));
  world.cannot_undo = FaultId{2};
  const auto error = refusal([&] { world.heal(); });
  EXPECT_EQ(error.kind(), ErrorKind::Operation);
  EXPECT_THAT(error.what(), HasSubstr("f2"));
  EXPECT_THAT(error.what(), HasSubstr("no signal reaches it"));
  EXPECT_THAT(world.undone, ElementsAre(FaultId{3}));
  EXPECT_THAT(ids_of(world.desk.book().active()), ElementsAre(2));
  EXPECT_EQ(world.events("fault-healed").size(), 3U);
  EXPECT_THAT(world.fabric.active(), IsEmpty());
}

TEST(FaultDesk, HealSaysThatTheActiveFaultsConcernOthers) {
  DeskWorld world(desk_plan(3));
  EXPECT_THAT(notes_of(world.heal()), ElementsAre("no fault was active"));
  auto pair = fault_request("partition", "n-0");
  pair.peers = "n-1";
  world.create(pair);
  api::HealRequest request;
  request.selectors = {"n-2"};
  auto answer = world.heal(request);
  EXPECT_THAT(notes_of(answer), ElementsAre("the active fault (f1) does not concern n-2"));
  world.create(pair);
  answer = world.heal(request);
  EXPECT_THAT(ids_in(answer, "healed"), IsEmpty());
  EXPECT_THAT(notes_of(answer), ElementsAre("none of the 2 active faults (f1, f2) concerns n-2"));
}

TEST(Converge, MakesHealsAndKeepsInOneChange) {
  DeskWorld world(desk_plan(3));
  world.create(loss(1));
  world.create(loss(2));
  const auto answer = world.converge({loss(2), loss(3)});
  EXPECT_THAT(ids_in(answer, "keep"), ElementsAre("f2"));
  EXPECT_THAT(ids_in(answer, "heal"), ElementsAre("f1"));
  EXPECT_THAT(ids_in(answer, "create"), ElementsAre("f3"));
  EXPECT_EQ(world.fabric.applied.size(), 3U);
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(2, 3));
  EXPECT_EQ(world.desk.book().next_id().value, 4U);
}

TEST(Converge, IsIdempotent) {
  DeskWorld world(desk_plan(5));
  auto shape = fault_request("partition", "");
  shape.shape = "halves";
  world.converge({shape, loss(1), loss(1)});
  const auto before = world.fabric.active();
  const auto answer = world.converge({loss(1), shape, loss(1)});
  EXPECT_THAT(ids_in(answer, "keep"), ElementsAre("f1", "f2", "f3"));
  EXPECT_THAT(ids_in(answer, "create"), IsEmpty());
  EXPECT_EQ(world.fabric.applied.size(), 1U) << "nothing differs, so nothing is applied";
  EXPECT_THAT(ids_in(world.converge({shape, loss(1)}), "heal"), ElementsAre("f3"));
}

TEST(Converge, ToNothingHealsNetworkFaultsOnly) {
  DeskWorld world(desk_plan(2));
  world.create(loss(1));
  world.desk.add_process_fault(FaultKind::Pause, {"n-0"}, "pause n-0", std::nullopt);
  EXPECT_THAT(ids_in(world.converge({}), "heal"), ElementsAre("f1"));
  EXPECT_THAT(world.undone, IsEmpty());
}

TEST(Converge, DryRunIsTheDifference) {
  DeskWorld world(desk_plan(2));
  world.create(loss(1));
  const auto answer = world.converge({loss(2)}, true);
  EXPECT_TRUE(answer.at("dry_run").as_bool());
  EXPECT_THAT(ids_in(answer, "heal"), ElementsAre("f1"));
  EXPECT_THAT(ids_in(answer, "create"), ElementsAre("f2"));
  EXPECT_EQ(answer.at("transaction").as_array().size(), 1U);
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1));
}

TEST(Converge, LetsNothingGoForWhatCannotBe) {
  DeskWorld world(desk_plan(2));
  world.create(fault_request("hold", "n-0"));
  world.fabric.preview_fails = Error(ErrorKind::Conflict, "too many ends");
  EXPECT_EQ(refusal([&] { world.converge({loss(2)}); }).kind(), ErrorKind::Conflict);
  EXPECT_THAT(world.fabric.released, IsEmpty());
  world.fabric.preview_fails.reset();
  world.converge({loss(2)});
  EXPECT_THAT(world.fabric.released, ElementsAre(std::pair(FaultId{1}, false)));
}

TEST(Converge, ChangesNothingWhenOneFaultIsWrong) {
  DeskWorld world(desk_plan(2));
  world.create(loss(1));
  const auto error = refusal([&] { world.converge({loss(2), loss(0)}); });
  EXPECT_EQ(error.kind(), ErrorKind::Usage);
  EXPECT_THAT(error.what(), HasSubstr("faults[1]: "));
  auto of_a_file = loss(1, "nobody");
  of_a_file.place = "b.yaml:3";
  EXPECT_THAT(refusal([&] {
                world.converge({loss(2), of_a_file});
              }).what(),
              testing::StartsWith("b.yaml:3: "));
  EXPECT_THAT(ids_of(world.fabric.active()), ElementsAre(1));
  world.fabric.apply_fails = Error(ErrorKind::Operation, "no memory");
  EXPECT_EQ(refusal([&] { world.converge({loss(2)}); }).kind(), ErrorKind::Operation);
  EXPECT_EQ(world.desk.book().entries().size(), 1U);
  auto verified = loss(2);
  verified.verify_ms = 5;
  EXPECT_EQ(refusal([&] { world.converge({verified}); }).kind(), ErrorKind::Usage);
}

}  // namespace
}  // namespace tinet
