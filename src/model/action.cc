#include "src/model/action.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

namespace {

/// The chance that at least one of two independent things happens.
Ppm either(Ppm a, Ppm b) {
  const double passes = (1 - fraction(a)) * (1 - fraction(b));
  return Ppm{static_cast<std::uint32_t>(std::lround((1 - passes) * kAlways.value))};
}

void add(std::optional<Delay>& sum, const Delay& delay) {
  if (!sum) {
    sum = delay;
    return;
  }
  const Delay before = *sum;
  sum = delay;
  sum->delay += before.delay;
  sum->jitter += before.jitter;
  if (delay.jitter.count() == 0) {
    sum->distribution = before.distribution;
    sum->table = before.table;
    sum->correlation = before.correlation;
  }
}

template <typename Enum>
Enum parse(std::string_view text, std::string_view what, std::initializer_list<Enum> known) {
  std::vector<std::string> names;
  for (const Enum value : known) {
    names.emplace_back(to_string(value));
    if (text == names.back()) {
      return value;
    }
  }
  const std::string meant = nearest(text, names);
  throw_usage(std::string(what) + ": unknown word '" + std::string(text) +
                  "' (has: " + join(names, ", ") + ")",
              meant.empty() ? "" : "did you mean '" + meant + "'?");
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::Any:
      return "any";
    case Protocol::Tcp:
      return "tcp";
    case Protocol::Udp:
      return "udp";
    case Protocol::Icmp:
      return "icmp";
  }
  return "unknown";
}

std::string_view to_string(Connections connections) {
  switch (connections) {
    case Connections::All:
      return "all";
    case Connections::New:
      return "new";
    case Connections::Established:
      return "established";
  }
  return "unknown";
}

std::string_view to_string(CutMode mode) {
  switch (mode) {
    case CutMode::Reject:
      return "reject";
    case CutMode::Reset:
      return "reset";
    case CutMode::Drop:
      return "drop";
  }
  return "unknown";
}

std::string_view to_string(Distribution distribution) {
  switch (distribution) {
    case Distribution::Uniform:
      return "uniform";
    case Distribution::Normal:
      return "normal";
    case Distribution::Pareto:
      return "pareto";
    case Distribution::Table:
      return "table";
  }
  return "unknown";
}

Protocol parse_protocol(std::string_view text) {
  return parse(text, "--proto", {Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Icmp});
}

Connections parse_connections(std::string_view text) {
  return parse(text, "connections", {Connections::All, Connections::New, Connections::Established});
}

CutMode parse_cut_mode(std::string_view text) {
  return parse(text, "--mode", {CutMode::Drop, CutMode::Reject, CutMode::Reset});
}

Distribution parse_distribution(std::string_view text) {
  return parse(
      text, "--distribution",
      {Distribution::Uniform, Distribution::Normal, Distribution::Pareto, Distribution::Table});
}

void combine(LinkAction& sum, const LinkAction& action) {
  if (action.cut) {
    sum.cut = std::max(sum.cut.value_or(CutMode::Reject), *action.cut);
  }
  sum.loss = either(sum.loss, action.loss);
  sum.lost_replies = either(sum.lost_replies, action.lost_replies);
  sum.bursts.insert(sum.bursts.end(), action.bursts.begin(), action.bursts.end());
  if (action.delay) {
    add(sum.delay, *action.delay);
  }
  sum.duplicate = either(sum.duplicate, action.duplicate);
  sum.corrupt = either(sum.corrupt, action.corrupt);
  sum.silent_corruption = sum.silent_corruption || action.silent_corruption;
  sum.reorder = either(sum.reorder, action.reorder);
  if (action.rate && (!sum.rate || action.rate->bits_per_second < sum.rate->bits_per_second)) {
    sum.rate = action.rate;
  }
  if (action.hold) {
    sum.hold = true;
    sum.hold_until = action.hold_until;
    sum.holder = action.holder;
  }
  sum.seed = action.seed != 0 ? action.seed : sum.seed;
}

}  // namespace tinet
