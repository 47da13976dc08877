#pragma once
/// What the wire's process does about itself before it touches packets.

namespace tinet {

/// The kernel kills this process when the thread that started it ends.
void die_with_parent() noexcept;

/// A packet must not wait for programs that compute: real-time scheduling, else more than a share
/// of a processor, as far as privilege allows. On a busy machine that is the difference between 0.3
/// ms and 5 ms in the 99th percentile of a delay.
void raise_priority() noexcept;

/// Gives up every capability but CAP_NET_ADMIN, which each verdict needs, and the way to get more.
void keep_network_capability_only() noexcept;

/// In a forked child that is not uid 0: lets CAP_NET_ADMIN survive execve(2), where the caller has
/// it. Async-signal-safe.
void pass_network_capability_on() noexcept;

}  // namespace tinet
