#include "src/base/error.h"
#include "src/cli/action_words.h"
#include "src/cli/fault_verb.h"

namespace tinet::cli {

namespace {

void add_options(Command& command, FaultWords& words) {
  command.option("--burst", words.burst,
                 {.value = "P,R",
                  .help = "losses in bursts: one begins before a packet with probability P and "
                          "ends with R, e.g. '1%,30%'; PERCENT may then be left out, or comes on "
                          "top"});
  command.flag("--lost-reply", words.lost_reply,
               "requests arrive, replies do not: so many of the connections to --service or --port "
               "lose all data that comes back");
  command.exclusives.insert(command.exclusives.end(),
                            {{"--burst", "--lost-reply"}, {"--profile", "--lost-reply"}});
}

/// A profile whose network loses nothing is no loss.
void check_profile_loses(const FaultWords& words, const api::ActionWords& action) {
  if (action.loss_ppm > 0 || action.burst_begin_ppm > 0) {
    return;
  }
  throw_usage("--profile: '" + words.profile + "' loses no packets",
              "give PERCENT, or a profile with losses; 'tinet faults --profiles' lists them");
}

void read(const FaultWords& words, api::FaultRequest& request) {
  api::ActionWords& action = request.action;
  const bool given = !words.value.empty() || !words.burst.empty();
  if (!given && words.profile.empty()) {
    throw_missing("loss", "PERCENT");
  }
  if (given) {
    action.loss_ppm = 0;
    action.burst_begin_ppm = 0;
    action.burst_end_ppm = 0;
  } else {
    check_profile_loses(words, action);
  }
  if (!words.burst.empty()) {
    parse_burst(words.burst, "--burst", action);
  }
  if (!words.value.empty()) {
    const std::uint32_t share = parse_share_ppm(words.value, "PERCENT");
    (words.lost_reply ? action.lost_replies_ppm : action.loss_ppm) = share;
  } else if (words.lost_reply) {
    throw_missing("loss", "PERCENT");
  }
}

}  // namespace

FaultVerb loss_verb() {
  return {.name = "loss",
          .value = "PERCENT",
          .value_help =
              "how many packets are lost (with --lost-reply: how many connections), e.g. "
              "10% or 0.5%; may be left out with --burst or --profile",
          .summary = "lose packets by chance",
          .description =
              "Every packet of the links is lost with the given probability, each by itself, in "
              "both directions by default. Losses of several faults combine.",
          .examples = {"tinet loss tikv-0 10% --for 1m",
                       "tinet loss tikv-0 20% --lost-reply --service client --direction in"},
          .add_options = add_options,
          .read = read};
}

}  // namespace tinet::cli
