#include "src/proxy/effect.h"

#include <algorithm>

namespace tinet::proxy {

namespace {

/// A normal distribution has no longest delay of its own.
constexpr int kDeviationsMax = 4;
constexpr std::uint64_t kPpm = 1'000'000;

std::uint64_t limit_from(std::uint64_t first_byte, std::uint64_t bytes) noexcept {
  return bytes > Effect::kNoLimit - first_byte ? Effect::kNoLimit : first_byte + bytes;
}

}  // namespace

bool is_concerned(const Rule& rule, std::uint64_t number) noexcept {
  return number >= rule.first_number && number < rule.end_number &&
         mix(rule.seed, number) % kPpm < rule.share.value;
}

Nanoseconds draw(const Delay& delay, Random& random) noexcept {
  if (delay.jitter.count() <= 0) {
    return std::max(delay.base, Nanoseconds(0));
  }
  double deviation = 0;
  if (delay.distribution == Distribution::Normal) {
    deviation = std::clamp<double>(random.normal(), -kDeviationsMax, kDeviationsMax);
  } else {
    deviation = 2 * random.unit() - 1;
  }
  const double drawn = deviation * static_cast<double>(delay.jitter.count());
  return std::max(delay.base + Nanoseconds(static_cast<std::int64_t>(drawn)), Nanoseconds(0));
}

Nanoseconds longest(const Delay& delay) noexcept {
  const int deviations = delay.distribution == Distribution::Normal ? kDeviationsMax : 1;
  return delay.base + deviations * delay.jitter;
}

ActiveRules::Active ActiveRules::met(Name name, const RuleSet::Entry& entry, TimePoint now,
                                     std::uint64_t passed) const {
  const auto known = std::find_if(active_.begin(), active_.end(),
                                  [&](const Active& active) { return active.name == name; });
  Active active;
  if (known != active_.end()) {
    active = *known;
    if (known->version == entry.version) {
      return active;
    }
  }
  const bool was_concerned = active.concerned;
  const bool same_seed = known != active_.end() && known->rule.seed == entry.rule.seed;
  active.name = name;
  active.version = entry.version;
  active.rule = entry.rule;
  active.since = now;
  active.concerned = is_concerned(entry.rule, number_);
  if (!was_concerned) {
    active.first_byte = passed;
  }
  if (!same_seed) {
    // Not the number that decided whom the rule concerns: these all start low.
    active.random = Random(mix(mix(entry.rule.seed, number_), 1));
  }
  return active;
}

void ActiveRules::update_sets(std::span<const RuleSet::Entries* const> sets, TimePoint now,
                              std::uint64_t passed) {
  std::vector<Active> present;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    for (const auto& [key, entry] : *sets[i]) {
      present.push_back(met({i, key}, entry, now, passed));
    }
  }
  active_ = std::move(present);
  combine();
}

void ActiveRules::update(const RuleSet::Entries& entries, TimePoint now, std::uint64_t passed) {
  const RuleSet::Entries* const set = &entries;
  update_sets(std::span(&set, 1), now, passed);
}

void ActiveRules::combine() noexcept {
  const std::optional<Slicer> before = effect_.slicer;
  effect_ = {};
  std::uint64_t seed = 0;
  for (const Active& active : active_) {
    if (!active.concerned) {
      continue;
    }
    if (active.rule.slicer && !effect_.slicer) {
      seed = active.rule.seed;
    }
    add(active.rule);
    add_limits(active);
  }
  if (effect_.slicer != before) {
    slices_ = Random(mix(seed, number_));
  }
}

void ActiveRules::add(const Rule& rule) noexcept {
  effect_.hold = effect_.hold || rule.hold || rule.bytes_per_second == 0U;
  effect_.discard = effect_.discard || rule.discard;
  effect_.refuse = effect_.refuse || rule.refuse;
  effect_.delays = effect_.delays || rule.delay.any();
  effect_.longest_delay += longest(rule.delay);
  effect_.slow_close += rule.slow_close;
  if (rule.bytes_per_second.value_or(0) > 0) {
    effect_.bytes_per_second =
        std::min(effect_.bytes_per_second.value_or(Effect::kNoLimit), *rule.bytes_per_second);
  }
  if (rule.slicer) {
    const Nanoseconds pause = effect_.slicer ? effect_.slicer->pause : Nanoseconds(0);
    if (!effect_.slicer || rule.slicer->average < effect_.slicer->average) {
      effect_.slicer = rule.slicer;
    }
    effect_.slicer->pause = pause + rule.slicer->pause;
  }
}

void ActiveRules::add_limits(const Active& active) noexcept {
  const Rule& rule = active.rule;
  if (rule.close_after) {
    effect_.close_time = std::min(effect_.close_time, after(active.since, *rule.close_after));
  }
  if (rule.reset_after) {
    effect_.reset_time = std::min(effect_.reset_time, after(active.since, *rule.reset_after));
  }
  if (rule.close_after_bytes) {
    effect_.close_byte =
        std::min(effect_.close_byte, limit_from(active.first_byte, *rule.close_after_bytes));
  }
  if (rule.reset_after_bytes) {
    effect_.reset_byte =
        std::min(effect_.reset_byte, limit_from(active.first_byte, *rule.reset_after_bytes));
  }
}

Nanoseconds ActiveRules::draw_delay() noexcept {
  Nanoseconds sum{};
  for (Active& active : active_) {
    if (active.concerned && active.rule.delay.any()) {
      sum += draw(active.rule.delay, active.random);
    }
  }
  return sum;
}

Nanoseconds ActiveRules::draw_accept_delay() noexcept {
  Nanoseconds sum{};
  for (Active& active : active_) {
    if (active.concerned && active.rule.accept_delay.any()) {
      sum += draw(active.rule.accept_delay, active.random);
    }
  }
  return sum;
}

std::size_t ActiveRules::draw_slice() noexcept {
  const Slicer& slicer = *effect_.slicer;
  const std::size_t variation = std::min(slicer.variation, slicer.average);
  const std::size_t drawn = slicer.average - variation + slices_.below(2 * variation + 1);
  return std::max<std::size_t>(drawn, 1);
}

}  // namespace tinet::proxy
