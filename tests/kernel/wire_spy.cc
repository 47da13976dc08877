#include "tests/kernel/wire_spy.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet::testing {

namespace {

/// No client gets that far.
constexpr std::uint32_t kSequence = 0xffff0000;

int option_of(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

std::set<int> wire_controls() {
  std::set<int> controls;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    if (option_of(fd, SO_DOMAIN) == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_SEQPACKET) {
      controls.insert(fd);
    }
  }
  return controls;
}

WireReply ask_wire(int control, const WireRequest& request) {
  const auto bytes = encode(Numbered<WireRequest>{kSequence, request});
  if (::send(control, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
    const int error = errno;
    throw_errno(error, "cannot ask a wire");
  }
  std::vector<std::byte> buffer(kWireMessageMax);
  pollfd waiting{control, POLLIN, 0};
  while (::poll(&waiting, 1, 5'000) == 1) {
    const ssize_t size = ::recv(control, buffer.data(), buffer.size(), MSG_DONTWAIT);
    const auto reply = size <= 0
                           ? std::nullopt
                           : parse_wire_reply({buffer.data(), static_cast<std::size_t>(size)});
    if (!reply) {
      break;
    }
    if (reply->sequence == kSequence) {
      return reply->body;
    }
  }
  throw_operation("cannot read a wire");
}

std::map<std::uint16_t, WireShape> read_wire(int control) {
  std::map<std::uint16_t, WireShape> classes;
  for (bool more = true; more;) {
    const std::uint16_t after = classes.empty() ? std::uint16_t{0} : classes.rbegin()->first;
    const auto list = std::get<WireClassList>(ask_wire(control, ReadWireClasses{after}));
    for (const SetWireClass& one : list.classes) {
      classes.emplace(one.number, one.shape);
    }
    more = list.more;
  }
  return classes;
}

}  // namespace tinet::testing
