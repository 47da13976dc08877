#pragma once
/// Offloads of an interface: what the sender leaves to its device. With them a packet inside the
/// machine is up to 64 kB long and has no checksum, so a rule that loses or changes "a packet" hits
/// forty, and nobody notices a changed byte. Switch them off at the sender where packets have to be
/// what they are on a wire; that costs most of the throughput.
/// @see ethtool(8), Linux include/uapi/linux/ethtool.h

#include <string>

#include "netns/kernel_gate.h"

namespace tinet {

struct Offloads {
  bool tx_checksum = true;  ///< the device fills in checksums; without it there is no `tso` either
  bool tso = true;          ///< the device cuts TCP into packets
  bool gso = true;          ///< everything is cut into packets as late as possible
  friend bool operator==(const Offloads&, const Offloads&) = default;
};

/// What a device on a wire would see.
inline constexpr Offloads kNoOffloads{false, false, false};

/// @param socket any socket of family AF_INET that lives in the interface's namespace; stays the
///               caller's
/// @throws Error Operation (ENODEV: no such interface)
[[nodiscard]] Offloads read_offloads(int socket, const std::string& name);

/// Sets them and reads them back. Needs CAP_NET_ADMIN in the user namespace that owns the network
/// namespace. Packets on their way stay what they are. After a failure some may be set: put back
/// what read_offloads() said before.
/// @return what was there before, to put it back
/// @throws Error Unavailable (EPERM, or the interface keeps one of them as it was), Operation
Offloads set_offloads(int socket, const std::string& name, const Offloads& wanted,
                      KernelGate* gate = nullptr);

/// "tx-checksum off, tso off, gso on".
[[nodiscard]] std::string to_string(const Offloads& offloads);

}  // namespace tinet
