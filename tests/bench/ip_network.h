#pragma once
/// The network of the netns fabric, as far as `ip` commands build it: a bridge in a namespace of
/// its own and, per endpoint, a namespace with an address on a veth. It is less than what the
/// fabric makes: no static neighbours and forwarding entries, no nftables table, no wait for the
/// ports.

#include <filesystem>
#include <string>
#include <vector>

#include "src/fabric/fabric.h"

namespace tinet::bench {

enum class IpStyle {
  Commands,  ///< one `ip` per step
  Batches,   ///< `ip -batch`: one for the namespaces, one for the switch, one per endpoint
};

/// Needs a mount namespace in which /run/netns may be written.
class IpNetwork {
 public:
  /// Writes the batch files. @param scratch an existing directory
  IpNetwork(const FabricPlan& plan, IpStyle style, const std::filesystem::path& scratch);

  /// @throws Error Operation when a command fails
  void create() const;
  void destroy() const;

 private:
  std::vector<std::string> create_;
  std::vector<std::string> destroy_;
};

}  // namespace tinet::bench
