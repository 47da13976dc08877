#include "src/client/capture_client.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <pcap.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/api/unix_socket.h"
#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/client/client.h"

namespace tinet {

namespace {

constexpr int kBatch = 256;
constexpr int kSnapshotBytes = 256 << 10;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

struct CloseHandle {
  void operator()(pcap_t* handle) const noexcept { ::pcap_close(handle); }
};
struct CloseDump {
  void operator()(pcap_dumper_t* dump) const noexcept { ::pcap_dump_close(dump); }
};

}  // namespace

struct PcapWriter::Files {
  std::string path;
  std::unique_ptr<pcap_t, CloseHandle> handle;
  std::unique_ptr<pcap_dumper_t, CloseDump> dump;
};

PcapWriter::PcapWriter(const std::string& path) : files_(std::make_unique<Files>()) {
  files_->path = path;
  const std::string what = "cannot write '" + path + "'";
  // A copy of stdout, because closing the dump closes its file.
  UniqueFd file(path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (const int error = errno; !file) {
    throw_errno(error, what);
  }
  files_->handle.reset(::pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kSnapshotBytes,
                                                              PCAP_TSTAMP_PRECISION_NANO));
  std::FILE* stream = ::fdopen(file.get(), "wb");
  if (!files_->handle || stream == nullptr) {
    throw_operation(what);
  }
  static_cast<void>(file.release());
  files_->dump.reset(::pcap_dump_fopen(files_->handle.get(), stream));
  if (!files_->dump) {
    static_cast<void>(std::fclose(stream));
    throw_operation(what + ": " + ::pcap_geterr(files_->handle.get()));
  }
}

PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;
PcapWriter& PcapWriter::operator=(PcapWriter&&) noexcept = default;
PcapWriter::~PcapWriter() = default;

void PcapWriter::write(const Packet& packet) {
  pcap_pkthdr header{};
  header.ts.tv_sec = packet.time_ns / kNanosecondsPerSecond;
  header.ts.tv_usec = packet.time_ns % kNanosecondsPerSecond;  // nanoseconds, as asked for
  header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
  header.len = static_cast<bpf_u_int32>(packet.length);
  ::pcap_dump(reinterpret_cast<u_char*>(files_->dump.get()), &header,
              reinterpret_cast<const u_char*>(packet.bytes.data()));
}

bool PcapWriter::flush() {
  const bool is_written = ::pcap_dump_flush(files_->dump.get()) == 0;
  const int error = errno;
  if (is_written && std::ferror(::pcap_dump_file(files_->dump.get())) == 0) {
    return true;
  }
  if (error == EPIPE) {
    return false;
  }
  throw_errno(error, "cannot write '" + files_->path + "'");
}

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
  client.post("/v1/capture", api::to_json(words), {theirs.get()});
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
    file.emplace(options.file);
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
