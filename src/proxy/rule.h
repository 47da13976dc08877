#pragma once
/// What a relay does to the connections that cross it, as plain values. A default rule does
/// nothing.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "src/base/units.h"

namespace tinet::proxy {

enum class Distribution {
  Uniform,  ///< base - jitter to base + jitter
  Normal,   ///< mean base, standard deviation jitter, cut at four of them
};

/// A time that may vary; never less than 0.
struct Delay {
  Nanoseconds base{};
  Nanoseconds jitter{};
  Distribution distribution = Distribution::Uniform;

  [[nodiscard]] bool any() const noexcept { return base.count() > 0 || jitter.count() > 0; }
  friend bool operator==(const Delay&, const Delay&) = default;
};

/// Cuts the bytes into pieces that are sent one by one.
struct Slicer {
  std::size_t average = 0;    ///< bytes of a piece, at least 1
  std::size_t variation = 0;  ///< pieces have average - variation to average + variation bytes
  Nanoseconds pause{};        ///< between two pieces
  friend bool operator==(const Slicer&, const Slicer&) = default;
};

/// For one direction of connections. Several rules of a direction act together: delays and pauses
/// add, the lowest rate and the nearest limit win, a hold of any of them holds.
struct Rule {
  /// How many of the connections are concerned, drawn once per connection.
  Ppm share{1'000'000};
  /// Of all that this rule draws. The same seed and the same order of connections draw the same.
  std::uint64_t seed = 0;
  /// Of the connections of a listener only those with a number from `first_number` to before
  /// `end_number`; see RelayListener::next_number().
  std::uint64_t first_number = 0;
  std::uint64_t end_number = std::numeric_limits<std::uint64_t>::max();

  /// Nothing is read and nothing is passed on; what is under way stays and goes on when the rule
  /// ends. Ends and resets of the sender wait too. A new connection gets no further than the relay.
  bool hold = false;
  /// What arrives is thrown away. The stream then has a hole, so the connection is closed when the
  /// rule ends.
  bool discard = false;
  /// New connections are reset as soon as they are made; open ones go on.
  bool refuse = false;

  Delay delay{};  ///< of every byte and of the end; the order stays
  /// Of new connections, before the relay dials on.
  Delay accept_delay{};
  /// 0 is the same as hold.
  std::optional<std::uint64_t> bytes_per_second{};
  /// From when the end of the stream would be passed on until it is.
  Nanoseconds slow_close{};
  std::optional<Slicer> slicer{};

  /// Since the rule met the connection; 0 is at once. Both directions end.
  std::optional<Nanoseconds> close_after{};
  std::optional<Nanoseconds> reset_after{};
  /// After exactly so many bytes of this direction since the rule met the connection.
  std::optional<std::uint64_t> close_after_bytes{};
  std::optional<std::uint64_t> reset_after_bytes{};

  friend bool operator==(const Rule&, const Rule&) = default;
};

}  // namespace tinet::proxy
