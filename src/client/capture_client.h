#pragma once
/// `tinet capture`: packets of one instance into a pcap file or onto lines.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/api/cluster_handle.h"
#include "src/base/unique_fd.h"
#include "src/client/packet_source.h"
#include "src/client/signal_pipe.h"

namespace tinet {

struct CaptureOptions {
  std::string target;  ///< an instance or "client"
  std::string file;    ///< pcap file to write, "-" stdout; empty: lines
  /// Opens `file` for writing; empty: with the rights of this process.
  std::function<UniqueFd(const std::string&)> create;
  std::optional<std::uint64_t> packets_max;    ///< ends after so many
  std::function<void(std::string_view)> line;  ///< gets each line when `file` is empty
};

struct CaptureResult {
  std::uint64_t packets = 0;
  std::uint64_t missed = 0;  ///< seen by the kernel, but not read in time
};

/// Opens the packet source of a target. @throws Error of the supervisor
[[nodiscard]] PacketSource open_packet_source(const ClusterHandle& cluster,
                                              const std::string& target,
                                              const Interrupt* interrupt);

/// Captures until the user wants out (that is no error), `packets_max` is reached, or the reader of
/// stdout has gone. The file can be read while it grows.
/// @throws Error of the supervisor; Operation when the file can't be written
CaptureResult run_capture(const ClusterHandle& cluster, const CaptureOptions& options,
                          const Interrupt* interrupt);

}  // namespace tinet
