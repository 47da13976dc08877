#include "netns/netem.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <linux/pkt_sched.h>

namespace tinet {
namespace {

using std::chrono::nanoseconds;

constexpr auto kWhole = std::numeric_limits<std::uint32_t>::max();
// See netns/qdisc.cc.
constexpr std::int64_t kNanosecondsPerTick = 64;

std::uint32_t share(double probability) {
  return static_cast<std::uint32_t>(
      std::llround(std::clamp(probability, 0.0, 1.0) * double{kWhole}));
}

double probability(std::uint32_t share) {
  return share / double{kWhole};
}

std::uint32_t ticks(nanoseconds time) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time.count() / kNanosecondsPerTick, 0, kWhole));
}

// Linux loses in the bad state unless a random number is at most `h`.
tc_netem_gemodel encode(const NetemLoss& loss) {
  tc_netem_gemodel model{};
  model.p = share(loss.to_bad);
  model.r = share(loss.to_good);
  model.h = share(1 - loss.in_bad);
  model.k1 = share(loss.in_good);
  return model;
}

std::optional<NetemLoss> read_loss(netlink::ByteSpan attributes) {
  const auto found = netlink::find_attribute(attributes, NETEM_LOSS_GE);
  const auto model = found ? netlink::read_value<tc_netem_gemodel>(*found) : std::nullopt;
  if (!model) {
    return std::nullopt;
  }
  return NetemLoss{probability(model->p), probability(model->r), 1 - probability(model->h),
                   probability(model->k1)};
}

nanoseconds read_time(netlink::ByteSpan bytes) {
  return nanoseconds(netlink::read_value<std::int64_t>(bytes).value_or(0));
}

/// Between minus and plus one jitter. It is sent, too: without a table the kernel would go on with
/// the one that it was given before.
std::vector<std::int16_t> uniform_table() {
  constexpr int kUnit = 8192;
  constexpr int kStep = 4;
  std::vector<std::int16_t> table;
  for (int value = -kUnit; value < kUnit; value += kStep) {
    table.push_back(static_cast<std::int16_t>(value));
  }
  return table;
}

}  // namespace

void put_netem_options(netlink::Request& request, const NetemSpec& spec) {
  tc_netem_qopt settings{};
  settings.latency = ticks(spec.delay);
  settings.jitter = ticks(spec.jitter);
  settings.limit = spec.limit;
  settings.loss = spec.burst_loss ? 0 : share(spec.loss);
  // A gap of zero means that nothing is put in front.
  settings.gap = spec.reorder > 0 ? std::max(spec.reorder_gap, 1U) : 0;
  tc_netem_corr correlation{};
  correlation.delay_corr = share(spec.delay_correlation);
  tc_netem_reorder reorder{};
  reorder.probability = share(spec.reorder);
  reorder.correlation = share(spec.reorder_correlation);
  request.put_header(settings)
      .put_value(TCA_NETEM_CORR, correlation)
      .put_value(TCA_NETEM_REORDER, reorder)
      .put_value(TCA_NETEM_LATENCY64, std::int64_t{spec.delay.count()})
      .put_value(TCA_NETEM_JITTER64, std::int64_t{spec.jitter.count()});
  if (spec.jitter.count() > 0) {
    const std::vector<std::int16_t> table = spec.table.empty() ? uniform_table() : spec.table;
    request.put_bytes(TCA_NETEM_DELAY_DIST, std::as_bytes(std::span(table)));
  }
  if (spec.burst_loss) {
    request.nest(TCA_NETEM_LOSS,
                 [&] { request.put_value(NETEM_LOSS_GE, encode(*spec.burst_loss)); });
  }
}

NetemSpec as_told(NetemSpec spec) {
  const auto rounded = [](double value) { return probability(share(value)); };
  spec.table.clear();
  spec.delay_correlation = rounded(spec.delay_correlation);
  spec.loss = spec.burst_loss ? 0 : rounded(spec.loss);
  if (spec.burst_loss) {
    const NetemLoss& loss = *spec.burst_loss;
    spec.burst_loss = NetemLoss{rounded(loss.to_bad), rounded(loss.to_good),
                                1 - rounded(1 - loss.in_bad), rounded(loss.in_good)};
  }
  spec.reorder_gap = spec.reorder > 0 ? std::max(spec.reorder_gap, 1U) : 1;
  spec.reorder = rounded(spec.reorder);
  spec.reorder_correlation = rounded(spec.reorder_correlation);
  return spec;
}

std::optional<NetemSpec> read_netem(netlink::ByteSpan options) {
  const auto settings = netlink::read_value<tc_netem_qopt>(options);
  if (!settings) {
    return std::nullopt;
  }
  NetemSpec spec;
  spec.delay = nanoseconds(settings->latency * kNanosecondsPerTick);
  spec.jitter = nanoseconds(settings->jitter * kNanosecondsPerTick);
  spec.limit = settings->limit;
  spec.loss = probability(settings->loss);
  spec.reorder_gap = std::max(settings->gap, 1U);
  const auto attributes = netlink::attributes_after(options, sizeof(tc_netem_qopt));
  netlink::for_each_attribute(attributes, [&](const netlink::AttributeView& attribute) {
    switch (attribute.type) {
      case TCA_NETEM_LATENCY64:
        spec.delay = read_time(attribute.payload);
        break;
      case TCA_NETEM_JITTER64:
        spec.jitter = read_time(attribute.payload);
        break;
      case TCA_NETEM_CORR:
        spec.delay_correlation = probability(netlink::read_value<tc_netem_corr>(attribute.payload)
                                                 .value_or(tc_netem_corr{})
                                                 .delay_corr);
        break;
      case TCA_NETEM_REORDER: {
        const auto reorder =
            netlink::read_value<tc_netem_reorder>(attribute.payload).value_or(tc_netem_reorder{});
        spec.reorder = probability(reorder.probability);
        spec.reorder_correlation = probability(reorder.correlation);
        break;
      }
      case TCA_NETEM_LOSS:
        spec.burst_loss = read_loss(attribute.payload);
        break;
      default:
        break;
    }
  });
  return spec;
}

}  // namespace tinet
