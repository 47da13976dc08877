#pragma once
/// A rate, as a token bucket over bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "src/proxy/buffer_pool.h"
#include "src/proxy/clock.h"

namespace tinet::proxy {

/// Lets a 100th of a second's bytes through at once at most, so that a late timer costs no rate and
/// a pause earns no burst.
class TokenBucket {
 public:
  /// @param rate bytes per second, at least 1; std::nullopt: no limit
  void set_rate(std::optional<std::uint64_t> rate, TimePoint now) noexcept {
    if (rate == rate_) {
      return;
    }
    rate_ = rate;
    last_ = now;
    tokens_ = 0;
  }

  [[nodiscard]] bool limits() const noexcept { return rate_.has_value(); }

  /// How many of `wanted` bytes may pass now. They come in pieces of some milliseconds' worth, not
  /// byte by byte: 0 as long as the next piece is not complete.
  [[nodiscard]] std::size_t available(std::size_t wanted, TimePoint now) noexcept {
    const double per_second = static_cast<double>(*rate_);
    const double elapsed = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    tokens_ = std::min(tokens_ + elapsed * per_second, std::max(per_second / 100, piece(wanted)));
    return tokens_ >= piece(wanted) ? std::min(wanted, static_cast<std::size_t>(tokens_)) : 0;
  }

  /// When available(wanted) will no longer be 0.
  [[nodiscard]] TimePoint when(std::size_t wanted, TimePoint now) const noexcept {
    const double missing = std::max(piece(wanted) - tokens_, 0.0);
    const double seconds = missing / static_cast<double>(*rate_);
    return now + Nanoseconds(static_cast<std::int64_t>(seconds * 1e9) + 1);
  }

  void take(std::size_t bytes) noexcept { tokens_ -= static_cast<double>(bytes); }

 private:
  /// What is waited for: everything, at most 5 ms of the rate and one buffer.
  [[nodiscard]] double piece(std::size_t wanted) const noexcept {
    const double share = std::max(static_cast<double>(*rate_) / 200, 1.0);
    return std::min({static_cast<double>(wanted), share, static_cast<double>(kBufferBytes)});
  }

  std::optional<std::uint64_t> rate_;
  TimePoint last_{};
  double tokens_ = 0;
};

}  // namespace tinet::proxy
