#pragma once
/// Packets into a pcap file, for Wireshark and tcpdump. Written here and not through libpcap: the
/// format is a header of 24 bytes and one of 16 per packet, and libpcap would load a dozen shared
/// libraries (D-Bus, systemd, compression) each time any command starts.

#include <cstddef>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/client/packet_source.h"

namespace tinet {

/// Writes packets in pcap format, nanosecond timestamps, Ethernet.
/// @see pcap-savefile(5)
class PcapWriter {
 public:
  /// Makes or empties the file; its header is written with the first flush().
  /// @param path "-" is stdout
  /// @param file the same, already open and empty
  /// @throws Error Operation
  explicit PcapWriter(const std::string& path, UniqueFd file = {});

  /// Keeps the packet until the next flush().
  void write(const Packet& packet);
  /// Blocks until the file has everything.
  /// @return false when the reader at the other end of a pipe has gone
  /// @throws Error Operation when the file can't be written, e.g. no space
  bool flush();

 private:
  std::string path_;
  UniqueFd file_;
  std::vector<std::byte> pending_;
};

}  // namespace tinet
