#pragma once

namespace tinet::bench {

/// Moves this process into a network and a mount namespace of its own with an empty /run/netns, so
/// that `ip netns` and `nft` find a world that goes with it. Before any thread is started.
/// @throws Error Unavailable without root
void enter_namespaces();

}  // namespace tinet::bench
