#include <limits>
#include <string>

#include "src/base/error.h"
#include "src/base/units.h"
#include "src/cli/fault_verb.h"
#include "src/cli/words.h"
#include "src/fabric/leaf.h"
#include "src/model/fault_check.h"

namespace tinet::cli {

namespace {

constexpr std::uint64_t kBurstSizeMax = std::numeric_limits<std::uint32_t>::max();

void add_options(Command& command, FaultWords& words) {
  command.option(
      "--burst-size", words.burst_size,
      {.value = "SIZE",
       .help = "how much may pass at once, from 1600 bytes on: 16kb (1000), 16kib (1024)"});
  command.option("--queue", words.queue,
                 {.value = "N",
                  .help = "packets that may wait, 1 to 1000000 (default " +
                          std::to_string(fabric::kRateQueue) + "); more are dropped and counted"});
}

void read(const FaultWords& words, api::FaultRequest& request) {
  api::ActionWords& action = request.action;
  if (!words.value.empty()) {
    action.rate_bits = parse_bitrate(words.value, "BITRATE");
    if (action.rate_bits < kRateMin) {
      throw_usage("BITRATE: '" + words.value + "' is too small",
                  "the smallest is '" + format_bitrate(kRateMin) + "'");
    }
  } else if (words.profile.empty()) {
    throw_missing("rate", "BITRATE");
  }
  if (!words.burst_size.empty()) {
    const std::uint64_t size = parse_size(words.burst_size, "--burst-size");
    if (size < kBurstSizeMin || size > kBurstSizeMax) {
      const bool below = size < kBurstSizeMin;
      throw_usage("--burst-size: '" + words.burst_size + "' is too " + (below ? "small" : "large"),
                  std::string("the ") + (below ? "smallest" : "largest") + " is '" +
                      format_size(below ? kBurstSizeMin : kBurstSizeMax) + "'");
    }
    action.rate_burst_bytes = static_cast<std::uint32_t>(size);
  }
  if (!words.queue.empty()) {
    action.rate_queue_packets =
        static_cast<std::uint32_t>(parse_number(words.queue, "--queue", 1, kQueuePacketsMax));
  }
}

}  // namespace

FaultVerb rate_verb() {
  return {
      .name = "rate",
      .value = "BITRATE",
      .value_help = "bits per second, e.g. 500kbit, 10mbit; may be left out with --profile",
      .summary = "limit the bandwidth of links",
      .description =
          "Every affected link, an ordered pair of instances, passes so many bits per second; "
          "more packets wait in a queue (--queue), and what finds it full is dropped and counted. "
          "The lowest of several rates holds.",
      .examples = {"tinet rate tikv-0 10mbit",
                   "tinet rate tikv-0 1mbit --queue 50 --direction "
                   "out"},
      .add_options = add_options,
      .read = read};
}

}  // namespace tinet::cli
