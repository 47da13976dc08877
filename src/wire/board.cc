#include "src/wire/board.h"

#include <algorithm>
#include <atomic>
#include <type_traits>

#include "src/base/error.h"

namespace tinet {
namespace {

struct Header {
  std::uint64_t missed;
  std::uint64_t used;  ///< entries that were ever opened are before this one
};

struct Entry {
  std::uint32_t opened;  ///< changes whenever the entry is opened or closed
  std::uint32_t number;  ///< 0: nobody's
  std::uint32_t in;
  std::uint32_t out;
  WireCounters counters;
};

static_assert(std::is_trivially_copyable_v<Entry> && std::is_standard_layout_v<Entry>);
static_assert(sizeof(Header) % alignof(Entry) == 0, "entries follow the header at once");
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

template <typename Value>
void store(Value& place, Value value) noexcept {
  std::atomic_ref(place).store(value, std::memory_order_relaxed);
}

/// std::atomic_ref takes no const object; nothing is written.
template <typename Value>
Value load(const Value& place) noexcept {
  return std::atomic_ref(const_cast<Value&>(place)).load(std::memory_order_relaxed);
}

Header& header_of(std::byte* memory) noexcept {
  return *reinterpret_cast<Header*>(memory);
}

Entry& entry_of(std::byte* memory, std::size_t index) noexcept {
  return reinterpret_cast<Entry*>(memory + sizeof(Header))[index];
}

std::size_t capacity_of(std::size_t bytes) noexcept {
  return (bytes - sizeof(Header)) / sizeof(Entry);
}

constexpr std::uint64_t WireCounters::*kCounters[] = {
    &WireCounters::packets,  &WireCounters::at_once,    &WireCounters::delayed,
    &WireCounters::lost,     &WireCounters::overflowed, &WireCounters::held,
    &WireCounters::released, &WireCounters::discarded,  &WireCounters::waiting};
static_assert(sizeof(WireCounters) ==
                  sizeof kCounters / sizeof kCounters[0] * sizeof(std::uint64_t),
              "every counter is read");

/// @return whether the entry was one lane's all the time
bool read_entry(const Entry& entry, WireLane& lane) noexcept {
  const std::uint32_t opened = load(entry.opened);
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::uint32_t number =
      std::atomic_ref(const_cast<Entry&>(entry).number).load(std::memory_order_acquire);
  lane.number = static_cast<std::uint16_t>(number);
  lane.link = {IfIndex{load(entry.in)}, IfIndex{load(entry.out)}};
  for (const auto counter : kCounters) {
    lane.counters.*counter = load(entry.counters.*counter);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  return number != 0 && number <= UINT16_MAX && load(entry.opened) == opened;
}

}  // namespace

std::size_t WireBoard::size_for(std::size_t lanes) noexcept {
  return sizeof(Header) + lanes * sizeof(Entry);
}

WireBoard::WireBoard(std::span<std::byte> memory) noexcept
    : memory_(memory.data()), capacity_(capacity_of(memory.size())) {
  TINET_ASSERT(memory.size() >= sizeof(Header));
}

void WireBoard::open(std::size_t index, std::uint16_t number, WireLink link) noexcept {
  TINET_ASSERT(index < capacity_);
  Entry& entry = entry_of(memory_, index);
  store(entry.opened, entry.opened + 1);
  std::atomic_thread_fence(std::memory_order_release);
  for (const auto counter : kCounters) {
    store(entry.counters.*counter, std::uint64_t{0});
  }
  store(entry.in, link.in.value);
  store(entry.out, link.out.value);
  // Whoever reads the number reads its link and counters, too.
  std::atomic_ref(entry.number).store(number, std::memory_order_release);
  Header& header = header_of(memory_);
  store(header.used, std::max<std::uint64_t>(header.used, index + 1));
}

void WireBoard::close(std::size_t index) noexcept {
  Entry& entry = entry_of(memory_, index);
  store(entry.opened, entry.opened + 1);
  std::atomic_thread_fence(std::memory_order_release);
  store(entry.number, std::uint32_t{0});
}

void WireBoard::add(std::size_t index, std::uint64_t WireCounters::*counter,
                    std::uint64_t more) noexcept {
  std::uint64_t& place = entry_of(memory_, index).counters.*counter;
  store(place, place + more);
}

void WireBoard::subtract(std::size_t index, std::uint64_t WireCounters::*counter) noexcept {
  std::uint64_t& place = entry_of(memory_, index).counters.*counter;
  store(place, place - 1);
}

void WireBoard::set_missed(std::uint64_t packets) noexcept {
  store(header_of(memory_).missed, packets);
}

WireReport read_board(std::span<const std::byte> memory) {
  WireReport report;
  if (memory.size() < sizeof(Header)) {
    return report;
  }
  const auto& header = *reinterpret_cast<const Header*>(memory.data());
  report.missed = load(header.missed);
  const auto used = std::min<std::uint64_t>(load(header.used), capacity_of(memory.size()));
  const auto* entries = reinterpret_cast<const Entry*>(memory.data() + sizeof(Header));
  for (std::size_t i = 0; i < used; ++i) {
    if (WireLane lane; read_entry(entries[i], lane)) {
      report.lanes.push_back(lane);
    }
  }
  return report;
}

}  // namespace tinet
