#include "src/client/packet_text.h"

#include <array>
#include <cstdio>
#include <ctime>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>

namespace tinet {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kVlanTag = 4;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr const char* kTruncated = " truncated";

unsigned u8(Bytes bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}

unsigned u16(Bytes bytes, std::size_t at) {
  return u8(bytes, at) << 8U | u8(bytes, at + 1);
}

std::string address(int family, Bytes bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? "?" : text.data();
}

std::string time_of_day(std::int64_t time_ns) {
  const std::time_t seconds = time_ns / kNanosecondsPerSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%09lld", parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<long long>(time_ns % kNanosecondsPerSecond));
  return text.data();
}

std::string tcp_flags(unsigned bits) {
  std::string flags;
  for (const auto& [bit, letter] : {std::pair{0x02U, 'S'},
                                    {0x10U, 'A'},
                                    {0x08U, 'P'},
                                    {0x01U, 'F'},
                                    {0x04U, 'R'},
                                    {0x20U, 'U'}}) {
    if ((bits & bit) != 0) {
      flags += letter;
    }
  }
  return " [" + flags + "]";
}

/// `from` and `to` are addresses in text; IPv6 ones come in brackets when a port follows.
std::string transport(unsigned protocol, Bytes payload, bool is_first_fragment, std::string from,
                      std::string to, bool is_ipv6) {
  const bool has_ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
  std::string name = "proto-" + std::to_string(protocol);
  switch (protocol) {
    case IPPROTO_TCP:
      name = "tcp";
      break;
    case IPPROTO_UDP:
      name = "udp";
      break;
    case IPPROTO_ICMP:
      name = "icmp";
      break;
    case IPPROTO_ICMPV6:
      name = "icmp6";
      break;
    default:
      break;
  }
  std::string extra;
  if (has_ports && is_first_fragment && payload.size() >= 4) {
    if (is_ipv6) {
      from = "[" + from + "]";
      to = "[" + to + "]";
    }
    from += ":" + std::to_string(u16(payload, 0));
    to += ":" + std::to_string(u16(payload, 2));
    if (protocol == IPPROTO_TCP && payload.size() >= 14) {
      extra = tcp_flags(u8(payload, 13));
    }
  } else if (!is_first_fragment) {
    extra = " fragment";
  } else if (has_ports) {
    extra = kTruncated;
  }
  return name + " " + from + " > " + to + extra;
}

std::string ipv4(Bytes bytes) {
  const std::size_t header = bytes.empty() ? 0 : (u8(bytes, 0) & 0x0fU) * 4;
  if (bytes.size() < kIpv4Header || header < kIpv4Header || bytes.size() < header) {
    return std::string("ip") + kTruncated;
  }
  const bool is_first = (u16(bytes, 6) & 0x1fffU) == 0;
  return transport(u8(bytes, 9), bytes.subspan(header), is_first,
                   address(AF_INET, bytes.subspan(12, 4)), address(AF_INET, bytes.subspan(16, 4)),
                   false);
}

std::string ipv6(Bytes bytes) {
  if (bytes.size() < kIpv6Header) {
    return std::string("ip6") + kTruncated;
  }
  return transport(u8(bytes, 6), bytes.subspan(kIpv6Header), true,
                   address(AF_INET6, bytes.subspan(8, 16)),
                   address(AF_INET6, bytes.subspan(24, 16)), true);
}

std::string arp(Bytes bytes) {
  if (bytes.size() < 28) {
    return std::string("arp") + kTruncated;
  }
  const bool asks = u16(bytes, 6) == 1;
  return std::string("arp ") + address(AF_INET, bytes.subspan(14, 4)) + " > " +
         address(AF_INET, bytes.subspan(24, 4)) + (asks ? " request" : " reply");
}

std::string frame(Bytes bytes) {
  if (bytes.size() < kEthernetHeader) {
    return std::string("frame") + kTruncated;
  }
  unsigned type = u16(bytes, 12);
  Bytes payload = bytes.subspan(kEthernetHeader);
  if (type == ETHERTYPE_VLAN && payload.size() >= kVlanTag) {
    type = u16(payload, 2);
    payload = payload.subspan(kVlanTag);
  }
  switch (type) {
    case ETHERTYPE_IP:
      return ipv4(payload);
    case ETHERTYPE_IPV6:
      return ipv6(payload);
    case ETHERTYPE_ARP:
      return arp(payload);
    default: {
      std::array<char, 16> text{};
      std::snprintf(text.data(), text.size(), "type-%04x", type);
      return text.data();
    }
  }
}

}  // namespace

std::string packet_line(const Packet& packet) {
  const char* direction = packet.is_loopback ? "lo" : packet.is_outgoing ? "out" : "in";
  return time_of_day(packet.time_ns) + " " + direction + " " + std::to_string(packet.length) + " " +
         frame(packet.bytes);
}

}  // namespace tinet
