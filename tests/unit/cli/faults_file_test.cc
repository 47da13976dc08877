#include "src/cli/faults_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/topology/files.h"
#include "tests/fuzz/faults_target.h"

namespace tinet::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TINET_SOURCE_DIR;

std::vector<api::FaultRequest> parse(const std::string& text) {
  return parse_faults(text, "f.yaml", [](const std::string& name, const std::string& option) {
    throw_usage(option + ": no '" + name + "'");
    return std::string();
  });
}

/// "message | hint" of what is wrong with the file.
std::string wrong(const std::string& text) {
  try {
    static_cast<void>(parse(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return std::string(error.what()) + " | " + error.hint();
  }
  return "accepted";
}

TEST(FaultsFile, HasTheWordsOfTheCommandLine) {
  const auto faults = parse(
      "- {partition: tikv-0, from: pd, for: 1.5s, direction: in, each: true}\n"
      "- delay: a,b / c 50ms\n"
      "  jitter: 5ms\n"
      "- {loss: a 1%, port: [80, 443], new: false, burst: [1%, 30%]}\n"
      "- between: zones\n"
      "- {delay: 5ms, between: zones}\n"
      "- {partition: , shape: ring}\n");
  ASSERT_EQ(faults.size(), 6U);
  EXPECT_EQ(faults[0].selector, "tikv-0");
  EXPECT_EQ(faults[0].peers, "pd");
  EXPECT_EQ(faults[0].for_ms, 1500);
  EXPECT_EQ(faults[0].direction, "in");
  EXPECT_TRUE(faults[0].each);
  EXPECT_EQ(faults[0].summary, "partition tikv-0 --from pd --direction in --each --for 1.5s");
  EXPECT_EQ(faults[1].kind, "delay");
  EXPECT_EQ(faults[1].selector, "a,b / c");
  EXPECT_EQ(faults[1].action.delay_ns, 50'000'000);
  EXPECT_EQ(faults[1].action.jitter_ns, 5'000'000);
  EXPECT_EQ(faults[2].ports, (std::vector<std::uint16_t>{80, 443}));
  EXPECT_EQ(faults[2].connections, "all");
  EXPECT_EQ(faults[2].action.burst_end_ppm, 300'000U);
  EXPECT_EQ(faults[3].kind, "partition");
  EXPECT_TRUE(faults[3].between_zones);
  EXPECT_EQ(faults[4].action.delay_ns, 5'000'000);
  EXPECT_EQ(faults[5].shape, "ring");
}

TEST(FaultsFile, TakesTheDelayOfAReorderingForItsOption) {
  const auto faults = parse("- {reorder: a 5%, delay: 20ms}\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].kind, "reorder");
  EXPECT_EQ(faults[0].action.delay_ns, 20'000'000);
}

TEST(FaultsFile, HoldsAMatrix) {
  const auto faults =
      parse("- matrix: {zones: [a, b], delay: [[none, 30ms], [20ms, none]]}\n  for: 1m\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].kind, "delay");
  EXPECT_EQ(faults[0].matrix.size(), 2U);
  EXPECT_EQ(faults[0].place, "f.yaml:1");
  EXPECT_EQ(faults[0].summary, "delay --matrix {zone:a, zone:b} --for 1m");
  EXPECT_EQ(faults[0].for_ms, 60'000);
}

TEST(FaultsFile, MayBeAnEmptyList) {
  EXPECT_TRUE(parse("[]\n").empty());
}

TEST(FaultsFile, NamesTheLineAndTheKey) {
  EXPECT_EQ(wrong("- {partition: a}\n- {partition: a, fro: b}\n"),
            "f.yaml:2: unknown key 'fro' of 'partition' | did you mean 'from'?");
  EXPECT_EQ(wrong("- loss: a 1%\n  jitter: 5ms\n").substr(0, 40),
            "f.yaml:2: unknown key 'jitter' of 'loss'");
  EXPECT_EQ(wrong("- {partion: a}\n"),
            "f.yaml:1: unknown key 'partion' | did you mean 'partition'?");
  EXPECT_EQ(wrong("- partition: a\n  for: 2\n"),
            "f.yaml:2: for: '2' has no unit | write '2ms' or '2s'");
  EXPECT_EQ(wrong("- delay: a 50\n"), "f.yaml:1: delay: '50' has no unit | write '50ms' or '50s'");
  EXPECT_EQ(wrong("\n- partition: a\n  each: yes\n"),
            "f.yaml:3: 'faults[0].each' must be true or false, but is 'yes' | ");
  EXPECT_EQ(wrong("- {partition: a, from: b, to: c}\n"),
            "f.yaml:1: 'from' and 'to' exclude each other | give only one of them");
  EXPECT_EQ(wrong("- {partition: a, loss: b 1%}\n"),
            "f.yaml:1: 'partition' and 'loss' in one fault | make two elements of the list, faults "
            "add up");
  EXPECT_EQ(wrong("- {delay: a 5ms, jitter: 9ms}\n").substr(0, 50),
            "f.yaml:1: --jitter 9ms is more than the delay of 5");
  EXPECT_EQ(wrong("- delay: a 5ms\n  profile: 3g\n").substr(0, 45),
            "f.yaml:2: profile: the jitter of '3g' is 25ms");
  EXPECT_EQ(wrong("- {delay: a 5ms, jitter: 1ms, distribution: ./d}\n"),
            "f.yaml:1: distribution: no './d' | ");
  EXPECT_EQ(wrong("- {matrix: {zones: [a, b], delay: [[1ms]]}}\n"),
            "f.yaml:1: 'faults[0].matrix.delay[0]' has 1 columns for 2 zones | ");
  EXPECT_EQ(wrong("- {from: a}\n"),
            "f.yaml:1: a fault without a verb | write for example '- {partition: tikv-0, for: "
            "10s}'");
  for (const char* option : {"verify: 2s", "dry-run: true", "explain: true", "json: true"}) {
    EXPECT_NE(wrong(std::string("- {partition: a, ") + option + "}\n"), "accepted") << option;
  }
}

TEST(FaultsFile, HasNoEmptyValues) {
  const std::string hint = " | give it a value, or leave it out";
  EXPECT_EQ(wrong("- partition: a\n  port: ''\n"), "f.yaml:2: port: '' is no value" + hint);
  EXPECT_EQ(wrong("- {partition: a, port: []}\n"), "f.yaml:1: port: '' is no value" + hint);
  EXPECT_EQ(wrong("- {partition: a, to: ' '}\n"), "f.yaml:1: to: ' ' is no value" + hint);
  EXPECT_EQ(wrong("- {partition: '', shape: ring}\n"),
            "f.yaml:1: partition: '' is no value" + hint);
  EXPECT_EQ(wrong("- {matrix: ''}\n"), "f.yaml:1: matrix: '' is no value" + hint);
  EXPECT_NE(wrong("- {partition: a, port: }\n"), "accepted");
  for (const auto& verb : fault_verbs()) {
    FaultWords words;
    Command command;
    describe_fault(verb, command, words);
    for (const auto& option : command.options) {
      const std::string key = option.positional ? "" : option.long_name().substr(2);
      if (option.positional || option.arity == OptionSpec::Arity::Flag || key == "verify") {
        continue;
      }
      EXPECT_EQ(wrong("- {" + verb.name + ": a, " + key + ": \"\"}\n"),
                "f.yaml:1: " + key + ": '' is no value" + hint);
    }
  }
}

TEST(FaultsFile, IsAListOfMappings) {
  for (const char* text : {"", "partition: x\n", "- x\n", "- {partition: [a]}\n", "{", "- - a\n",
                           "- {partition: a, partition: b}\n", "- {? [a] : b}\n"}) {
    EXPECT_NE(wrong(text), "accepted") << text;
  }
}

TEST(FaultsFile, FindsFilesBesideItself) {
  std::string name = (fs::temp_directory_path() / "tinet-faults-XXXXXX").string();
  const fs::path directory = ::mkdtemp(name.data());
  std::ofstream(directory / "m.yaml") << "zones: [a, b]\ndelay: [[none, 1ms], [none, none]]\n";
  std::ofstream(directory / "f.yaml") << "- {matrix: m.yaml}\n";
  const auto faults = read_faults_file(directory / "f.yaml");
  fs::remove_all(directory);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].matrix.size(), 1U);
}

/// The shipped example has every verb and every option that a file can have.
TEST(FaultsFile, ExampleHasEveryVerbAndOption) {
  const fs::path path = kSource / "packaging/examples/faults.yaml";
  const auto faults = read_faults_file(path);
  const std::string text = read_user_file(path, "example");
  for (const auto& verb : fault_verbs()) {
    FaultWords words;
    Command command;
    describe_fault(verb, command, words);
    if (verb.name != "partition" && verb.name != "delay") {
      EXPECT_TRUE(std::any_of(faults.begin(), faults.end(), [&](const auto& fault) {
        return fault.kind == verb.name;
      })) << verb.name;
    }
    for (const auto& option : command.options) {
      const std::string key = option.long_name().substr(option.positional ? 0 : 2);
      if (option.positional || key == "dry-run" || key == "explain" || key == "verify") {
        continue;
      }
      EXPECT_NE(text.find(key + ":"), std::string::npos) << key;
    }
  }
}

TEST(FaultsCorpus, EveryInputIsTakenOrRefused) {
  int inputs = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "tests/fuzz/corpus/faults")) {
    SCOPED_TRACE(entry.path());
    test::try_faults_input(read_user_file(entry.path(), "corpus"));
    ++inputs;
  }
  EXPECT_GE(inputs, 5);
}

}  // namespace
}  // namespace tinet::cli
