#include "src/client/capture_client.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/api/unix_socket.h"
#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/base/unique_fd.h"
#include "src/client/client.h"
#include "src/client/pcap_writer.h"

namespace tinet {

namespace {

constexpr int kBatch = 256;

}  // namespace

PacketSource open_packet_source(const ClusterHandle& cluster, const std::string& target,
                                const Interrupt* interrupt) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_errno(errno, "cannot make a socket pair");
  }
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  api::CaptureRequest words;
  words.target = target;
  const auto client = Client::connect(cluster, interrupt);
  static_cast<void>(client.post("/v1/capture", api::to_json(words), {theirs.get()}));
  theirs.reset();
  std::array<char, 16> buffer;
  auto received = receive_message(ours.get(), buffer, MSG_DONTWAIT);
  if (received.descriptors.size() != 1) {
    throw_operation("the supervisor sent no packet socket");
  }
  return PacketSource(std::move(received.descriptors.front()));
}

CaptureResult run_capture(const ClusterHandle& cluster, const CaptureOptions& options,
                          const Interrupt* interrupt) {
  // A reader of our output that goes away shows as EPIPE.
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  static_cast<void>(::sigaction(SIGPIPE, &ignore, &before));
  const ScopeExit restore([&] { static_cast<void>(::sigaction(SIGPIPE, &before, nullptr)); });

  PacketSource source = open_packet_source(cluster, options.target, interrupt);
  std::optional<PcapWriter> file;
  if (!options.file.empty()) {
    const bool is_created = options.create && options.file != "-";
    file.emplace(options.file, is_created ? options.create(options.file) : UniqueFd());
  }
  CaptureResult result;
  bool goes_on = !file || file->flush();
  const auto is_full = [&] {
    return options.packets_max && result.packets >= *options.packets_max;
  };
  while (goes_on && !is_full()) {
    try {
      wait_ready(source.fd(), POLLIN, interrupt);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::Interrupted) {
        throw;
      }
      break;
    }
    // What is there is written in one go and then flushed, so that a reader is never behind; not
    // more than a batch, so that nothing else waits for a pause in the traffic.
    for (int i = 0; i < kBatch && !is_full(); ++i) {
      const auto packet = source.next();
      if (!packet) {
        break;
      }
      ++result.packets;
      if (file) {
        file->write(*packet);
      } else {
        options.line(packet_line(*packet));
      }
    }
    goes_on = !file || file->flush();
  }
  result.missed = source.missed();
  return result;
}

}  // namespace tinet
