#include "src/base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// "message | hint" of the Usage error that `parse` throws.
template <typename Parse>
std::string usage_of(Parse parse) {
  try {
    static_cast<void>(parse());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return std::string(error.what()) + " | " + error.hint();
  }
  ADD_FAILURE() << "the word was accepted";
  return {};
}

std::string bad_duration(std::string_view text) {
  return usage_of([&] { return parse_duration(text, "--for"); });
}
std::string bad_percent(std::string_view text) {
  return usage_of([&] { return parse_percent(text, "PERCENT"); });
}
std::string bad_rate(std::string_view text) {
  return usage_of([&] { return parse_bitrate(text, "BITRATE"); });
}

std::string bad_size(std::string_view text) {
  return usage_of([&] { return parse_size(text, "--after-bytes"); });
}

TEST(ParseDuration, KnowsEveryUnit) {
  EXPECT_EQ(parse_duration("5ns", "x"), 5ns);
  EXPECT_EQ(parse_duration("10us", "x"), 10us);
  EXPECT_EQ(parse_duration("250ms", "x"), 250ms);
  EXPECT_EQ(parse_duration("3s", "x"), 3s);
  EXPECT_EQ(parse_duration("2m", "x"), 2min);
  EXPECT_EQ(parse_duration("1h", "x"), 1h);
}

TEST(ParseDuration, TakesFractionsExactly) {
  EXPECT_EQ(parse_duration("1.5s", "x"), 1500ms);
  EXPECT_EQ(parse_duration("0.000000001s", "x"), 1ns);
  EXPECT_EQ(parse_duration("0.1ms", "x"), 100us);
  EXPECT_EQ(parse_duration("2.5h", "x"), 150min);
  EXPECT_EQ(parse_duration("0s", "x"), 0ns);
}

TEST(ParseDuration, RefusesABareNumberWithBothReadings) {
  EXPECT_EQ(bad_duration("80"), "--for: '80' has no unit | write '80ms' or '80s'");
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const auto* text : {"", "s", "ms", "-1s", "+1s", " 1s", "1 s", "1s ", "1.s", ".5s", "1..5s",
                           "1,5s", "1e3s", "0x1s", "1S", "1sec", "1d", "1.0000000001s"}) {
    EXPECT_FALSE(bad_duration(text).empty()) << "'" << text << "'";
  }
  EXPECT_THAT(bad_duration("5parsec"), HasSubstr("unknown unit 'parsec'"));
}

TEST(ParseDuration, StopsAtItsLimits) {
  EXPECT_EQ(parse_duration("1000000h", "x"), 1'000'000h);
  EXPECT_THAT(bad_duration("1000001h"), HasSubstr("longer than 1000000h"));
  EXPECT_THAT(bad_duration("1000000.000000001h"), HasSubstr("longer than 1000000h"));
  EXPECT_THAT(bad_duration("0.5ns"), HasSubstr("finer than 1ns"));
  EXPECT_EQ(parse_duration("999999999999999ns", "x"), 999'999'999'999'999ns);
  EXPECT_FALSE(bad_duration("9999999999999999ns").empty()) << "sixteen digits";
  EXPECT_FALSE(bad_duration("99999999999999999999999h").empty());
}

TEST(FormatDuration, IsShortAndExact) {
  EXPECT_EQ(format_duration(0ns), "0s");
  EXPECT_EQ(format_duration(1ns), "1ns");
  EXPECT_EQ(format_duration(999ns), "999ns");
  EXPECT_EQ(format_duration(1us), "1us");
  EXPECT_EQ(format_duration(1500us), "1.5ms");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(60min), "1h");
  EXPECT_EQ(format_duration(-1s), "0s");
}

TEST(FormatDuration, IsReadBackAsItWas) {
  for (const std::int64_t count :
       {1LL, 999LL, 1000LL, 1001LL, 999'999'999LL, 1'000'000'001LL, 60'000'000'000LL,
        3'600'000'000'001LL, 3'600'000'000'000'000'000LL}) {
    const Nanoseconds duration(count);
    EXPECT_EQ(parse_duration(format_duration(duration), "x"), duration)
        << format_duration(duration);
  }
}

TEST(ParsePercent, TakesItsWholeRange) {
  EXPECT_EQ(parse_percent("0%", "x").value, 0U);
  EXPECT_EQ(parse_percent("0.0001%", "x").value, 1U);
  EXPECT_EQ(parse_percent("0.5%", "x").value, 5'000U);
  EXPECT_EQ(parse_percent("10%", "x").value, 100'000U);
  EXPECT_EQ(parse_percent("99.9999%", "x").value, 999'999U);
  EXPECT_EQ(parse_percent("100%", "x").value, 1'000'000U);
}

TEST(ParsePercent, RefusesTheRest) {
  EXPECT_EQ(bad_percent("10"), "PERCENT: '10' has no percent sign | write '10%'");
  EXPECT_THAT(bad_percent("100.0001%"), HasSubstr("over 100%"));
  EXPECT_THAT(bad_percent("0.00001%"), HasSubstr("finer than 0.0001%"));
  for (const auto* text : {"", "%", "-1%", " 1%", "1 %", "1%%", "ten%", "1.%"}) {
    EXPECT_FALSE(bad_percent(text).empty()) << "'" << text << "'";
  }
}

TEST(FormatPercent, RoundTrips) {
  EXPECT_EQ(format_percent(Ppm{100'000}), "10%");
  EXPECT_EQ(format_percent(Ppm{5'000}), "0.5%");
  for (const std::uint32_t value : {0U, 1U, 10U, 333'333U, 999'999U, 1'000'000U}) {
    EXPECT_EQ(parse_percent(format_percent(Ppm{value}), "x"), Ppm{value});
  }
}

TEST(ParseBitrate, CountsInPowersOfThousand) {
  EXPECT_EQ(parse_bitrate("1bit", "x"), 1U);
  EXPECT_EQ(parse_bitrate("64kbit", "x"), 64'000U);
  EXPECT_EQ(parse_bitrate("10mbit", "x"), 10'000'000U);
  EXPECT_EQ(parse_bitrate("1.5gbit", "x"), 1'500'000'000U);
  EXPECT_EQ(parse_bitrate("1000gbit", "x"), 1'000'000'000'000U);
}

TEST(ParseBitrate, RefusesTheRest) {
  EXPECT_THAT(bad_rate("10"), HasSubstr("has no unit"));
  EXPECT_THAT(bad_rate("10mb"), HasSubstr("unknown unit"));
  EXPECT_THAT(bad_rate("10Mbit"), HasSubstr("unknown unit"));
  for (const auto* text :
       {"", "0bit", "0mbit", "0.5bit", "1000.1gbit", "1001gbit", "-1mbit", "mbit"}) {
    EXPECT_FALSE(bad_rate(text).empty()) << "'" << text << "'";
  }
}

TEST(ParseSize, TakesBytesAndBothKindsOfUnits) {
  EXPECT_EQ(parse_size("0", "x"), 0U);
  EXPECT_EQ(parse_size("1500", "x"), 1'500U);
  EXPECT_EQ(parse_size("1500b", "x"), 1'500U);
  EXPECT_EQ(parse_size("10kb", "x"), 10'000U);
  EXPECT_EQ(parse_size("10kib", "x"), 10'240U);
  EXPECT_EQ(parse_size("1.5mb", "x"), 1'500'000U);
  EXPECT_EQ(parse_size("1mib", "x"), 1'048'576U);
  EXPECT_EQ(parse_size("2gb", "x"), 2'000'000'000U);
  EXPECT_EQ(parse_size("1gib", "x"), 1'073'741'824U);
}

TEST(ParseSize, RefusesTheRest) {
  EXPECT_THAT(bad_size("64k"), HasSubstr("unknown unit 'k'"));
  EXPECT_THAT(bad_size("64k"), HasSubstr("64kb (1000), 64kib (1024)"));
  EXPECT_THAT(bad_size("0.5b"), HasSubstr("no whole number of bytes"));
  for (const auto* text : {"", "kb", "-1", "1 kb", "10KB", "1tb", "ten", "1000001gb", "0.1"}) {
    EXPECT_FALSE(bad_size(text).empty()) << "'" << text << "'";
  }
}

TEST(FormatSize, RoundTrips) {
  EXPECT_EQ(format_size(1'500), "1.5kb");
  for (const std::uint64_t size : {0ULL, 1ULL, 999ULL, 65'536ULL, 1'000'000ULL, 1ULL << 40U}) {
    EXPECT_EQ(parse_size(format_size(size), "x"), size);
  }
}

TEST(FormatBitrate, RoundTrips) {
  EXPECT_EQ(format_bitrate(10'000'000), "10mbit");
  EXPECT_EQ(format_bitrate(1'500'000'000), "1.5gbit");
  for (const std::uint64_t rate :
       {1ULL, 999ULL, 1'000ULL, 1'001ULL, 999'999ULL, 1'000'000'000'000ULL}) {
    EXPECT_EQ(parse_bitrate(format_bitrate(rate), "x"), rate);
  }
}

}  // namespace
}  // namespace tinet
