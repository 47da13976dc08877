#pragma once
/// The fabric made of network namespaces: one per endpoint and one for the switch, whose bridge
/// carries all packets and whose nftables table decides about each of them.

#include <memory>
#include <string>
#include <vector>

#include "netns/kernel_gate.h"
#include "src/fabric/fabric.h"

namespace tinet {

enum class NetnsPrivilege {
  Root,           ///< backend "netns": CAP_SYS_ADMIN and CAP_NET_ADMIN where the process started
  UserNamespace,  ///< backend "rootless": the process has entered a user namespace of its own
};

struct NetnsOptions {
  NetnsPrivilege privilege = NetnsPrivilege::Root;
  /// False: shapes as on a kernel without netem, also where there is one; for tests and benches.
  bool use_netem = true;
  KernelGate* gate = nullptr;  ///< for tests: refuses calls to the kernel; must outlive the fabric
  /// Program and words that become the wire's process when one is needed: a program that calls
  /// run_wire() of src/wire. Words start with the program's name.
  std::string wire_program = "/proc/self/exe";
  std::vector<std::string> wire_words = {"tinet", "__wire"};
};

/// Builds the network and waits until all of it forwards: about 1 ms per endpoint. The namespaces
/// are held by descriptors of this process only, the table is owned by its socket: whatever ends
/// the process removes everything. Starts one thread of its own, which never runs between calls.
///
/// In a change, everything of a link hangs on its element in one map, and all elements of that map
/// change in one transaction: ApplyReport::atomic is always true. What the new rules refer to
/// (classes of ports, the wire, tables that refuse or copy) is there before, and does nothing until
/// then. A process in a user namespace
/// can send at most twice net.core.wmem_max in one transaction (several thousand links); more is
/// refused with Unavailable.
/// @throws Error Unavailable (privilege, kernel feature, more than 1022 endpoints), Operation
[[nodiscard]] std::unique_ptr<Fabric> make_netns_fabric(const FabricPlan& plan,
                                                        const NetnsOptions& options = {});

/// The IPv4 networks that the calling thread's namespace has an address in or a route to: what a
/// cluster's subnet must not overlap. Needs no privilege and changes nothing. @throws Error
[[nodiscard]] std::vector<Subnet> subnets_in_use();

}  // namespace tinet
