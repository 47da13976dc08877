#pragma once
/// Which backend a new cluster gets. Pure but for choose_backend(), which probes.

#include <string>

#include "netns/probe.h"

namespace tinet::cli {

struct BackendChoice {
  std::string backend;  ///< "netns", "rootless" or "proxy"
  std::string why;      ///< for people, e.g. "running as root"
};

/// What an explicit or automatic wish comes to, given what the probes found. The proxy backend
/// needs nothing, so "auto" always finds one.
/// @param wish "auto", "netns", "rootless" or "proxy"
/// @throws Error Unavailable naming what blocks
[[nodiscard]] BackendChoice decide_backend(const std::string& wish, const Feature& netns,
                                           const Feature& userns);

/// Probes what the wish needs and decides.
/// @throws Error as decide_backend()
[[nodiscard]] BackendChoice choose_backend(const std::string& wish);

}  // namespace tinet::cli
