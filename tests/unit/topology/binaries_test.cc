#include "src/topology/binaries.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

using test::failure_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class FakeFiles : public FileView {
 public:
  std::set<std::string> programs;
  std::set<std::string> others;

  [[nodiscard]] bool is_executable(const std::string& path) const override {
    return programs.contains(path);
  }
  [[nodiscard]] bool exists(const std::string& path) const override {
    return programs.contains(path) || others.contains(path);
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& directory) const override {
    std::set<std::string> names;
    for (const auto& path : programs) {
      if (path.starts_with(directory + "/")) {
        names.insert(path.substr(directory.size() + 1,
                                 path.find('/', directory.size() + 1) - directory.size() - 1));
      }
    }
    return {names.begin(), names.end()};
  }
};

class FindBinaries : public ::testing::Test {
 protected:
  FindBinaries() {
    search_.variables = {{"PATH", "/usr/bin::relative:/opt/bin"}, {"HOME", "/home/ada"}};
    search_.home = "/home/ada";
  }

  void add_release(const std::string& release, const std::vector<std::string>& components) {
    for (const auto& component : components) {
      files_.programs.insert("/home/ada/.tiup/components/" + component + "/" + release + "/" +
                             component + "-server");
    }
  }

  [[nodiscard]] Binaries find() const {
    return find_binaries(topology_, options_, instance_counts(topology_, options_), search_,
                         files_);
  }
  [[nodiscard]] test::Failure failure() const {
    return failure_of([&] { static_cast<void>(find()); });
  }

  Topology topology_ = builtin_topology("tidb");
  StartOptions options_;
  BinarySearch search_;
  FakeFiles files_;
};

TEST_F(FindBinaries, SearchesFlagThenVariableThenPath) {
  files_.programs = {"/a/tikv", "/b/tidb", "/opt/bin/pd-server", "/opt/bin/tikv-server",
                     "/opt/bin/tidb-server"};
  options_.components["tikv"].path = "/a/tikv";
  search_.variables["TINET_TIKV_PATH"] = "/ignored";
  search_.variables["TINET_TIDB_PATH"] = "/b/tidb";
  const auto found = find();
  EXPECT_EQ(found.by_component.at("tikv").path, "/a/tikv");
  EXPECT_EQ(found.by_component.at("tikv").source, "--tikv.path");
  EXPECT_EQ(found.by_component.at("tidb").source, "TINET_TIDB_PATH");
  EXPECT_EQ(found.by_component.at("pd").path, "/opt/bin/pd-server");
  EXPECT_EQ(found.store, "real");
}

TEST_F(FindBinaries, LooksIntoTheHomeOfTheInvokingUser) {
  files_.programs = {"/home/ada/.local/bin/pd-server", "/usr/local/bin/tikv-server",
                     "/usr/bin/tidb-server"};
  EXPECT_EQ(find().by_component.at("pd").path, "/home/ada/.local/bin/pd-server");
}

TEST_F(FindBinaries, TakesTheNewestReleaseThatAllHave) {
  add_release("v8.5.1", {"pd", "tikv", "tidb"});
  add_release("v8.5.10", {"pd", "tikv", "tidb"});
  add_release("v9.0.0-beta.1", {"pd", "tikv", "tidb"});
  add_release("v9.1.0", {"pd", "tikv"});
  const auto found = find();
  EXPECT_EQ(found.release, "v8.5.10");
  EXPECT_EQ(found.by_component.at("tidb").path,
            "/home/ada/.tiup/components/tidb/v8.5.10/tidb-server");
  EXPECT_EQ(found.by_component.at("tidb").version, "v8.5.10");
}

TEST_F(FindBinaries, LetsTheUserChooseTheRelease) {
  add_release("v8.5.1", {"pd", "tikv", "tidb"});
  add_release("v8.5.2", {"pd", "tikv", "tidb"});
  files_.programs.insert("/usr/bin/pd-server");
  options_.release = "8.5.1";
  EXPECT_EQ(find().by_component.at("pd").version, "v8.5.1");
  options_.release = "v7.0.0";
  EXPECT_EQ(failure().kind, ErrorKind::Unavailable);
  EXPECT_THAT(failure().message, HasSubstr("release 'v7.0.0' is not complete"));
  EXPECT_EQ(failure().hint, "tiup install pd:v7.0.0 tikv:v7.0.0 tidb:v7.0.0");
}

TEST_F(FindBinaries, RefusesReleasesThatDiffer) {
  add_release("v8.5.1", {"pd"});
  add_release("v8.5.2", {"tikv", "tidb"});
  EXPECT_EQ(failure().kind, ErrorKind::Unavailable);
  EXPECT_EQ(failure().message,
            "no release is installed for all needed components under "
            "'/home/ada/.tiup/components': pd has v8.5.1; tikv has v8.5.2; tidb has v8.5.2");
}

TEST_F(FindBinaries, NeedsOnlyComponentsThatHaveInstances) {
  options_.components["tikv"].count = 0;
  options_.components["tidb"].count = 0;
  add_release("v8.5.1", {"pd"});
  EXPECT_EQ(find().by_component.size(), 1U);
}

TEST_F(FindBinaries, ListsWhatWasSoughtWhere) {
  options_.store = "real";
  files_.programs = {"/usr/bin/pd-server"};
  const auto missing = failure();
  EXPECT_EQ(missing.kind, ErrorKind::Unavailable);
  EXPECT_EQ(missing.message,
            "cannot find 'tikv-server', 'tidb-server'; sought in --tikv.path, TINET_TIKV_PATH, "
            "--tidb.path, TINET_TIDB_PATH, /usr/bin, /opt/bin, /home/ada/.local/bin, "
            "/usr/local/bin, /home/ada/.tiup/components");
  EXPECT_EQ(missing.hint, "tiup install pd tikv tidb");
  search_.under_sudo = true;
  EXPECT_THAT(failure().hint, HasSubstr("env_reset"));
}

TEST_F(FindBinaries, RefusesAFlagThatNamesNoProgram) {
  options_.components["pd"].path = "/x/pd";
  EXPECT_EQ(failure().message, "--pd.path: '/x/pd' does not exist");
  files_.others = {"/x/pd"};
  EXPECT_EQ(failure().message, "--pd.path: '/x/pd' is not an executable file");
  EXPECT_EQ(failure().kind, ErrorKind::Unavailable);
}

TEST_F(FindBinaries, FallsBackToTheReferenceStoreWhenNothingIsThere) {
  search_.refstore_program = "/usr/lib/tinet/tinet-refstore";
  const auto found = find();
  EXPECT_EQ(found.store, "reference");
  EXPECT_EQ(found.by_component.at("tikv").path, "/usr/lib/tinet/tinet-refstore");
  EXPECT_THAT(found.by_component.at("tikv").prefix, ElementsAre("tikv-server"));
}

TEST_F(FindBinaries, NeverMixesTheReferenceStoreWithRealPrograms) {
  search_.refstore_program = "/usr/lib/tinet/tinet-refstore";
  const auto refuses = [&] { return failure().kind == ErrorKind::Unavailable && failure().thrown; };
  auto& tikv = options_.components["tikv"];
  tikv.args = {"-x"};
  EXPECT_TRUE(refuses());
  tikv = {};
  tikv.config = {"c", ""};
  EXPECT_TRUE(refuses());
  tikv = {};
  options_.store = "real";
  EXPECT_TRUE(refuses());
  options_.store = "auto";
  files_.programs = {"/usr/bin/pd-server"};
  EXPECT_TRUE(refuses());
  files_.programs = {};
  add_release("v8.5.1", {"pd"});
  EXPECT_TRUE(refuses());
}

TEST_F(FindBinaries, UsesTheReferenceStoreWhenAsked) {
  options_.store = "reference";
  EXPECT_EQ(failure().kind, ErrorKind::Unavailable);
  search_.refstore_program = "/r";
  files_.programs = {"/usr/bin/pd-server"};
  EXPECT_EQ(find().store, "reference");
  options_.components["pd"].path = "/usr/bin/pd-server";
  EXPECT_EQ(failure().kind, ErrorKind::Usage);
  options_.components.clear();
  topology_ = builtin_topology("etcd");
  EXPECT_EQ(failure().message,
            "--store reference: topology 'etcd' has no reference program for 'etcd'");
}

TEST_F(FindBinaries, RefusesAReleaseWhereThereAreNone) {
  topology_ = builtin_topology("etcd");
  options_.release = "v3.5.0";
  EXPECT_EQ(failure().kind, ErrorKind::Usage);
}

TEST(Releases, AreOrderedByNumber) {
  EXPECT_TRUE(release_less("v8.5.1", "v8.5.10"));
  EXPECT_TRUE(release_less("v8.5.1-rc.1", "v8.5.1"));
  EXPECT_TRUE(release_less("nightly", "v1.0.0"));
  EXPECT_FALSE(release_less("v8.5.1", "v8.5.1"));
  EXPECT_FALSE(is_final_release("v8.5"));
}

TEST(ParseVersionOutput, ReadsEachProgramsForm) {
  EXPECT_EQ(parse_version_output("Release Version: v8.5.1\nEdition: Community\n"), "v8.5.1");
  EXPECT_EQ(parse_version_output("TiKV\nRelease Version:   8.5.1\nEdition: Community"), "v8.5.1");
  EXPECT_EQ(parse_version_output("etcd Version: 3.4.23\nGit SHA: Not provided\n"), "v3.4.23");
  EXPECT_EQ(parse_version_output("Release Version:\n"), "");
  EXPECT_EQ(parse_version_output("usage: x"), "");
}

}  // namespace
}  // namespace tinet
