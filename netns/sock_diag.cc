#include "netns/sock_diag.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

namespace tinet {
namespace {

using netlink::MessageView;
using netlink::Request;

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

inet_diag_req_v2 request_for(std::uint8_t family) noexcept {
  inet_diag_req_v2 header{};
  header.sdiag_family = family;
  header.sdiag_protocol = IPPROTO_TCP;
  return header;
}

// The 16 bytes of an address as the kernel has them, unwrapping ::ffff:a.b.c.d.
IpAddress read_address(const __be32 (&words)[4], std::uint8_t family) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), words, bytes.size());
  const auto v4 = [&](std::size_t offset) {
    return IpAddress::from_bytes(std::as_bytes(std::span(bytes).subspan(offset, 4)));
  };
  if (family == AF_INET) {
    return v4(0);
  }
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return v4(kMappedPrefix.size());
  }
  return IpAddress::v6(bytes);
}

void write_address(const IpAddress& address, __be32 (&words)[4]) noexcept {
  std::memcpy(words, address.bytes().data(), address.bytes().size());
}

void list_family(netlink::Socket& socket, std::uint8_t family, std::vector<TcpSocketInfo>& all) {
  inet_diag_req_v2 header = request_for(family);
  header.idiag_states = ~0U;
  header.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
  Request request;
  request.begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, "list TCP sockets").put_header(header);
  socket.dump(request).for_each([&](const MessageView& message) {
    if (auto info = read_tcp_socket(message)) {
      all.push_back(*info);
    }
  });
}

}  // namespace

std::optional<TcpSocketInfo> read_tcp_socket(const MessageView& message) {
  const auto header = netlink::read_value<inet_diag_msg>(message.payload);
  if (message.type != SOCK_DIAG_BY_FAMILY || !header) {
    return std::nullopt;
  }
  TcpSocketInfo info;
  info.local = {read_address(header->id.idiag_src, header->idiag_family),
                ntohs(header->id.idiag_sport)};
  info.remote = {read_address(header->id.idiag_dst, header->idiag_family),
                 ntohs(header->id.idiag_dport)};
  info.state = static_cast<TcpState>(header->idiag_state);
  info.timeout_ms = header->idiag_timer == 0 ? 0 : header->idiag_expires;
  info.receive_queue = header->idiag_rqueue;
  info.send_queue = header->idiag_wqueue;
  info.uid = header->idiag_uid;
  info.inode = header->idiag_inode;
  info.link = {header->id.idiag_if};
  info.cookie = {header->id.idiag_cookie[0], header->id.idiag_cookie[1]};
  const auto attributes = netlink::attributes_after(message.payload, sizeof(inet_diag_msg));
  const auto found = netlink::find_attribute(attributes, INET_DIAG_INFO);
  if (const auto tcp = found ? netlink::read_value<tcp_info>(*found) : std::nullopt) {
    info.retransmits = tcp->tcpi_retransmits;
    info.backoff = tcp->tcpi_backoff;
    info.total_retransmits = tcp->tcpi_total_retrans;
  }
  return info;
}

std::vector<TcpSocketInfo> list_tcp_sockets(netlink::Socket& socket) {
  std::vector<TcpSocketInfo> all;
  list_family(socket, AF_INET, all);
  list_family(socket, AF_INET6, all);
  return all;
}

void put_destroy(Request& request, const TcpSocketInfo& info) {
  inet_diag_req_v2 header = request_for(info.local.address.family());
  header.id.idiag_sport = htons(info.local.port);
  header.id.idiag_dport = htons(info.remote.port);
  write_address(info.local.address, header.id.idiag_src);
  write_address(info.remote.address, header.id.idiag_dst);
  header.id.idiag_if = info.link.value;
  header.id.idiag_cookie[0] = info.cookie[0];
  header.id.idiag_cookie[1] = info.cookie[1];
  request
      .begin(SOCK_DESTROY, 0,
             "end the TCP socket " + to_string(info.local) + " of " + to_string(info.remote))
      .put_header(header);
}

std::string_view to_string(TcpState state) noexcept {
  switch (state) {
    case TcpState::Established:
      return "established";
    case TcpState::SynSent:
      return "syn-sent";
    case TcpState::SynReceived:
      return "syn-recv";
    case TcpState::FinWait1:
      return "fin-wait-1";
    case TcpState::FinWait2:
      return "fin-wait-2";
    case TcpState::TimeWait:
      return "time-wait";
    case TcpState::Close:
      return "close";
    case TcpState::CloseWait:
      return "close-wait";
    case TcpState::LastAck:
      return "last-ack";
    case TcpState::Listen:
      return "listen";
    case TcpState::Closing:
      return "closing";
  }
  return "unknown";
}

std::string to_string(const TcpEnd& end) {
  const std::string address = to_string(end.address);
  return (end.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(end.port);
}

}  // namespace tinet
