#include "netns/offload.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "src/base/error.h"

namespace tinet {
namespace {

// One switch, in the order in which they depend on each other.
struct Switch {
  bool Offloads::*member;
  std::uint32_t get;
  std::uint32_t set;
  const char* name;
};

constexpr std::array kSwitches{
    Switch{&Offloads::tx_checksum, ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, "tx-checksum"},
    Switch{&Offloads::tso, ETHTOOL_GTSO, ETHTOOL_STSO, "tso"},
    Switch{&Offloads::gso, ETHTOOL_GGSO, ETHTOOL_SGSO, "gso"},
};

// Runs one ethtool command; errno, or 0 with the answer in `value`.
int command(int socket, const std::string& name, std::uint32_t code, std::uint32_t& value) {
  ethtool_value argument{};
  argument.cmd = code;
  argument.data = value;
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    return ENODEV;
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_data = reinterpret_cast<char*>(&argument);
  if (::ioctl(socket, SIOCETHTOOL, &request) < 0) {
    return errno;
  }
  value = argument.data;
  return 0;
}

}  // namespace

Offloads read_offloads(int socket, const std::string& name) {
  Offloads found;
  for (const Switch& each : kSwitches) {
    std::uint32_t value = 0;
    if (const int error = command(socket, name, each.get, value); error != 0) {
      throw_errno(error, "cannot read " + std::string(each.name) + " of interface '" + name + "'");
    }
    found.*each.member = value != 0;
  }
  return found;
}

Offloads set_offloads(int socket, const std::string& name, const Offloads& wanted,
                      KernelGate* gate) {
  const Offloads before = read_offloads(socket, name);
  for (const Switch& each : kSwitches) {
    std::uint32_t value = wanted.*each.member ? 1 : 0;
    int error = admit(gate, KernelCall::SetOffload);
    if (error == 0) {
      error = command(socket, name, each.set, value);
    }
    if (error != 0) {
      throw_errno(error, "cannot set " + std::string(each.name) + " of interface '" + name + "'");
    }
  }
  if (const Offloads now = read_offloads(socket, name); now != wanted) {
    throw_unavailable("cannot set the offloads of interface '" + name + "' to " +
                      to_string(wanted) + ": it keeps " + to_string(now));
  }
  return before;
}

std::string to_string(const Offloads& offloads) {
  std::string text;
  for (const Switch& each : kSwitches) {
    text += std::string(text.empty() ? "" : ", ") + each.name +
            (offloads.*each.member ? " on" : " off");
  }
  return text;
}

}  // namespace tinet
