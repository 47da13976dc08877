// An empty value is a slip, such as a variable of the shell that is not set. It must not stand for
// "not given": a fault would be wider than it was meant, or never end.

#include <sstream>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/cli/parse.h"
#include "src/cli/run_cli.h"

namespace tinet::cli {
namespace {

using Words = std::vector<std::string>;

/// Every command, as the program has them; nothing of them is run.
class EmptyValues : public testing::Test {
 protected:
  EmptyValues() {
    for (auto& command : root_.commands) {
      if (command.extend) {
        command.extend(command, "");
      }
    }
  }

  [[nodiscard]] std::string wrong(const Words& words) const {
    try {
      static_cast<void>(parse_words(root_, words));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Usage);
      return error.what();
    }
    return "accepted";
  }

  std::ostringstream out_;
  Context context_{{.out = out_, .err = out_}, {}};
  Command root_ = make_commands(context_);
};

/// The command with a word for each that it needs.
Words with_its_words(const Command& command) {
  Words words = {command.name};
  for (const auto& option : command.options) {
    if (option.required) {
      words.emplace_back("a");
    }
  }
  return words;
}

TEST_F(EmptyValues, AreRefusedForEveryOptionOfEveryCommand) {
  int refused = 0;
  Words taken;
  for (const auto& command : root_.commands) {
    for (const auto& option : command.options) {
      if (option.positional || option.arity == OptionSpec::Arity::Flag) {
        continue;
      }
      const std::string name = option.long_name();
      const std::string expected =
          option.text.may_be_empty ? "accepted" : name + ": '' is no value";
      Words words = with_its_words(command);
      words.insert(words.end(), {name, ""});
      EXPECT_EQ(wrong(words), expected) << command.name;
      words.erase(words.end() - 2, words.end());
      words.push_back(name + "=");
      EXPECT_EQ(wrong(words), expected) << command.name;
      if (option.text.may_be_empty) {
        taken.push_back(name);
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GE(refused, 100);
  // The arguments of programs, in `start` and in `with`.
  EXPECT_EQ(taken, (Words{"--pd.args", "--tikv.args", "--tidb.args", "--pd.args", "--tikv.args",
                          "--tidb.args"}));
}

TEST_F(EmptyValues, AreRefusedForEveryWord) {
  int refused = 0;
  for (const auto& command : root_.commands) {
    for (const auto& option : command.options) {
      if (option.positional) {
        EXPECT_EQ(wrong({command.name, ""}), option.names + ": '' is no value");
        ++refused;
        break;
      }
    }
  }
  EXPECT_GE(refused, 20);
}

}  // namespace
}  // namespace tinet::cli
