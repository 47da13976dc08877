#include "src/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("", ','), IsEmpty());
  EXPECT_THAT(split("a", ','), ElementsAre("a"));
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
}

TEST(Join, PutsSeparatorsBetween) {
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "", "b"}, ", "), "a, , b");
}

TEST(Trim, RemovesBlanksAtBothEnds) {
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \t\r\n"), "");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim("\t a b \r\n"), "a b");
}

TEST(SplitShellWords, SplitsAtBlanks) {
  EXPECT_THAT(split_shell_words("", "x"), IsEmpty());
  EXPECT_THAT(split_shell_words("  \t\n", "x"), IsEmpty());
  EXPECT_THAT(split_shell_words(" a  b\tc\n", "x"), ElementsAre("a", "b", "c"));
}

TEST(SplitShellWords, QuotesLikeAShell) {
  EXPECT_THAT(split_shell_words("'a b' \"c d\"", "x"), ElementsAre("a b", "c d"));
  EXPECT_THAT(split_shell_words("a'b'\"c\"d", "x"), ElementsAre("abcd"));
  EXPECT_THAT(split_shell_words("'' \"\"", "x"), ElementsAre("", ""));
  EXPECT_THAT(split_shell_words(R"('a\b' "a\"b\\c\d")", "x"), ElementsAre(R"(a\b)", R"(a"b\c\d)"));
  EXPECT_THAT(split_shell_words(R"(a\ b \' \")", "x"), ElementsAre("a b", "'", "\""));
}

TEST(SplitShellWords, ExpandsNothing) {
  EXPECT_THAT(split_shell_words("$HOME `id` * ~ #x ;", "x"),
              ElementsAre("$HOME", "`id`", "*", "~", "#x", ";"));
}

TEST(SplitShellWords, RefusesAnUnfinishedQuote) {
  for (const auto* text : {"'", "\"", "a 'b", "a \"b", "'a\"", R"("a\")"}) {
    try {
      static_cast<void>(split_shell_words(text, "--tikv.args"));
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Usage);
      EXPECT_THAT(error.what(), HasSubstr("--tikv.args: unfinished quote"));
    }
  }
}

TEST(ShellQuote, LeavesPlainWordsAlone) {
  EXPECT_EQ(shell_quote("tikv-0"), "tikv-0");
  EXPECT_EQ(shell_quote("/a/b.c:1,d=%e@f+g_h"), "/a/b.c:1,d=%e@f+g_h");
}

TEST(ShellQuote, IsReadBackAsItWas) {
  for (const std::string word :
       {"", " ", "a b", "it's", "'", "''", "\"", "\\", "$x", "a\nb", "*", "~", "#", "ä"}) {
    EXPECT_THAT(split_shell_words(shell_quote(word), "x"), ElementsAre(word));
  }
}

TEST(Nearest, FindsTheClosestThatIsCloseEnough) {
  EXPECT_EQ(nearest("tikv-9", {"pd-0", "tikv-0", "tidb-0"}), "tikv-0");
  EXPECT_EQ(nearest("partitoin", {"partition", "pause"}), "partition");
  EXPECT_EQ(nearest("x", {"y"}), "y") << "one edit is always allowed";
  EXPECT_EQ(nearest("ab", {"xy"}), "");
  EXPECT_EQ(nearest("abcdef", {"abcdxy"}), "abcdxy") << "a third of six";
  EXPECT_EQ(nearest("abcdef", {"abcxyz"}), "");
  EXPECT_EQ(nearest("anything", {}), "");
}

TEST(Nearest, PrefersTheFirstOfEqualCandidates) {
  EXPECT_EQ(nearest("n3", {"n1", "n2"}), "n1");
}

TEST(GlobMatch, MatchesStarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("***", "abc"));
  EXPECT_TRUE(glob_match("tikv-*", "tikv-0"));
  EXPECT_TRUE(glob_match("*-0", "tikv-0"));
  EXPECT_TRUE(glob_match("t*v-?", "tikv-0"));
  EXPECT_TRUE(glob_match("*a*b*", "xxaxxbxx"));
  EXPECT_TRUE(glob_match("a*b", "a*b"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_FALSE(glob_match("tikv", "tikv-0"));
  EXPECT_FALSE(glob_match("tikv-?", "tikv-10"));
  EXPECT_FALSE(glob_match("*b", "abc"));
}

TEST(GlobMatch, EndsQuicklyOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(glob_match(pattern + "b", std::string(2'000, 'a')));
}

TEST(TailLines, CountsLinesFromTheEnd) {
  EXPECT_EQ(tail_lines("", 3), "");
  EXPECT_EQ(tail_lines("a\nb\nc\n", 0), "");
  EXPECT_EQ(tail_lines("a\nb\nc\n", 1), "c\n");
  EXPECT_EQ(tail_lines("a\nb\nc", 2), "b\nc");
  EXPECT_EQ(tail_lines("a\nb\nc\n", 3), "a\nb\nc\n");
  EXPECT_EQ(tail_lines("a\nb\nc\n", 9), "a\nb\nc\n");
  EXPECT_EQ(tail_lines("\n\n", 1), "\n");
  EXPECT_EQ(tail_lines("\n", 1), "\n");
}

}  // namespace
}  // namespace tinet
