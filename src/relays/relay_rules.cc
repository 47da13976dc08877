#include "src/relays/relay_rules.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "src/base/units.h"

namespace tinet::relays {

namespace {

constexpr std::uint64_t kBitsPerByte = 8;

std::string why_not(const Match& match, const LinkAction& action) {
  if (match.protocol == Protocol::Udp || match.protocol == Protocol::Icmp) {
    return "relays carry TCP connections only, " + std::string(to_string(match.protocol)) +
           " passes beside them";
  }
  if (match.first) {
    return "the first packets of a connection never reach a relay: the kernel answers them";
  }
  if (match.after_bytes && action.cut != CutMode::Reset) {
    return "a relay can only reset a connection after a number of bytes (--mode reset)";
  }
  if (match.connections == Connections::New && (action.rate || action.hold)) {
    return "new connections can be cut or delayed, and then they are no new ones any more";
  }
  return {};
}

std::string why_not(const LinkAction& action) {
  if (action.loss.value > 0 || action.lost_replies.value > 0 || !action.bursts.empty()) {
    return "a relay carries streams of bytes and cannot lose packets of them";
  }
  if (action.duplicate.value > 0 || action.corrupt.value > 0 || action.reorder.value > 0) {
    return "a relay carries streams of bytes; what happens to packets below TCP is out of its "
           "reach";
  }
  if (action.delay &&
      (action.delay->distribution == Distribution::Pareto ||
       action.delay->distribution == Distribution::Table || action.delay->correlation.value > 0)) {
    return "relays vary delays uniformly or by a normal distribution, without correlation";
  }
  if (action.rate && (action.rate->burst_bytes != 0 || action.rate->queue_packets != 0)) {
    return "a relay has no queue of packets: it stops reading what is too fast";
  }
  return {};
}

bool is_for_open(const Match& match) {
  return match.connections != Connections::New;
}

bool is_for_new(const Match& match) {
  return match.connections != Connections::Established;
}

proxy::Delay to_delay(const Delay& delay) {
  return {.base = delay.delay,
          .jitter = delay.jitter,
          .distribution = delay.distribution == Distribution::Normal
                              ? proxy::Distribution::Normal
                              : proxy::Distribution::Uniform};
}

/// What one clause makes of a connection: of the direction that it was meant for, and of the other.
struct ClauseRules {
  proxy::Rule own;
  proxy::Rule other;
};

void add_cut(CutMode mode, const Match& match, ClauseRules& rules) {
  if (match.after_bytes) {
    rules.own.reset_after_bytes = *match.after_bytes;
    return;
  }
  switch (mode) {
    case CutMode::Drop:
      rules.own.hold = true;
      rules.other.hold = true;
      break;
    case CutMode::Reject:
      rules.own.refuse = is_for_new(match);
      rules.own.hold = is_for_open(match);
      rules.other.hold = rules.own.hold;
      break;
    case CutMode::Reset:
      rules.own.refuse = is_for_new(match);
      if (is_for_open(match)) {
        rules.own.reset_after = Nanoseconds(0);
      }
      break;
  }
}

ClauseRules rules_of_clause(const EffectClause& clause, std::uint64_t first_number) {
  proxy::Rule base;
  base.seed = clause.action.seed;
  if (clause.match.connections == Connections::New) {
    base.first_number = first_number;
  } else if (clause.match.connections == Connections::Established) {
    base.end_number = first_number;
  }
  ClauseRules rules{base, base};
  const LinkAction& action = clause.action;
  if (action.cut) {
    add_cut(*action.cut, clause.match, rules);
  }
  if (action.hold) {
    rules.own.hold = true;
    rules.other.hold = true;
  }
  if (action.delay) {
    rules.own.accept_delay = to_delay(*action.delay);
    if (is_for_open(clause.match)) {
      rules.own.delay = to_delay(*action.delay);
    }
  }
  if (action.rate) {
    rules.own.bytes_per_second =
        std::max<std::uint64_t>(action.rate->bits_per_second / kBitsPerByte, 1);
  }
  return rules;
}

/// Who refuses or delays a connection before it is dialled on looks at the forward rules alone.
void move_to_forward(proxy::Rule& backward, proxy::Rule& forward) {
  forward.refuse = std::exchange(backward.refuse, false);
  forward.accept_delay = std::exchange(backward.accept_delay, proxy::Delay{});
}

std::uint64_t first_of(const EffectClause& clause,
                       const std::function<std::uint64_t(FaultId)>& first_number) {
  std::uint64_t lowest = first_number(clause.faults.front());
  for (const FaultId fault : clause.faults) {
    lowest = std::min(lowest, first_number(fault));
  }
  return lowest;
}

std::string describe(const proxy::Delay& delay) {
  std::string text = format_duration(delay.base);
  if (delay.jitter.count() > 0) {
    text += " +/- " + format_duration(delay.jitter);
    text += delay.distribution == proxy::Distribution::Normal ? " normal" : "";
  }
  return text;
}

}  // namespace

std::string why_not(const FaultClause& clause) {
  const std::string reason = why_not(clause.action);
  return reason.empty() ? why_not(clause.match, clause.action) : reason;
}

Effect concerning(const Effect& effect, std::uint16_t port, bool towards) {
  Effect concerned;
  for (const EffectClause& clause : effect.clauses) {
    const Match& match = clause.match;
    const auto& ports = towards ? match.to_ports : match.from_ports;
    const bool any_port = !match.has_ports();
    if (any_port || std::binary_search(ports.begin(), ports.end(), port)) {
      concerned.clauses.push_back(clause);
    }
  }
  return concerned;
}

WayRules rules_of(const WayEffects& effects,
                  const std::function<std::uint64_t(FaultId)>& first_number) {
  WayRules rules;
  const auto put = [](WayRules::Rules& into, proxy::RuleSet::Key key, const proxy::Rule& rule,
                      const proxy::Rule& nothing) {
    if (rule != nothing) {
      into[key] = rule;
    }
  };
  for (const bool is_there : {true, false}) {
    for (const EffectClause& clause : (is_there ? effects.there : effects.back).clauses) {
      // A fault has one clause on a link, so fault and link name the rule.
      const proxy::RuleSet::Key key = clause.faults.front().value * 2ULL + (is_there ? 0 : 1);
      ClauseRules made = rules_of_clause(clause, first_of(clause, first_number));
      proxy::Rule nothing;
      nothing.seed = made.own.seed;
      nothing.first_number = made.own.first_number;
      nothing.end_number = made.own.end_number;
      if (!is_there) {
        move_to_forward(made.own, made.other);
      }
      put(rules.forward, key, is_there ? made.own : made.other, nothing);
      put(rules.backward, key, is_there ? made.other : made.own, nothing);
    }
  }
  return rules;
}

std::string describe(const proxy::Rule& rule) {
  std::vector<std::string> parts;
  if (rule.refuse) {
    parts.emplace_back("reset new connections");
  }
  if (rule.hold) {
    parts.emplace_back("hold");
  }
  if (rule.reset_after) {
    parts.emplace_back("reset open connections");
  }
  if (rule.reset_after_bytes) {
    parts.push_back("reset after " + std::to_string(*rule.reset_after_bytes) + " bytes");
  }
  if (rule.accept_delay.any()) {
    parts.push_back("delay new connections " + describe(rule.accept_delay));
  }
  if (rule.delay.any()) {
    parts.push_back("delay " + describe(rule.delay));
  }
  if (rule.bytes_per_second) {
    parts.push_back("at most " + std::to_string(*rule.bytes_per_second) + " bytes a second");
  }
  std::string text = join(parts, ", ");
  if (rule.first_number > 0) {
    text += " (connections from number " + std::to_string(rule.first_number) + " on)";
  }
  if (rule.end_number != proxy::Rule{}.end_number) {
    text += " (connections before number " + std::to_string(rule.end_number) + ")";
  }
  return text;
}

}  // namespace tinet::relays
