#include "src/proxy/splice_pipe.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

namespace tinet::proxy {

namespace {

std::ptrdiff_t move(int from, int to, std::size_t bytes) noexcept {
  const ssize_t moved =
      ::splice(from, nullptr, to, nullptr, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return moved >= 0 ? moved : -errno;
}

}  // namespace

bool SplicePipe::wanted() {
  if (large_reads_ < kFullReads) {
    return false;
  }
  if (!pipe_) {
    pipe_ = pool_.take_pipe();
  }
  if (!pipe_) {
    // Asked for again after as many large reads.
    large_reads_ = 0;
  }
  return pipe_ != nullptr;
}

void SplicePipe::note_read(std::size_t bytes) {
  if (bytes >= kWorthwhile) {
    large_reads_ = std::min(large_reads_ + 1, 2 * kFullReads);
  } else {
    large_reads_ = std::max(large_reads_ - 1, 0);
  }
  if (large_reads_ < kFullReads) {
    rest();
  }
}

void SplicePipe::rest() {
  if (pipe_ && size_ == 0) {
    pool_.give_back(std::move(pipe_));
  }
}

std::ptrdiff_t SplicePipe::fill(int from, std::size_t bytes) noexcept {
  const std::ptrdiff_t moved = move(from, pipe_->in.get(), bytes);
  if (moved > 0) {
    size_ += static_cast<std::size_t>(moved);
  }
  return moved;
}

std::ptrdiff_t SplicePipe::drain(int to, std::size_t bytes) noexcept {
  const std::ptrdiff_t moved = move(pipe_->out.get(), to, bytes);
  if (moved > 0) {
    size_ -= static_cast<std::size_t>(moved);
  }
  return moved;
}

void SplicePipe::clear() noexcept {
  if (pipe_ && size_ == 0) {
    pool_.give_back(std::move(pipe_));
  } else if (pipe_) {
    pipe_.reset();
    pool_.lose_pipe();
  }
  size_ = 0;
  large_reads_ = 0;
}

}  // namespace tinet::proxy
