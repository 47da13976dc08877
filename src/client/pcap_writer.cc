#include "src/client/pcap_writer.h"

#include <cerrno>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fcntl.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet {

namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

/// Numbers are in the writer's byte order: the magic number tells the reader which that is.
struct FileHeader {
  std::uint32_t magic = 0xa1b23c4d;  // timestamps in nanoseconds
  std::uint16_t version_major = 2;
  std::uint16_t version_minor = 4;
  std::uint32_t reserved[2] = {0, 0};
  std::uint32_t snapshot_bytes = 256U << 10U;
  std::uint32_t link_type = 1;  // LINKTYPE_ETHERNET
};

struct PacketHeader {
  std::uint32_t seconds;
  std::uint32_t nanoseconds;
  std::uint32_t bytes_kept;
  std::uint32_t bytes_on_wire;
};

template <typename Header>
void append(std::vector<std::byte>& bytes, const Header& header) {
  static_assert(std::has_unique_object_representations_v<Header>);
  const auto view = std::as_bytes(std::span(&header, 1));
  bytes.insert(bytes.end(), view.begin(), view.end());
}

}  // namespace

PcapWriter::PcapWriter(const std::string& path, UniqueFd file)
    : path_(path), file_(std::move(file)) {
  if (!file_) {
    // A copy of stdout, so that closing ours leaves the process its own.
    file_.reset(path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  }
  if (const int error = errno; !file_) {
    throw_errno(error, "cannot write '" + path_ + "'");
  }
  append(pending_, FileHeader{});
}

void PcapWriter::write(const Packet& packet) {
  append(pending_,
         PacketHeader{
             .seconds = static_cast<std::uint32_t>(packet.time_ns / kNanosecondsPerSecond),
             .nanoseconds = static_cast<std::uint32_t>(packet.time_ns % kNanosecondsPerSecond),
             .bytes_kept = static_cast<std::uint32_t>(packet.bytes.size()),
             .bytes_on_wire = static_cast<std::uint32_t>(packet.length),
         });
  const auto content = std::as_bytes(std::span(packet.bytes));
  pending_.insert(pending_.end(), content.begin(), content.end());
}

bool PcapWriter::flush() {
  for (std::span<const std::byte> rest(pending_); !rest.empty();) {
    const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
    if (const int error = errno; written < 0) {
      if (error == EINTR) {
        continue;
      }
      if (error == EPIPE) {
        return false;
      }
      throw_errno(error, "cannot write '" + path_ + "'");
    }
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  pending_.clear();
  return true;
}

}  // namespace tinet
