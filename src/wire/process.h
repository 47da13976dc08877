#pragma once
/// The process that is the wire: one packet queue, one control socket, one timer, no thread. It
/// works only when a packet, a deadline or a request is there.

namespace tinet {

/// Descriptors that WireClient leaves for the program it starts.
inline constexpr int kWireQueueFd = 3;
inline constexpr int kWireControlFd = 4;
inline constexpr int kWireBoardFd = 5;

inline constexpr int kWireReceiveBuffer = 64 << 20;

/// Runs the wire until its owner closes the other end of the control socket, or dies: then packets
/// that wait are delivered and it returns. Reports over the control socket whether it could start.
/// The process is killed with the thread that started it and keeps no capability but CAP_NET_ADMIN.
/// @param queue_fd NETLINK_NETFILTER socket of the switch's namespace; owned from now on
/// @param control_fd the SOCK_SEQPACKET socket of src/wire/protocol.h; owned from now on
/// @param board_fd shared memory of src/wire/shared_memory.h, where it counts; owned from now on
/// @param receive_buffer_bytes for packets that it has not read yet
/// @return exit status: 0, or 1 when it could not start or go on
int run_wire(int queue_fd, int control_fd, int board_fd,
             int receive_buffer_bytes = kWireReceiveBuffer);

}  // namespace tinet
