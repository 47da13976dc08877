#include "src/wire/shared_memory.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/error.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace tinet {
namespace {

constexpr const char* kWhat = "cannot make the counters of the userspace wire";

}  // namespace

UniqueFd make_shared_memory(std::size_t bytes) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create("tinet-wire", kFlags | MFD_NOEXEC_SEAL));
  if (!fd && errno == EINVAL) {
    // Before Linux 6.3 there is no such flag, and nothing asks for it.
    fd = UniqueFd(::memfd_create("tinet-wire", kFlags));
  }
  if (const int error = errno; !fd) {
    throw_errno(error, kWhat);
  }
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    const int error = errno;
    throw_errno(error, kWhat);
  }
  return fd;
}

SharedMapping::SharedMapping(int fd, Access access) {
  struct stat file {};
  if (::fstat(fd, &file) < 0) {
    const int error = errno;
    throw_errno(error, kWhat);
  }
  const auto size = static_cast<std::size_t>(file.st_size);
  const int protection = access == Access::Write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* start = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (const int error = errno; start == MAP_FAILED) {
    throw_errno(error, kWhat);
  }
  bytes_ = {static_cast<std::byte*>(start), size};
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (!bytes_.empty()) {
    static_cast<void>(::munmap(bytes_.data(), bytes_.size()));
  }
}

}  // namespace tinet
