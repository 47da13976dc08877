#pragma once
/// Reads packets from a packet socket.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/client/packet_text.h"

namespace tinet {

/// @see packet(7)
class PacketSource {
 public:
  /// Asks the kernel for nanosecond timestamps. @throws Error
  explicit PacketSource(UniqueFd socket);

  /// Readable when next() has something.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  /// The next packet, without blocking; what it points at holds until the next call. Packets on
  /// loopback, which the kernel shows twice, come once.
  /// @throws Error when the interface or the namespace is gone
  [[nodiscard]] std::optional<Packet> next();
  /// Packets that the kernel dropped because they were not read fast enough, so far.
  [[nodiscard]] std::uint64_t missed();

 private:
  UniqueFd socket_;
  std::vector<std::byte> buffer_;
  std::uint64_t missed_ = 0;
};

}  // namespace tinet
