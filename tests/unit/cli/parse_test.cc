#include "src/cli/parse.h"

#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::cli {
namespace {

/// A root with one global flag and option, and one command with every kind of word.
class Parse : public testing::Test {
 protected:
  Parse() {
    root_.name = "tinet";
    root_.option("-T,--tag", tag_, {.value = "TAG"});
    root_.flag("--json", json_, "");
    Command& command = root_.add("cut", "");
    command.required("WHO", who_, {});
    command.rest("MORE", more_, {});
    command.option("--for", duration_, {.value = "DUR"});
    command.option("--env", env_, {.value = "K=V"});
    command.option("--args", args_, {.value = "ARGS", .may_be_empty = true});
    command.optional_value("--verify", verify_, "2s", {.value = "DUR"});
    command.flag("-f,--follow", follow_, "");
  }

  const Command* parse(const std::vector<std::string>& words) {
    return parse_words(root_, words).command;
  }

  Command root_;
  std::string tag_, who_, duration_, verify_;
  /// What is wrong with the words.
  std::string wrong(const std::vector<std::string>& words) {
    try {
      parse(words);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Usage);
      return error.what();
    }
    return "accepted";
  }

  std::vector<std::string> more_, env_, args_;
  bool json_ = false, follow_ = false;
};

TEST_F(Parse, FillsEveryKindOfWord) {
  EXPECT_EQ(
      parse({"--json", "cut", "a", "--env", "A=1", "b", "--env=B=2", "--for=2s", "c", "-f"})->name,
      "cut");
  EXPECT_TRUE(json_);
  EXPECT_TRUE(follow_);
  EXPECT_EQ(who_, "a");
  EXPECT_EQ(more_, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(env_, (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(duration_, "2s");
  EXPECT_EQ(verify_, "");
}

TEST_F(Parse, LeavesTheValueOfVerifyOut) {
  parse({"cut", "--verify", "a"});
  EXPECT_EQ(verify_, "2s");
  EXPECT_EQ(who_, "a");
}

TEST_F(Parse, TakesTheValueOfVerifyInBothForms) {
  parse({"cut", "--verify", "5s", "a"});
  EXPECT_EQ(verify_, "5s");
  parse({"cut", "a", "--verify=7s"});
  EXPECT_EQ(verify_, "7s");
}

TEST_F(Parse, TakesAnEmptyValueWhereItMeansSomething) {
  parse({"cut", "--args=", "a", "--args", ""});
  EXPECT_EQ(args_, (std::vector<std::string>{"", ""}));
  EXPECT_EQ(who_, "a");
}

TEST_F(Parse, RefusesAnEmptyValueElsewhere) {
  EXPECT_EQ(wrong({"cut", "a", "--for", ""}), "--for: '' is no value");
  EXPECT_EQ(wrong({"cut", "--for=", "a"}), "--for: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "--for", " "}), "--for: ' ' is no value");
  EXPECT_EQ(wrong({"cut", "a", "--for", "", "--for", "2s"}), "--for: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "--env", "A=1", "--env", ""}), "--env: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "--verify", ""}), "--verify: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "--verify="}), "--verify: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "-T", ""}), "--tag: '' is no value");
  EXPECT_EQ(wrong({"cut", ""}), "WHO: '' is no value");
  EXPECT_EQ(wrong({"cut", "a", "b", ""}), "MORE: '' is no value");
}

TEST_F(Parse, TakesValuesThatLookLikeOptions) {
  parse({"cut", "a", "--env", "--x=-1"});
  EXPECT_EQ(env_, std::vector<std::string>{"--x=-1"});
}

TEST_F(Parse, TakesTheLastOfRepeatedOptions) {
  parse({"cut", "a", "--for", "1s", "--for", "2s"});
  EXPECT_EQ(duration_, "2s");
}

TEST_F(Parse, ReadsWordsBehindTheMarkAsTheyAre) {
  parse({"cut", "--", "--for"});
  EXPECT_EQ(who_, "--for");
}

TEST_F(Parse, FindsTheCommandBehindGlobalOptions) {
  EXPECT_EQ(find_command(root_, {"-T", "cut", "--json", "cut", "a"}), 3U);
  EXPECT_EQ(find_command(root_, {"--tag=x", "cut"}), 1U);
  EXPECT_EQ(find_command(root_, {"-T"}), 1U);
}

TEST_F(Parse, FindsTheFirstPositionalBehindUnknownOptions) {
  const Command& command = *root_.find("cut");
  EXPECT_EQ(first_positional(root_, command, {"cut", "--pd", "3", "-f", "x"}, 1), "x");
  EXPECT_EQ(first_positional(root_, command, {"cut", "--pd=3"}, 1), "");
  EXPECT_EQ(first_positional(root_, command, {"cut", "--", "x"}, 1), "");
}

TEST_F(Parse, NoticesHelpOnlyWhereItIsNoValue) {
  EXPECT_TRUE(parse_words(root_, {"cut", "--help"}).help);
  EXPECT_TRUE(parse_words(root_, {"-h"}).help);
  EXPECT_FALSE(parse_words(root_, {"cut", "a", "--for", "-h"}).help);
}

}  // namespace
}  // namespace tinet::cli
