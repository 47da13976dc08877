#pragma once
/// The bytes of one direction that are under way, in order, and when each may go on.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "src/proxy/buffer_pool.h"
#include "src/proxy/clock.h"

namespace tinet::proxy {

/// Bytes without a time of their own may go as soon as those before them may.
class ByteQueue {
 public:
  /// More pieces with times than this are not taken (full() is true).
  static constexpr std::size_t kMarksMax = 16'384;

  explicit ByteQueue(BufferPool& pool) noexcept : pool_(pool) {}
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ByteQueue(ByteQueue&&) = delete;
  ByteQueue& operator=(ByteQueue&&) = delete;
  ~ByteQueue() { clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return marks_.size() >= kMarksMax; }

  /// Room behind the last byte; never empty. Then commit() what was put there.
  [[nodiscard]] std::span<char> room();
  /// @param due earliest time, moved up to that of the bytes before; nullptr: no time of its own
  void commit(std::size_t bytes, const TimePoint* due);
  /// Gives the room back when nothing was put there.
  void trim();

  /// Bytes at the front that may go at `now`.
  [[nodiscard]] std::size_t due(TimePoint now) noexcept;
  /// When more bytes may go; kNever when all may already.
  [[nodiscard]] TimePoint next_due() const noexcept;
  /// When the last byte may go; the clock's epoch when it may at once.
  [[nodiscard]] TimePoint last_due() const noexcept;
  /// Nothing waits longer than until `latest`.
  void hurry(TimePoint latest) noexcept;

  /// The first bytes that lie together, at most `bytes` of them. Then drop() what was used.
  [[nodiscard]] std::span<const char> front(std::size_t bytes) const noexcept;
  void drop(std::size_t bytes);
  void clear();

 private:
  struct Segment {
    std::unique_ptr<Buffer> buffer;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Mark {
    TimePoint due;
    std::uint64_t end = 0;  ///< position behind the last byte that it is for
  };
  /// Smaller rooms make many small reads.
  static constexpr std::size_t kRoomMin = 4U << 10U;

  BufferPool& pool_;
  std::deque<Segment> segments_;
  std::deque<Mark> marks_;
  std::size_t size_ = 0;
  std::uint64_t position_ = 0;  ///< of the first byte
  std::uint64_t released_ = 0;  ///< position behind the last byte whose time has come
};

}  // namespace tinet::proxy
