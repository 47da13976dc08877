#include "src/refstore/view_service.h"

#include <gtest/gtest.h>

namespace tinet::refstore {
namespace {

/// A view service with servers that ping every interval, each with the view that it was told.
class Lab {
 public:
  struct Server {
    std::uint64_t incarnation = 0;
    std::uint64_t view_number = 0;
    bool up = false;
    bool acknowledges = true;
    bool syncs = true;
  };

  Server& start(const std::string& name) {
    servers_[name] = {.incarnation = ++incarnations_, .up = true};
    return servers_[name];
  }
  void crash(const std::string& name) { servers_[name].up = false; }
  Server& server(const std::string& name) { return servers_[name]; }

  void ping(const std::string& name) {
    Server& server = servers_[name];
    const bool synced = server.syncs && server.view_number == service.view().number;
    const View& view =
        service.ping({name, server.incarnation, server.view_number, synced, {}}, now);
    if (server.acknowledges) {
      server.view_number = view.number;
    }
  }

  void pass(int intervals) {
    for (int i = 0; i < intervals; ++i) {
      now += kPingInterval;
      for (auto& [name, server] : servers_) {
        if (server.up) {
          ping(name);
        }
      }
      service.tick(now);
    }
  }

  [[nodiscard]] std::string primary() const { return service.view().primary.address; }
  [[nodiscard]] std::string backup() const { return service.view().backup.address; }

  Time now{std::chrono::hours(1)};
  ViewService service{DurableState{}, now};

 private:
  std::map<std::string, Server> servers_;
  std::uint64_t incarnations_ = 0;
};

/// a is primary, b its synced backup, c (if wanted) idle.
Lab running_lab(bool third = false) {
  Lab lab;
  lab.start("a");
  lab.pass(2);
  lab.start("b");
  lab.pass(4);
  if (third) {
    lab.start("c");
    lab.pass(2);
  }
  return lab;
}

TEST(ViewService, HasNoViewBeforeTheFirstPing) {
  Lab lab;
  lab.pass(20);
  EXPECT_EQ(lab.service.view(), View{});
}

TEST(ViewService, MakesTheFirstServerPrimary) {
  Lab lab;
  lab.start("a");
  lab.ping("a");
  EXPECT_EQ(lab.service.view().number, 1U);
  EXPECT_EQ(lab.primary(), "a");
  EXPECT_EQ(lab.backup(), "");
  EXPECT_EQ(lab.service.view().primary.store_id, 1U);
}

TEST(ViewService, MakesTheSecondServerBackup) {
  const Lab lab = running_lab();
  EXPECT_EQ(lab.service.view().number, 2U);
  EXPECT_EQ(lab.primary(), "a");
  EXPECT_EQ(lab.backup(), "b");
  EXPECT_TRUE(lab.service.state().synced);
}

TEST(ViewService, PromotesTheBackupWhenThePrimaryDies) {
  Lab lab = running_lab();
  lab.crash("a");
  lab.pass(kDeadPings);
  EXPECT_EQ(lab.primary(), "a") << "five intervals are not too many";
  lab.pass(1);
  EXPECT_EQ(lab.primary(), "b");
  EXPECT_EQ(lab.backup(), "");
}

TEST(ViewService, MakesARestartedPrimaryTheBackup) {
  Lab lab = running_lab();
  lab.crash("a");
  lab.pass(10);
  lab.start("a");
  lab.pass(4);
  EXPECT_EQ(lab.primary(), "b");
  EXPECT_EQ(lab.backup(), "a");
}

TEST(ViewService, TreatsAQuicklyRestartedPrimaryAsDead) {
  Lab lab = running_lab();
  lab.start("a");
  lab.pass(1);
  EXPECT_EQ(lab.primary(), "b");
  EXPECT_EQ(lab.backup(), "a");
}

TEST(ViewService, GivesAQuicklyRestartedBackupAViewOfItsOwn) {
  Lab lab = running_lab();
  const std::uint64_t before = lab.service.view().number;
  lab.start("b");
  lab.ping("b");
  EXPECT_EQ(lab.service.view().number, before + 1);
  EXPECT_EQ(lab.backup(), "b");
  EXPECT_FALSE(lab.service.state().synced);
}

TEST(ViewService, MakesAnIdleServerBackupWhenTheBackupDies) {
  Lab lab = running_lab(true);
  EXPECT_EQ(lab.backup(), "b");
  lab.crash("b");
  lab.pass(kDeadPings + 1);
  EXPECT_EQ(lab.primary(), "a");
  EXPECT_EQ(lab.backup(), "c");
}

TEST(ViewService, DropsADeadBackupWhenNobodyIsIdle) {
  Lab lab = running_lab();
  lab.crash("b");
  lab.pass(kDeadPings + 1);
  EXPECT_EQ(lab.primary(), "a");
  EXPECT_EQ(lab.backup(), "");
}

TEST(ViewService, PromotesTheBackupAndTakesTheIdleServerAtOnce) {
  Lab lab = running_lab(true);
  lab.crash("a");
  lab.pass(kDeadPings + 1);
  EXPECT_EQ(lab.primary(), "b");
  EXPECT_EQ(lab.backup(), "c");
}

TEST(ViewService, WaitsForThePrimaryToAcknowledge) {
  Lab lab;
  lab.start("a").acknowledges = false;
  lab.pass(2);
  lab.start("b");
  lab.pass(20);
  EXPECT_EQ(lab.service.view().number, 1U);
  EXPECT_EQ(lab.backup(), "");
  lab.server("a").acknowledges = true;
  lab.pass(3);
  EXPECT_EQ(lab.backup(), "b");
}

TEST(ViewService, KeepsAnUnacknowledgedViewThoughThePrimaryIsDead) {
  Lab lab = running_lab(true);
  lab.server("b").acknowledges = false;
  lab.crash("a");
  lab.pass(kDeadPings + 1);
  ASSERT_EQ(lab.primary(), "b");
  lab.crash("b");
  lab.pass(50);
  EXPECT_EQ(lab.primary(), "b") << "c cannot have the state";
}

TEST(ViewService, NeverPromotesABackupWithoutTheWholeState) {
  Lab lab;
  lab.start("a").syncs = false;
  lab.pass(2);
  lab.start("b");
  lab.pass(4);
  ASSERT_TRUE(lab.service.state().acknowledged);
  lab.crash("a");
  lab.pass(50);
  EXPECT_EQ(lab.primary(), "a");
}

TEST(ViewService, NeverMakesABlankServerPrimary) {
  Lab lab = running_lab();
  lab.crash("a");
  lab.crash("b");
  lab.pass(10);
  lab.start("b");
  lab.start("c");
  lab.pass(50);
  EXPECT_EQ(lab.primary(), "a");
}

TEST(ViewService, TakesADeadPrimaryBackThatWasOnlyCutOff) {
  Lab lab;
  lab.start("a");
  lab.pass(2);
  lab.crash("a");
  lab.pass(20);
  lab.server("a").up = true;
  lab.start("b");
  lab.pass(4);
  EXPECT_EQ(lab.primary(), "a");
  EXPECT_EQ(lab.backup(), "b");
}

TEST(ViewService, KeepsViewAndStoreIdsThroughItsOwnRestart) {
  Lab lab = running_lab();
  const DurableState saved = lab.service.state();
  lab.now += std::chrono::hours(1);
  lab.service = ViewService(saved, lab.now);
  lab.pass(2);
  EXPECT_EQ(lab.service.state(), saved);
  lab.crash("a");
  lab.pass(kDeadPings + 1);
  EXPECT_EQ(lab.primary(), "b");
}

TEST(ViewService, DoesNotTakeItsOwnPauseForDeaths) {
  Lab lab = running_lab();
  const View before = lab.service.view();
  lab.now += std::chrono::seconds(30);
  lab.ping("b");
  lab.service.tick(lab.now);
  EXPECT_EQ(lab.service.view(), before);
}

TEST(ViewService, MissesAPeerUntilTheBackupIsSynced) {
  Lab lab;
  EXPECT_TRUE(lab.service.misses_peer(lab.now));
  lab.start("a");
  lab.pass(2);
  EXPECT_FALSE(lab.service.misses_peer(lab.now)) << "one server alone can do no better";
  lab.server("a").syncs = false;
  lab.start("b");
  lab.pass(3);
  EXPECT_TRUE(lab.service.misses_peer(lab.now));
  lab.server("a").syncs = true;
  lab.pass(1);
  EXPECT_FALSE(lab.service.misses_peer(lab.now));
  lab.crash("a");
  lab.pass(kDeadPings + 1);
  EXPECT_TRUE(lab.service.misses_peer(lab.now) || lab.primary() == "b");
}

TEST(ViewService, KnowsWhoIsUp) {
  Lab lab = running_lab();
  EXPECT_EQ(lab.service.count_up(lab.now), 2U);
  lab.crash("b");
  lab.pass(kDeadPings + 1);
  EXPECT_TRUE(lab.service.is_up("a", lab.now));
  EXPECT_FALSE(lab.service.is_up("b", lab.now));
  EXPECT_FALSE(lab.service.is_up("nobody", lab.now));
}

}  // namespace
}  // namespace tinet::refstore
