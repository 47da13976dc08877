#pragma once
/// The only netlink I/O. A socket belongs to the namespace it was opened in, wherever its user is;
/// one thread at a time may use it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <linux/netlink.h>

#include "netns/kernel_gate.h"
#include "netns/netlink/ack.h"
#include "netns/netlink/message.h"
#include "src/base/unique_fd.h"

struct mnl_socket;

namespace tinet::netlink {

struct SocketOptions {
  /// How long one request may wait for its answer. The kernel answers inside sendmsg(2); only a
  /// lost answer gets here.
  std::chrono::milliseconds deadline{10'000};
  KernelGate* gate = nullptr;  ///< must outlive the socket
};

/// A message that the kernel refused.
struct Refusal {
  std::size_t index = 0;  ///< which message of the request
  std::string what{};     ///< its description
  int error = 0;          ///< errno
  std::string text{};     ///< extended ACK, may be empty
};

/// "cannot create veth 's1' (Attribute failed policy validation): Numerical result out of range".
[[nodiscard]] std::string describe(const Refusal& refusal);

/// The way out when an errno means that privilege is missing; else empty.
[[nodiscard]] const char* hint_for(int error) noexcept;

/// Received messages, kept in one buffer.
class Dump {
 public:
  /// Calls `visit(MessageView)` for each message; the views live as long as the Dump.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (ByteSpan rest = bytes_; const auto message = next_message(rest);) {
      visit(*message);
    }
  }

 private:
  friend class Socket;
  void append(ByteSpan message);
  std::vector<std::byte> bytes_;
};

/// What came of requests for one object each.
struct Answers {
  Dump objects;                     ///< in order of the requests that were not refused
  std::vector<Refusal> refusals{};  ///< in order of the requests
};

class Socket {
 public:
  /// Opens a socket in the calling thread's network namespace.
  /// @param protocol NETLINK_ROUTE or NETLINK_NETFILTER
  /// @throws Error Unavailable or Operation
  [[nodiscard]] static Socket open(int protocol, const SocketOptions& options = {});

  /// Takes over an unbound netlink socket, e.g. one opened in another namespace, and binds it.
  /// @throws Error
  explicit Socket(UniqueFd fd, const SocketOptions& options = {});

  /// Sends every message and waits for the kernel's answers. A refused message does not keep
  /// rtnetlink from doing the following ones. Large requests take several sendmsg(2) calls.
  /// @return what the kernel refused, in order of the messages; empty when it did everything
  /// @throws Error Operation when sending fails or no answer comes before the deadline
  [[nodiscard]] std::vector<Refusal> try_execute(Request& request);

  /// As try_execute(), but a refusal is thrown: the first one, and how many more there are.
  /// @throws Error Unavailable (EPERM and alike), Conflict (EEXIST, EBUSY), Operation
  void execute(Request& request);

  /// One datagram of messages that the kernel takes as a unit (an nfnetlink batch). Sequence
  /// numbers are assigned from first_sequence on; answers are read until the one for the message
  /// `last` (or an error for the first message) is there, and then whatever is left.
  /// @param bytes messages; their sequence numbers are overwritten
  /// @return all answers, with `sequence` turned into the index of the message
  /// @throws Error Operation; EMSGSIZE is reported as such in its text
  [[nodiscard]] std::vector<Ack> transact(std::span<std::byte> bytes, std::size_t last);

  /// Sends one NLM_F_DUMP request and collects the whole answer. Starts over when the kernel says
  /// that objects changed meanwhile, at most 16 times.
  /// @throws Error
  [[nodiscard]] Dump dump(Request& request);

  /// Sends one request whose answer is one object (NLM_F_REQUEST without DUMP).
  /// @throws Error; Operation with ENOENT's text when there is none
  [[nodiscard]] Dump query(Request& request);

  /// Sends any number of requests whose answer is one object each, some hundred with one
  /// sendmsg(2).
  /// @throws Error when they cannot be sent, or answers get lost; a refusal is returned
  [[nodiscard]] Answers query_each(Request& request);

  /// Subscribes to a multicast group, e.g. RTNLGRP_LINK. Use a socket of its own for events.
  void join(std::uint32_t group);

  /// Waits until an event arrived, then discards all that arrived. Lost events (ENOBUFS) count as
  /// an event: the caller looks at the state anyway.
  /// @return false when `timeout` passed first
  [[nodiscard]] bool wait_event(std::chrono::milliseconds timeout);

  /// Raises the send buffer so that one datagram of `bytes` fits, as far as privilege allows.
  /// @return whether it fits now
  [[nodiscard]] bool reserve_send(std::size_t bytes);
  /// Largest datagram that sendmsg(2) takes now.
  [[nodiscard]] std::size_t send_limit() const;

  [[nodiscard]] int fd() const noexcept;
  /// The kernel's name for this socket in its namespace (owner of an nftables table).
  [[nodiscard]] std::uint32_t port() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  struct Close {
    void operator()(mnl_socket* socket) const noexcept;
  };

  Socket(mnl_socket* socket, const SocketOptions& options);
  /// Gives messages their sequence numbers, and asks for success of the one with index `last` only.
  /// @return the first number
  std::uint32_t number(std::span<std::byte> messages, std::size_t last);
  void send(std::span<const std::byte> bytes, const std::string& what);
  /// Receives one datagram into buffer_; false when `until` passed.
  [[nodiscard]] bool receive(Clock::time_point until, bool& overflow, const std::string& what);
  [[nodiscard]] bool receive_now(bool& overflow);
  void discard_answers();
  [[nodiscard]] std::size_t chunk_end(const Request& request, std::size_t begin) const;
  [[nodiscard]] static std::span<std::byte> bytes_of(Request& request, std::size_t begin,
                                                     std::size_t end);
  void execute_chunk(Request& request, std::size_t begin, std::size_t end,
                     std::vector<Refusal>& refusals);
  void query_chunk(Request& request, std::size_t begin, std::size_t end, Answers& answers);
  /// Receives what is there, up to some dozen datagrams, with one recvmmsg(2); waits for the first.
  /// They stand in buffer_ one after the other, as if they were one.
  /// @return false when `until` passed
  [[nodiscard]] bool receive_many(Clock::time_point until, bool& overflow, const std::string& what);
  /// @return false when `until` has passed already
  [[nodiscard]] bool wait_readable(Clock::time_point until, const std::string& what) const;
  [[nodiscard]] bool try_dump(Request& request, Dump& dump);

  std::unique_ptr<mnl_socket, Close> socket_;
  SocketOptions options_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
  std::size_t received_ = 0;
};

}  // namespace tinet::netlink
