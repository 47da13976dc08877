// Profiles, zone matrices and distributions: the data behind the parameters of faults.

#include <gtest/gtest.h>

#include "src/api/fault_meaning.h"
#include "src/base/error.h"
#include "src/cli/distribution_file.h"
#include "src/cli/profiles.h"
#include "src/cli/zone_matrix.h"

namespace tinet::cli {
namespace {

template <typename Parse>
std::string wrong(Parse parse) {
  try {
    static_cast<void>(parse());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return std::string(error.what()) + " | " + error.hint();
  }
  return "accepted";
}

TEST(Profiles, AllDoSomethingThatIsPossible) {
  EXPECT_GE(profiles().size(), 15U);
  for (const auto& profile : profiles()) {
    SCOPED_TRACE(profile.name);
    const LinkAction action = api::action_of(profile.action);
    EXPECT_TRUE(action.delay.has_value());
    EXPECT_TRUE(action.rate.has_value());
    EXPECT_LT(action.loss.value, 100'000U);
    EXPECT_FALSE(profile.about.empty());
  }
}

TEST(Profiles, AreFoundByName) {
  EXPECT_EQ(find_profile("3g", "--profile").action.rate_bits, 2'000'000U);
  for (const char* name : {"lan", "wan-eu-us", "wan-us-asia", "wan-eu-asia", "3g", "4g", "dsl",
                           "lossy-wifi", "satellite", "starlink", "gprs", "edge"}) {
    EXPECT_EQ(find_profile(name, "--profile").name, name);
  }
  EXPECT_EQ(wrong([] { return find_profile("satelite", "x"); }),
            "x: unknown profile 'satelite' | did you mean 'satellite'?");
}

TEST(Profiles, AreReadStrictly) {
  EXPECT_EQ(wrong([] { return parse_profiles("a: {about: x, delay: 5ms}", "p.yaml"); }),
            "p.yaml:1: 'a': missing key 'rate' | ");
  EXPECT_EQ(wrong([] { return parse_profiles("a: {about: x, delay: 5, rate: 1mbit}", "p.yaml"); }),
            "p.yaml:1: 'a.delay': '5' has no unit | write '5ms' or '5s'");
  EXPECT_EQ(wrong([] {
              return parse_profiles("a: {about: x, delay: 5ms, rate: 1mbit, los: 1%}", "p.yaml");
            }),
            "p.yaml:1: unknown key 'los' in 'a' | did you mean 'loss'?");
}

TEST(Profiles, AreShownAsATableAndAsJson) {
  const std::string text = profiles_text(false);
  EXPECT_NE(text.find("wan-eu-us    42ms"), std::string::npos) << text;
  EXPECT_NE(text.find("bursts 1%,33%"), std::string::npos) << text;
}

TEST(ZoneMatrix, BecomesACellPerPairThatSomethingHappensTo) {
  const auto cells = parse_zone_matrix(
      "zones: [a, b]\n"
      "profile: [[none, 3g], [none, none]]\n"
      "delay: [[1ms, 100ms], [none, none]]\n"
      "jitter: [[1ms, none], [none, none]]\n"
      "loss: [[none, none], [5%, none]]\n"
      "rate: [[none, none], [none, 1mbit]]\n"
      "distribution: normal\n",
      "m.yaml");
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[0].from + ">" + cells[0].to, "zone:a>zone:a");
  EXPECT_EQ(cells[0].action.distribution, "normal");
  EXPECT_EQ(cells[1].from + ">" + cells[1].to, "zone:a>zone:b");
  EXPECT_EQ(cells[1].action.delay_ns, 100'000'000) << "before the profile's";
  EXPECT_EQ(cells[1].action.rate_bits, 2'000'000U) << "of the profile";
  EXPECT_EQ(cells[2].from + ">" + cells[2].to, "zone:b>zone:a");
  EXPECT_EQ(cells[2].action.loss_ppm, 50'000U);
  EXPECT_EQ(cells[2].action.delay_ns, 0);
  EXPECT_EQ(cells[3].action.rate_bits, 1'000'000U);
}

TEST(ZoneMatrix, NamesThePlaceOfWhatIsWrong) {
  const auto of = [](const std::string& text) {
    return wrong([&] { return parse_zone_matrix(text, "m.yaml"); });
  };
  EXPECT_EQ(of("zones: [a, b]\ndelay:\n  - [none, 30]\n  - [1ms, none]\n"),
            "m.yaml:3: 'matrix.delay[0][1]': '30' has no unit | write '30ms' or '30s'");
  EXPECT_EQ(of("zones: [a, b]\ndelay: [[none, 1ms]]\n"),
            "m.yaml:2: 'matrix.delay' has 1 rows for 2 zones | ");
  EXPECT_EQ(of("zones: [a, b]\nloss: [[none], [none, 1%]]\n"),
            "m.yaml:2: 'matrix.loss[0]' has 1 columns for 2 zones | ");
  EXPECT_EQ(of("zones: [a, a]\n"), "m.yaml:1: 'matrix.zones' names a zone twice | ");
  EXPECT_EQ(of("zones: [a]\n"),
            "m.yaml:1: 'matrix' does nothing on any link | give a table: profile, delay, loss or "
            "rate");
  EXPECT_EQ(of("zone: [a]\n"), "m.yaml:1: unknown key 'zone' in 'matrix' | did you mean 'zones'?");
  EXPECT_EQ(of("zones: [a]\nprofile: [[mars]]\n"),
            "m.yaml:2: 'matrix.profile[0][0]': unknown profile 'mars' | 'tinet faults --profiles' "
            "lists them");
  EXPECT_EQ(of("zones: [a]\njitter: [[1ms]]\n"),
            "m.yaml:1: 'matrix' from 'a' to 'a': --jitter needs a delay that it varies | add a "
            "delay of at least the jitter");
}

TEST(DistributionFile, IsInUnitsOfTheJitter) {
  EXPECT_EQ(parse_distribution_file("# mine\n 1\n-4\n\n0.5 # late\n3.99999\n", "d"),
            (std::vector<std::int16_t>{-32768, 4096, 8192, 32767}));
}

TEST(DistributionFile, NamesTheLine) {
  const auto of = [](const std::string& text) {
    return wrong([&] { return parse_distribution_file(text, "d"); });
  };
  EXPECT_EQ(of("1\n1,5\n"),
            "d:2: '1,5' is not a number | write one deviation per line, in units of the jitter: "
            "-1.5");
  EXPECT_EQ(
      of("0\n4\n"),
      "d:2: 4 is too far from the delay | deviations are at least -4 and less than 4 jitters; "
      "choose a larger --jitter");
  EXPECT_NE(of("nan\n1\n"), "accepted");
  EXPECT_NE(of("inf\n1\n"), "accepted");
  EXPECT_NE(of("1 2\n"), "accepted");
  EXPECT_NE(of("5ms\n"), "accepted");
  EXPECT_EQ(of("1\n").substr(0, 45), "d: a distribution has at least two numbers | ");
  std::string many;
  for (int i = 0; i <= 16'384; ++i) {
    many += "1\n";
  }
  EXPECT_EQ(of(many), "d: more than 16384 numbers | ");
}

}  // namespace
}  // namespace tinet::cli
