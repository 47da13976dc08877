#include "src/model/fault_check.h"

#include <string>

#include "src/base/error.h"
#include "src/model/distribution.h"

namespace tinet {

namespace {

void check_share(Ppm share, const char* what) {
  if (share > kAlways) {
    throw_usage(std::string(what) + ": more than 100% of the packets", "write 0.0001% to 100%");
  }
}

void check_delay(const Delay& delay) {
  const auto zero = Nanoseconds{0};
  if (delay.delay < zero || delay.jitter < zero) {
    throw_usage("a delay is not negative");
  }
  if (delay.delay > kDelayMax) {
    throw_usage("delay: " + format_duration(delay.delay) + " is too long, at most 1h is possible");
  }
  if (delay.delay == zero) {
    throw_usage("--jitter needs a delay that it varies", "add a delay of at least the jitter");
  }
  if (delay.jitter > delay.delay) {
    throw_usage("--jitter " + format_duration(delay.jitter) + " is more than the delay of " +
                    format_duration(delay.delay) + ": packets cannot arrive before they were sent",
                "raise the delay or lower the jitter");
  }
  if (delay.jitter == zero && delay.distribution != Distribution::Uniform) {
    throw_usage("--distribution needs --jitter: without it every packet waits the same time",
                "add --jitter, at most the delay");
  }
  if (delay.jitter == zero && delay.correlation.value > 0) {
    throw_usage("--correlation needs --jitter: without it every packet waits the same time",
                "add --jitter, at most the delay");
  }
  if ((delay.distribution == Distribution::Table) == delay.table.empty()) {
    throw_usage(delay.table.empty() ? "--distribution: the table has no samples"
                                    : "a table of samples needs the distribution 'table'");
  }
  if (delay.table.size() > kDistributionTableMax) {
    throw_usage("--distribution: " + std::to_string(delay.table.size()) + " samples, at most " +
                std::to_string(kDistributionTableMax) + " are possible");
  }
  check_share(delay.correlation, "--correlation");
}

void check_rate(const Rate& rate) {
  const auto bits = rate.bits_per_second;
  if (bits < kRateMin || bits > kRateMax) {
    throw_usage("rate: " + std::to_string(bits) +
                " bits per second, possible are 8bit to 1000gbit");
  }
  if (rate.burst_bytes > 0 && rate.burst_bytes < kBurstSizeMin) {
    throw_usage("--burst-size: " + std::to_string(rate.burst_bytes) +
                " bytes hold no whole packet, so the link would stop; at least " +
                std::to_string(kBurstSizeMin) + " are needed");
  }
  if (rate.queue_packets > kQueuePacketsMax) {
    throw_usage("--queue: " + std::to_string(rate.queue_packets) + " packets, at most " +
                std::to_string(kQueuePacketsMax) + " may wait");
  }
}

/// Anything besides keeping packets away.
bool does_more(LinkAction action) {
  action.cut.reset();
  action.hold = false;
  action.seed = 0;
  return action != LinkAction{};
}

}  // namespace

void check_action(const LinkAction& action) {
  check_share(action.loss, "loss");
  check_share(action.lost_replies, "--lost-reply");
  check_share(action.duplicate, "duplicate");
  check_share(action.corrupt, "corrupt");
  check_share(action.reorder, "reorder");
  for (const auto& burst : action.bursts) {
    check_share(burst.begin, "--burst");
    check_share(burst.end, "--burst");
    if (burst.begin.value == 0 || burst.end.value == 0) {
      throw_usage("--burst: bursts that never begin or never end",
                  "write two percentages above 0%, how often a burst begins and how often it ends");
    }
  }
  if (action.delay) {
    check_delay(*action.delay);
  }
  if (action.reorder.value > 0 && !action.delay) {
    throw_usage("reorder needs a delay: only packets that wait can be overtaken",
                "add a delay to the same fault");
  }
  if (action.silent_corruption && action.corrupt.value == 0) {
    throw_usage("--silent needs a share of packets to corrupt");
  }
  if (action.rate) {
    check_rate(*action.rate);
  }
  if (action.lost_replies.value > 0) {
    LinkAction rest = action;
    rest.lost_replies = {};
    rest.seed = 0;
    if (rest != LinkAction{}) {
      throw_usage("--lost-reply concerns replies only and cannot be one fault with something else",
                  "make two faults, they add up");
    }
  }
}

void check_kind(FaultKind kind, const LinkAction& action) {
  const auto need = [&](bool there, const char* what) {
    if (!there) {
      throw_usage(std::string(to_string(kind)) + ": " + what);
    }
  };
  switch (kind) {
    case FaultKind::Partition:
    case FaultKind::Hold:
      need(!does_more(action), "no packet arrives, so nothing else can happen to it");
      break;
    case FaultKind::Loss:
      need(action.loss.value > 0 || !action.bursts.empty() || action.lost_replies.value > 0,
           "0% of the packets is no fault; write 0.0001% to 100%, or a burst");
      break;
    case FaultKind::Delay:
      need(action.delay.has_value(), "a delay of 0 is no fault");
      break;
    case FaultKind::Duplicate:
      need(action.duplicate.value > 0, "0% of the packets is no fault; write 0.0001% to 100%");
      break;
    case FaultKind::Corrupt:
      need(action.corrupt.value > 0, "0% of the packets is no fault; write 0.0001% to 100%");
      break;
    case FaultKind::Reorder:
      need(action.reorder.value > 0, "0% of the packets is no fault; write 0.0001% to 100%");
      break;
    case FaultKind::Rate:
      need(action.rate.has_value(), "the bit rate is missing");
      break;
    case FaultKind::Flap:
      need(!(action.cut && does_more(action)),
           "either the link is cut, or something else comes and goes");
      break;
    case FaultKind::Pause:
      need(false, "is no fault of the network");
      break;
  }
}

void check_traffic_of(const LinkAction& action, const TrafficWords& words) {
  if (action.cut == CutMode::Reject && words.connections == Connections::Established) {
    throw_usage("--mode reject refuses new connections, and --established means the open ones",
                "use --mode drop or --mode reset");
  }
}

void check_flap(const Flap& flap) {
  for (const auto phase : {flap.down, flap.up}) {
    if (phase < kFlapPhaseMin) {
      throw_usage("flap: --down and --up are at least 10ms each, not " +
                  (phase.count() < 0 ? "negative" : format_duration(phase)));
    }
    if (phase > kFaultTimeMax) {
      throw_usage("flap: " + format_duration(phase) + " is too long");
    }
  }
  if (flap.times > 0 && flap.times > kFaultTimeMax / (flap.down + flap.up)) {
    throw_usage("flap: --times " + std::to_string(flap.times) + " would take more than 1000000h");
  }
}

}  // namespace tinet
