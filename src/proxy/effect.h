#pragma once
/// What one direction of one connection suffers, worked out of the rules that concern it. Pure: the
/// time and the bytes so far are given.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "src/proxy/clock.h"
#include "src/proxy/random.h"
#include "src/proxy/rule_set.h"

namespace tinet::proxy {

/// The rules together, with all that counts from the start of something made absolute.
struct Effect {
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  bool hold = false;
  bool discard = false;
  bool refuse = false;
  bool delays = false;
  Nanoseconds longest_delay{};
  std::optional<std::uint64_t> bytes_per_second{};
  std::optional<Slicer> slicer{};
  Nanoseconds slow_close{};
  TimePoint close_time = kNever;
  TimePoint reset_time = kNever;
  std::uint64_t close_byte = kNoLimit;  ///< how many bytes may pass
  std::uint64_t reset_byte = kNoLimit;

  /// Nobody looks at single bytes: they may pass through the kernel alone.
  [[nodiscard]] bool plain() const noexcept {
    return !hold && !discard && !delays && !bytes_per_second && !slicer && close_byte == kNoLimit &&
           reset_byte == kNoLimit;
  }
};

/// The rules that concern one direction of one connection, and what each has drawn.
class ActiveRules {
 public:
  /// @param number of the connection among those of its listener
  explicit ActiveRules(std::uint64_t number) noexcept : number_(number) {}

  /// Takes over the present rules.
  /// @param sets always the same ones; their rules act in this order
  /// @param passed bytes of this direction so far
  void update_sets(std::span<const RuleSet::Entries* const> sets, TimePoint now,
                   std::uint64_t passed);
  /// The same for one set.
  void update(const RuleSet::Entries& entries, TimePoint now, std::uint64_t passed);

  [[nodiscard]] const Effect& effect() const noexcept { return effect_; }
  /// The delay of the next piece of data.
  [[nodiscard]] Nanoseconds draw_delay() noexcept;
  /// The delay of the connection itself.
  [[nodiscard]] Nanoseconds draw_accept_delay() noexcept;
  /// Size of the next piece; effect().slicer must be set. At least 1.
  [[nodiscard]] std::size_t draw_slice() noexcept;

 private:
  /// The set's position, and the key in it.
  using Name = std::pair<std::size_t, RuleSet::Key>;
  struct Active {
    Name name{};
    std::uint64_t version = 0;
    bool concerned = false;
    TimePoint since{};
    std::uint64_t first_byte = 0;
    Random random{0};
    Rule rule{};
  };

  [[nodiscard]] Active met(Name name, const RuleSet::Entry& entry, TimePoint now,
                           std::uint64_t passed) const;
  void combine() noexcept;
  void add(const Rule& rule) noexcept;
  void add_limits(const Active& active) noexcept;

  std::uint64_t number_;
  std::vector<Active> active_;
  Effect effect_;
  Random slices_{0};
};

/// True when a rule concerns connection `number`.
[[nodiscard]] bool is_concerned(const Rule& rule, std::uint64_t number) noexcept;

/// One value of a delay, at least 0.
[[nodiscard]] Nanoseconds draw(const Delay& delay, Random& random) noexcept;
/// The largest value that draw() can give.
[[nodiscard]] Nanoseconds longest(const Delay& delay) noexcept;

}  // namespace tinet::proxy
