#include <limits>

#include "src/base/error.h"
#include "src/cli/cut_mode.h"
#include "src/cli/fault_verb.h"
#include "src/cli/words.h"
#include "src/model/fault_check.h"

namespace tinet::cli {

namespace {

constexpr std::int64_t kPhaseMinMs = kFlapPhaseMin / Milliseconds(1);

void add_options(Command& command, FaultWords& words) {
  command.option("--down", words.down,
                 {.value = "DUR", .help = "how long the links are cut each time, from 10ms on"});
  command.option("--up", words.up,
                 {.value = "DUR", .help = "how long they are open in between, from 10ms on"});
  command.option("--times", words.times,
                 {.value = "N", .help = "how often they are cut (default: until it is healed)"});
  add_mode_option(command, words);
}

void read(const FaultWords& words, api::FaultRequest& request) {
  if (words.down.empty() || words.up.empty()) {
    throw_missing("flap", words.down.empty() ? "--down" : "--up");
  }
  request.flap_down_ms = required_ms(words.down, "--down", kPhaseMinMs);
  request.flap_up_ms = required_ms(words.up, "--up", kPhaseMinMs);
  if (!words.times.empty()) {
    constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
    request.flap_times = static_cast<std::uint32_t>(parse_number(words.times, "--times", 1, kMax));
  }
  read_mode(words, request);
}

}  // namespace

FaultVerb flap_verb() {
  return {.name = "flap",
          .value = "",
          .value_help = "",
          .summary = "cut links and open them again, in turns",
          .description =
              "The links are cut for --down, open for --up, and so on. With --profile they are not "
              "cut for --down, but like that network.",
          .examples = {"tinet flap tikv-0 --down 2s --up 5s",
                       "tinet flap role:pd-leader --down 500ms --up 1s --times 20"},
          .add_options = add_options,
          .read = read};
}

}  // namespace tinet::cli
