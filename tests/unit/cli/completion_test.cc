#include "src/cli/completion.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/cli/help.h"
#include "src/cli/run_cli.h"
#include "tests/unit/cli/cli_test_support.h"

namespace tinet::cli {
namespace {

namespace fs = std::filesystem;

class Complete : public testing::Test {
 protected:
  Completion at(const std::vector<std::string>& words) {
    Context context({.out = out_, .err = out_}, {});
    Command root = make_commands(context);
    return complete(root, words, [](Completes kind) -> std::vector<std::string> {
      return kind == Completes::Fault ? std::vector<std::string>{"f1", "tikv-0"}
                                      : std::vector<std::string>{"tikv-0", "pd-0"};
    });
  }
  std::vector<std::string> words_at(const std::vector<std::string>& words) {
    std::vector<std::string> found;
    for (const auto& candidate : at(words).candidates) {
      found.push_back(candidate.word);
    }
    return found;
  }

  std::ostringstream out_;
};

using Words = std::vector<std::string>;

TEST_F(Complete, OffersCommandsAndHidesTheInternalOnes) {
  EXPECT_EQ(words_at({"part"}), Words{"partition"});
  const auto all = words_at({""});
  EXPECT_EQ(std::count(all.begin(), all.end(), "supervise"), 0);
  EXPECT_EQ(std::count(all.begin(), all.end(), "start"), 1);
}

TEST_F(Complete, OffersOptionsOfTheCommandAndGlobalOnes) {
  EXPECT_EQ(words_at({"heal", "--re"}), Words{"--require-effect"});
  EXPECT_EQ(words_at({"heal", "--js"}), Words{"--json"});
}

TEST_F(Complete, OffersLiveNamesForWordsAndValues) {
  EXPECT_EQ(words_at({"partition", "ti"}), Words{"tikv-0"});
  EXPECT_EQ(words_at({"partition", "tikv-0", "--from", "p"}), Words{"pd-0"});
  EXPECT_EQ(words_at({"partition", "tikv-0", "--from=p"}), Words{"--from=pd-0"});
  EXPECT_EQ(words_at({"partition", "tikv-0", "--direction", ""}), (Words{"both", "in", "out"}));
  EXPECT_EQ(words_at({"partition", "--direction=i"}), Words{"--direction=in"});
  EXPECT_EQ(words_at({"heal", "f"}), Words{"f1"});
}

TEST_F(Complete, OffersTheValuesOfFaults) {
  EXPECT_EQ(words_at({"partition", "--mode", "re"}), (Words{"reject", "reset"}));
  EXPECT_EQ(words_at({"partition", "--shape", "r"}), (Words{"ring", "random"}));
  EXPECT_EQ(words_at({"loss", "a", "1%", "--proto", ""}), (Words{"tcp", "udp", "icmp"}));
  EXPECT_EQ(words_at({"delay", "a", "--profile", "wan-eu"}),
            (Words{"wan-eu", "wan-eu-us", "wan-eu-asia", "wan-eu-au"}));
  EXPECT_EQ(words_at({"delay", "a", "5ms", "--distribution", "p"}), Words{"pareto"});
  EXPECT_EQ(at({"delay", "a", "5ms", "--distribution", "p"}).files, Completes::File);
  EXPECT_EQ(at({"delay", "--matrix", ""}).files, Completes::File);
  EXPECT_EQ(words_at({"rate", "ti"}), Words{"tikv-0"});
  EXPECT_EQ(words_at({"release", "f"}), Words{"f1"});
  EXPECT_EQ(at({"apply", ""}).files, Completes::File);
  EXPECT_EQ(words_at({"flap", "a", "--do"}), Words{"--down"});
}

TEST_F(Complete, OffersTheFlagsOfTheTopologysComponents) {
  EXPECT_EQ(words_at({"start", "etcd", "--etcd.z"}), Words{"--etcd.zone"});
  EXPECT_EQ(words_at({"start", "--tikv.z"}), Words{"--tikv.zone"});
}

TEST_F(Complete, LeavesFilesToTheShell) {
  EXPECT_EQ(at({"start", ""}).files, Completes::File);
  EXPECT_EQ(at({"collect", ""}).files, Completes::Directory);
  EXPECT_EQ(at({"exec", "tikv-0", "--", "l"}).files, Completes::File);
}

class Script : public testing::TestWithParam<const char*> {};

/// Lets the shell itself judge its script, where that shell is installed.
TEST_P(Script, IsAcceptedByItsShell) {
  const std::string shell = GetParam();
  if (std::system(("command -v " + shell + " >/dev/null").c_str()) != 0) {
    GTEST_SKIP() << shell << " is not installed";
  }
  const fs::path file = fs::temp_directory_path() / ("tinet-completion-test." + shell);
  std::ofstream(file) << completion_script(shell);
  EXPECT_EQ(std::system((shell + " -n " + file.string()).c_str()), 0);
  fs::remove(file);
}

INSTANTIATE_TEST_SUITE_P(Shells, Script, testing::Values("bash", "zsh", "fish"));

TEST(ManPage, HasNoWarnings) {
  if (std::system("command -v groff >/dev/null") != 0) {
    GTEST_SKIP() << "groff is not installed";
  }
  const fs::path page = fs::temp_directory_path() / "tinet-man-test.1";
  const fs::path warnings = fs::temp_directory_path() / "tinet-man-test.err";
  std::ofstream(page) << test::run({"__man"}).out;
  EXPECT_EQ(std::system(("groff -man -ww -z " + page.string() + " 2>" + warnings.string()).c_str()),
            0);
  std::ifstream text(warnings);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(text), {}), "");
  fs::remove(page);
  fs::remove(warnings);
}

TEST(ManPage, NamesEveryCommandAndComponentFlag) {
  const std::string page = test::run({"__man"}).out;
  EXPECT_NE(page.find(".SS stop\\-instance\n"), std::string::npos);
  EXPECT_NE(page.find("\\-\\-tikv.zone"), std::string::npos);
  EXPECT_EQ(page.find("supervise "), std::string::npos);
}

}  // namespace
}  // namespace tinet::cli
