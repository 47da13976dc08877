#pragma once
/// What this kernel lets this user do, found out by doing it in scratch namespaces, never by
/// version. Nothing outlives a probe.

#include <string>
#include <string_view>
#include <vector>

namespace tinet {

struct Feature {
  std::string name{};       ///< stable, e.g. "bridge-table"
  std::string mechanism{};  ///< what it is in the kernel, e.g. "nf_tables family bridge"
  bool usable = false;
  std::string why{};   ///< the first step that failed with its reason; empty when usable
  std::string hint{};  ///< what would make it usable; may be empty
};

struct FeatureReport {
  std::vector<Feature> features{};

  [[nodiscard]] const Feature* find(std::string_view name) const noexcept;
  [[nodiscard]] bool usable(std::string_view name) const noexcept;
};

/// Tries everything. Forks children that make namespaces, works with and without privilege, takes
/// some 50 ms. Names: "netns" (the caller itself may make network namespaces), "userns" (an
/// unprivileged user namespace gets a working network: veth, bridge, nf_tables), and, in whichever
/// of the two works, "veth", "bridge", "bridge-table", "table-owner", "element-timeout",
/// "timeout-update", "counter-objects", "mac-rewrite", "numgen", "limit", "quota", "reject-inet",
/// "reject-netdev", "reject-bridge", "dup", "dynset-counter", "inner-header", "jhash",
/// "netdev-egress-dup", "source-mac-rewrite", "queue", "compat-queue", "bridge-netfilter-queue" (by
/// one of the two before it), "htb", "netem", "sock-destroy", "tcp-rto-max".
/// @throws Error Operation when no child can be forked
[[nodiscard]] FeatureReport probe_features();

/// Only the "netns" feature. @throws Error
[[nodiscard]] Feature probe_namespaces();
/// Only the "userns" feature. @throws Error
[[nodiscard]] Feature probe_user_namespaces();

}  // namespace tinet
