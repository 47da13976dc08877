#include "src/wire/engine.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"

namespace tinet {

std::size_t WireEngine::LaneHash::operator()(const LaneKey& key) const noexcept {
  const std::uint64_t ports = (std::uint64_t{key.link.in.value} << 32U) | key.link.out.value;
  return static_cast<std::size_t>(WireRandom(ports, key.number).next());
}

void WireEngine::set_class(std::uint16_t number, const WireShape& shape, WireTime now) {
  TINET_ASSERT(number != 0);
  Class& of = classes_[number];
  const bool held = of.shape.hold;
  const bool reseed = of.shape.seed != shape.seed || of.shape.bursts.size() != shape.bursts.size();
  of.live = true;
  if (of.shape == shape) {
    return;
  }
  of.shape = shape;
  of.delay.reset();
  if (shape.delay) {
    of.delay.emplace(*shape.delay);
  }
  for (const std::uint32_t index : of.lanes) {
    if (reseed) {
      start_lane(lanes_[index]);
    }
  }
  if (held && !shape.hold) {
    release(std::span(&number, 1), HeldPackets::Deliver, now);
  }
  find_next_end();
}

void WireEngine::remove_class(std::uint16_t number) {
  if (const auto found = classes_.find(number); found != classes_.end()) {
    found->second.live = false;
    drop_class_when_done(number);
  }
}

void WireEngine::drop_class_when_done(std::uint16_t number) {
  if (!verdicts_.empty()) {
    // Packets of it may be among them, which still count as waiting there.
    finishing_.push_back(number);
    return;
  }
  const auto found = classes_.find(number);
  if (found == classes_.end() || found->second.live || found->second.waiting > 0) {
    return;
  }
  for (const std::uint32_t index : found->second.lanes) {
    lane_index_.erase(lanes_[index].key);
    board_.close(index);
    lanes_[index] = {};
    free_lanes_.push_back(index);
  }
  classes_.erase(found);
  find_next_end();
}

std::uint64_t WireEngine::release(std::span<const std::uint16_t> numbers, HeldPackets held,
                                  WireTime now) {
  std::uint64_t packets = 0;
  for (const std::uint16_t number : numbers) {
    const auto found = classes_.find(number);
    if (found == classes_.end()) {
      continue;
    }
    found->second.shape.hold = false;
    for (const std::uint32_t index : found->second.lanes) {
      packets += lanes_[index].held.size();
      release_lane(index, held, now);
    }
    drop_class_when_done(number);
  }
  find_next_end();
  // Only now, so that packets of several classes leave in the order in which they came.
  advance(now);
  return packets;
}

void WireEngine::release_lane(std::uint32_t index, HeldPackets held, WireTime now) {
  Lane& lane = lanes_[index];
  lane.last_due = std::max(lane.last_due, now);
  while (!lane.held.empty()) {
    const Held packet = lane.held.front();
    lane.held.pop_front();
    if (held == HeldPackets::Drop) {
      board_.add(index, &WireCounters::discarded);
      finish(packet.slot, PacketVerdict::Drop);
      continue;
    }
    board_.add(index, &WireCounters::released);
    WireTime& due = waiting_.at(packet.slot).due;
    due = std::max(due, now);
    due_.push({due, packet.order, packet.slot});
  }
}

std::vector<std::uint16_t> WireEngine::classes() const {
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, of] : classes_) {
    if (of.live) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void WireEngine::arrive(const WirePacket& packet, WireTime now) {
  // Whatever is due by now goes first.
  advance(now);
  const auto found = classes_.find(packet.number);
  if (found == classes_.end() || !found->second.live) {
    verdicts_.push_back({packet.id, PacketVerdict::Accept, waiting_.empty(), packet.other_marks});
    return;
  }
  Class& of = found->second;
  const auto lane_index = lane_of(packet, of);
  if (!lane_index) {
    verdicts_.push_back(
        {packet.id, PacketVerdict::Accept, waiting_.empty(), packet.other_marks | packet.number});
    return;
  }
  const std::uint32_t index = *lane_index;
  Lane& lane = lanes_[index];
  board_.add(index, &WireCounters::packets);
  const auto drop = [&](std::uint64_t WireCounters::*reason) {
    board_.add(index, reason);
    verdicts_.push_back({packet.id, PacketVerdict::Drop, waiting_.empty()});
  };
  if (lost_in_burst(lane)) {
    drop(&WireCounters::lost);
    return;
  }
  const WireTime due = due_of(lane, now);
  if (due <= now && !of.shape.hold) {
    board_.add(index, &WireCounters::at_once);
    board_.add(index, &WireCounters::waiting);
    pass(index, {packet.id, PacketVerdict::Accept, waiting_.empty(), packet.other_marks});
    return;
  }
  if (overflows(lane)) {
    drop(&WireCounters::overflowed);
    return;
  }
  board_.add(index, of.shape.hold ? &WireCounters::held : &WireCounters::delayed);
  keep(index, packet, due);
}

/// It counts as waiting until the kernel has the verdict: should this process die before, the
/// packet is lost.
void WireEngine::pass(std::uint32_t lane, const WireVerdict& verdict) {
  verdicts_.push_back(verdict);
  passing_.push_back(lane);
}

void WireEngine::clear_verdicts() {
  for (const std::uint32_t lane : passing_) {
    board_.subtract(lane, &WireCounters::waiting);
  }
  passing_.clear();
  verdicts_.clear();
  for (const std::uint16_t number : std::exchange(finishing_, {})) {
    drop_class_when_done(number);
  }
}

bool WireEngine::lost_in_burst(Lane& lane) {
  const std::vector<Burst>& bursts = lane.of->shape.bursts;
  // Each stage sees only what the one before it lets through.
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    const Ppm turn = lane.bad[i] ? bursts[i].end : bursts[i].begin;
    if (lane.random.chance(turn)) {
      lane.bad[i] = !lane.bad[i];
    }
    if (lane.bad[i]) {
      return true;
    }
  }
  return false;
}

WireTime WireEngine::due_of(Lane& lane, WireTime now) {
  const Class& of = *lane.of;
  if (of.shape.reorder.value > 0 && lane.random.chance(of.shape.reorder)) {
    return now;
  }
  WireTime due = now;
  bool ordered = of.shape.reorder.value == 0;
  if (of.delay) {
    due += of.delay->sample(lane.random, lane.last_draw);
    ordered = ordered && of.delay->constant();
  }
  if (ordered) {
    // Also when the delay was longer a moment ago.
    due = std::max(due, lane.last_due);
  }
  lane.last_due = std::max(lane.last_due, due);
  return due;
}

bool WireEngine::overflows(const Lane& lane) const {
  const std::uint32_t asked = lane.of->shape.queue_packets;
  return lane.waiting >= (asked == 0 ? kWireQueueDefault : asked) ||
         waiting_.size() >= packets_max_;
}

void WireEngine::keep(std::uint32_t index, const WirePacket& packet, WireTime due) {
  Lane& lane = lanes_[index];
  ++lane.waiting;
  ++lane.of->waiting;
  board_.add(index, &WireCounters::waiting);
  const WaitingPackets::Slot slot =
      waiting_.add({.id = packet.id, .lane = index, .mark = packet.other_marks, .due = due});
  const std::uint64_t order = arrivals_++;
  if (lane.of->shape.hold) {
    lane.held.push_back({order, slot});
  } else {
    due_.push({due, order, slot});
  }
}

WireEngine::Lane& WireEngine::finish(WaitingPackets::Slot slot, PacketVerdict verdict) {
  const WaitingPackets::Packet packet = waiting_.at(slot);
  const bool oldest = waiting_.is_oldest(slot);
  if (verdict == PacketVerdict::Accept) {
    pass(packet.lane, {packet.id, verdict, oldest, packet.mark});
  } else {
    verdicts_.push_back({packet.id, verdict, oldest});
    board_.subtract(packet.lane, &WireCounters::waiting);
  }
  waiting_.remove(slot);
  Lane& lane = lanes_[packet.lane];
  --lane.waiting;
  --lane.of->waiting;
  return lane;
}

void WireEngine::advance(WireTime now) {
  if (next_end_ && *next_end_ <= now) {
    end_holds(now);
  }
  while (!due_.empty() && due_.top().time <= now) {
    const WaitingPackets::Slot slot = due_.top().slot;
    due_.pop();
    const Lane& lane = finish(slot, PacketVerdict::Accept);
    if (!lane.of->live) {
      drop_class_when_done(lane.key.number);
    }
  }
}

void WireEngine::end_holds(WireTime now) {
  std::vector<std::uint16_t> ended;
  for (const auto& [number, of] : classes_) {
    if (of.shape.hold && of.shape.end && *of.shape.end <= now) {
      ended.push_back(number);
    }
  }
  // Before release() lets time advance again.
  next_end_.reset();
  release(ended, HeldPackets::Deliver, now);
}

void WireEngine::deliver_all() {
  std::vector<std::uint16_t> holding;
  for (const auto& [number, of] : classes_) {
    if (of.shape.hold) {
      holding.push_back(number);
    }
  }
  release(holding, HeldPackets::Deliver, {});
  advance(WireTime::max());
}

std::optional<WireTime> WireEngine::next_due() const {
  std::optional<WireTime> next = next_end_;
  if (!due_.empty() && (!next || due_.top().time < *next)) {
    next = due_.top().time;
  }
  return next;
}

void WireEngine::find_next_end() {
  next_end_.reset();
  for (const auto& [number, of] : classes_) {
    if (of.shape.hold && of.shape.end && (!next_end_ || *of.shape.end < *next_end_)) {
      next_end_ = of.shape.end;
    }
  }
}

std::optional<std::uint32_t> WireEngine::lane_of(const WirePacket& packet, Class& of) {
  const LaneKey key{packet.number, packet.link};
  const auto [found, added] = lane_index_.try_emplace(key, 0);
  if (!added) {
    return found->second;
  }
  std::uint32_t index = static_cast<std::uint32_t>(lanes_.size());
  if (!free_lanes_.empty()) {
    index = free_lanes_.back();
    free_lanes_.pop_back();
  } else if (index < board_.capacity()) {
    lanes_.emplace_back();
  } else {
    lane_index_.erase(found);
    return std::nullopt;
  }
  found->second = index;
  board_.open(index, key.number, key.link);
  lanes_[index].key = key;
  lanes_[index].of = &of;
  of.lanes.push_back(index);
  start_lane(lanes_[index]);
  return index;
}

void WireEngine::start_lane(Lane& lane) {
  const WireShape& shape = lane.of->shape;
  const WireLink& link = lane.key.link;
  lane.random = WireRandom(shape.seed, (std::uint64_t{link.in.value} << 32U) | link.out.value);
  lane.last_draw = lane.random.next32();
  lane.bad.assign(shape.bursts.size(), false);
}

}  // namespace tinet
