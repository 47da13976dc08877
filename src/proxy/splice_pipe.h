#pragma once
/// Bytes that go from socket to socket inside the kernel.

#include <cstddef>
#include <memory>

#include "src/proxy/buffer_pool.h"

namespace tinet::proxy {

/// A pipe is held only while much data flows: reads tell when that is.
class SplicePipe {
 public:
  explicit SplicePipe(BufferPool& pool) noexcept : pool_(pool) {}
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;
  SplicePipe(SplicePipe&&) = delete;
  SplicePipe& operator=(SplicePipe&&) = delete;
  ~SplicePipe() { clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// After some full reads in a row, and if there is a pipe to be had.
  [[nodiscard]] bool wanted();
  /// How much an ordinary or a spliced read brought.
  void note_read(std::size_t bytes);

  /// There is nothing to read now: a pipe that is empty is for others.
  void rest();

  /// What came of a transfer: bytes, 0 at the end of the stream, or -errno.
  [[nodiscard]] std::ptrdiff_t fill(int from, std::size_t bytes) noexcept;
  [[nodiscard]] std::ptrdiff_t drain(int to, std::size_t bytes) noexcept;

  /// Throws away what is in it.
  void clear() noexcept;

 private:
  static constexpr int kFullReads = 4;
  /// Below it a copy is cheaper than what splice adds.
  static constexpr std::size_t kWorthwhile = 32U << 10U;

  BufferPool& pool_;
  std::unique_ptr<Pipe> pipe_;
  std::size_t size_ = 0;
  int large_reads_ = 0;
};

}  // namespace tinet::proxy
