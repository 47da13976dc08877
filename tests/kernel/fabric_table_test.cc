/// The table's owner alone can change it. When it holds something else nevertheless, reading back
/// and the audit find it.

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netns/nft/connection.h"
#include "src/fabric/encode.h"
#include "src/fabric/readback.h"
#include "src/fabric/table.h"
#include "src/fabric/treatment.h"
#include "src/fabric/verify.h"
#include "tests/kernel/fabric_world.h"

namespace tinet::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool mentions(const std::vector<Drift>& drift, const std::string& text, bool repaired) {
  return std::any_of(drift.begin(), drift.end(), [&](const Drift& one) {
    return one.what.find(text) != std::string::npos && one.repaired == repaired;
  });
}

std::string all_of(const std::vector<Drift>& drift) {
  std::string text;
  for (const Drift& one : drift) {
    text += one.what + (one.repaired ? " (repaired)\n" : "\n");
  }
  return text;
}

/// A table in a namespace of its own, and a second descriptor of its socket: the kernel takes what
/// is sent there for the owner's.
class OwnedTable : public ::testing::Test {
 protected:
  OwnedTable() { make(2); }

  void make(std::size_t instances) {
    netlink::Socket socket = netlink::Socket::open(NETLINK_NETFILTER);
    copy_ = UniqueFd(::fcntl(socket.fd(), F_DUPFD_CLOEXEC, 0));
    plan_ = plan_of(instances);
    ports_.clear();
    for (const FabricEndpoint& endpoint : plan_.endpoints) {
      ports_.push_back(endpoint.name);
    }
    table_.reset();
    table_.emplace(std::move(socket), plan_, ports_);
  }

  void send(nft::Batch batch) {
    const nft::SealedBatch sealed = std::move(batch).seal();
    const auto bytes = sealed.bytes();
    ASSERT_EQ(::send(copy_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  fabric::Difference apply(const std::vector<Fault>& faults) {
    auto difference = table_->plan(fabric::link_schedules(faults, now()).links,
                                   fabric::memories_of(faults), {}, now());
    if (!difference.empty()) {
      table_->commit(difference, now());
    }
    return difference;
  }

  void remove(Link link) {
    nft::Batch batch;
    const std::vector<nft::Element> gone = {element(link)};
    batch.delete_elements(fabric::map_spec({}), gone);
    send(std::move(batch));
  }

  void add(Link link) {
    nft::Batch batch;
    std::vector<nft::Element> more = {element(link)};
    more.front().value = nft::KeyBuilder().u32(fabric::mark_of({{}, fabric::Stack::A})).take();
    batch.add_elements(fabric::map_spec({}), more);
    send(std::move(batch));
  }

  /// What reading back finds after the change.
  std::vector<std::string> check(const fabric::Difference& difference) {
    const auto skeleton = fabric::make_skeleton(plan_);
    return check_change({table_->connection(), skeleton, table_->installed(), ports_}, difference,
                        now(), fabric::kEndTolerance);
  }

  [[nodiscard]] nft::Element element(Link link) const {
    nft::Element element;
    element.key = nft::link_key(fabric::port_index(link.from), fabric::port_index(link.to));
    return element;
  }

  UniqueFd copy_;
  FabricPlan plan_;
  std::vector<std::string> ports_;
  std::optional<fabric::Table> table_;
};

TEST_F(OwnedTable, IsMadeAnewWhenAnElementIsMissing) {
  apply({cut(1, {{0, 1}, {1, 0}})});
  remove({0, 1});
  const auto drift = table_->audit(now());
  ASSERT_EQ(drift.size(), 1U) << all_of(drift);
  EXPECT_EQ(drift[0].what, "element \"n-0\" . \"n-1\" : goto t1 is missing in map decide");
  EXPECT_TRUE(drift[0].repaired);
  EXPECT_TRUE(table_->audit(now()).empty());
}

TEST_F(OwnedTable, IsMadeAnewWhenARuleIsMissing) {
  apply({cut(1, {{0, 1}}, now() + 60s)});
  nft::Batch batch;
  batch.flush_chain(fabric::table_id(), "forward");
  send(std::move(batch));
  const auto drift = table_->audit(now());
  EXPECT_TRUE(mentions(drift, "rules of chain forward differ", true)) << all_of(drift);
  EXPECT_TRUE(table_->audit(now()).empty());
}

/// Of the links {0, 1} and {0, 2}: those after some bytes, and the first ones.
std::vector<Fault> remembering() {
  std::vector<Fault> faults = {cut(1, {{0, 1}}), cut(2, {{0, 2}}), cut(3, {{1, 0}})};
  faults[0].clauses.front().match.after_bytes = 1000;
  faults[0].clauses.front().match.owner = {1};
  faults[1].clauses.front().match.first = 5;
  faults[1].clauses.front().match.owner = {2};
  return faults;
}

TEST_F(OwnedTable, KeepsBytesThatHavePassedWhenItIsMadeAnew) {
  apply(remembering());
  auto quotas = nft::list_quotas(table_->connection(), fabric::table_id());
  ASSERT_EQ(quotas.size(), 1U);
  quotas[0].consumed = 700;
  nft::SetSpec map;
  for (const nft::SetSpec& set : nft::list_sets(table_->connection(), fabric::table_id())) {
    map = set.name == fabric::after_map_name({1}) ? set : map;
  }
  std::vector<nft::Element> elements = {element({0, 1})};
  elements[0].object = quotas[0].name;
  nft::Batch batch;
  batch.delete_elements(map, elements);
  batch.delete_quota(fabric::table_id(), quotas[0].name);
  batch.add_quota(quotas[0]);
  batch.add_elements(map, elements);
  send(std::move(batch));
  remove({1, 0});
  const auto drift = table_->audit(now());
  EXPECT_TRUE(mentions(drift, "is missing in map decide", true)) << all_of(drift);
  EXPECT_EQ(nft::list_quotas(table_->connection(), fabric::table_id()), quotas);
  EXPECT_TRUE(mentions(drift, "the first packets of f2 are counted from the beginning", false))
      << all_of(drift);
  EXPECT_FALSE(mentions(drift, "f1", false)) << all_of(drift);
  EXPECT_TRUE(table_->audit(now()).empty());
}

TEST_F(OwnedTable, SaysWhichBytesAreForgottenWithIt) {
  apply(remembering());
  nft::Batch batch;
  batch.delete_table(fabric::table_id());
  send(std::move(batch));
  const auto drift = table_->audit(now());
  EXPECT_TRUE(mentions(drift, "the bytes of f1 are counted from the beginning", false))
      << all_of(drift);
  EXPECT_TRUE(mentions(drift, "the first packets of f2 are counted from the beginning", false))
      << all_of(drift);
}

TEST_F(OwnedTable, ChangesEvenWhenTheTableIsGone) {
  apply({cut(1, {{0, 1}})});
  nft::Batch batch;
  batch.delete_table(fabric::table_id());
  send(std::move(batch));
  const auto drift = table_->audit(now());
  EXPECT_TRUE(mentions(drift, "is missing", true)) << all_of(drift);
  EXPECT_EQ(apply({}).changed.size(), 1U);
  EXPECT_TRUE(table_->audit(now()).empty());
}

TEST_F(OwnedTable, ReadsAChangeAmongManyLinksBackByItsKeys) {
  make(100);
  apply({cut(1, all_links(plan_))});
  auto some_healed = all_links(plan_);
  std::erase(some_healed, Link{7, 8});
  std::erase(some_healed, Link{8, 7});
  const auto healed = apply({cut(1, some_healed)});
  ASSERT_EQ(healed.changed.size(), 2U);
  EXPECT_THAT(check(healed), IsEmpty());
  add({7, 8});
  EXPECT_THAT(check(healed), ElementsAre(HasSubstr("should not be in map decide")));
  remove({7, 8});
  const auto cut_again = apply({cut(1, all_links(plan_))});
  EXPECT_THAT(check(cut_again), IsEmpty());
  remove({8, 7});
  EXPECT_THAT(check(cut_again), ElementsAre(HasSubstr("is missing in map decide")));
  // What the change left alone is for the audit.
  remove({1, 2});
  EXPECT_THAT(check(cut_again), SizeIs(1));
  EXPECT_EQ(table_->audit(now()).size(), 2U);
}

TEST_F(OwnedTable, IsAuditedInPartsWhenItHasVeryManyLinks) {
  make(20);
  const std::vector<Link> links = all_links(plan_);
  apply({cut(1, links), cut(2, {links[299], links[419]}, now() + 60s)});
  remove(links[299]);
  remove(links[419]);
  const auto skeleton = fabric::make_skeleton(plan_);
  Link progress;
  std::vector<std::size_t> found;
  for (int part = 0; part < 9; ++part) {
    found.push_back(
        fabric::check_table({table_->connection(), skeleton, table_->installed(), ports_}, now(),
                            fabric::kEndTolerance, progress, {400, 100})
            .size());
  }
  EXPECT_THAT(found, ElementsAre(0, 0, 1, 0, 1, 0, 0, 1, 0));
}

}  // namespace
}  // namespace tinet::testing
