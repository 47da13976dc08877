#include <filesystem>

#include <gtest/gtest.h>

#include "src/topology/files.h"
#include "tests/fuzz/topology_target.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

const std::filesystem::path kSource = TINET_SOURCE_DIR;

TEST(TopologyCorpus, EveryInputIsTakenOrRefused) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kSource / "tests/fuzz/corpus/topology")) {
    SCOPED_TRACE(entry.path());
    test::try_topology_input(read_user_file(entry.path(), "corpus"));
    ++inputs;
  }
  EXPECT_GE(inputs, 8);
}

TEST(Examples, AreTopologiesThatRender) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "packaging/examples")) {
    // faults.yaml holds faults; tests/unit/cli reads it.
    if (entry.path().extension() != ".yaml" || entry.path().stem() == "faults") {
      continue;
    }
    SCOPED_TRACE(entry.path());
    const auto plan = test::plan_of(load_topology(entry.path()));
    EXPECT_EQ(plan.topology + ".yaml", entry.path().filename());
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

TEST(Examples, WriteTheWatchersScript) {
  const auto plan = test::plan_of(load_topology(kSource / "packaging/examples/web.yaml"));
  const auto& script = plan.find("watcher-0")->files.at(0).content;
  EXPECT_NE(script.find("for target in web-0:198.18.0.11:8080 web-1:198.18.0.12:8080; do"),
            std::string::npos);
  EXPECT_NE(script.find("url=\"http://${target#*:}/\""), std::string::npos);
}

TEST(ReadUserFile, RefusesWhatItCannotRead) {
  EXPECT_EQ(test::failure_of([] {
              static_cast<void>(read_user_file("/nowhere/x", "--a.config"));
            }).message,
            "--a.config: cannot read '/nowhere/x': No such file or directory");
  EXPECT_EQ(test::failure_of([] { static_cast<void>(read_user_file("/", "--a.config")); }).message,
            "--a.config: cannot read '/': Is a directory");
  EXPECT_EQ(test::failure_of([] {
              static_cast<void>(read_user_file("/dev/zero", "--a.config"));
            }).message,
            "--a.config: '/dev/zero' is larger than 1 MiB");
}

TEST(SystemFiles, SeesProgramsAndFolders) {
  const SystemFiles files;
  EXPECT_TRUE(files.is_executable("/bin/sh"));
  EXPECT_FALSE(files.is_executable("/bin"));
  EXPECT_FALSE(files.is_executable("/etc/passwd"));
  EXPECT_TRUE(files.exists("/etc"));
  EXPECT_TRUE(files.list("/nowhere").empty());
}

}  // namespace
}  // namespace tinet
