#include "src/proxy/byte_queue.h"

#include <algorithm>

namespace tinet::proxy {

std::span<char> ByteQueue::room() {
  if (segments_.empty() || kBufferBytes - segments_.back().end < kRoomMin) {
    segments_.push_back({.buffer = pool_.take()});
  }
  Segment& last = segments_.back();
  return std::span<char>(*last.buffer).subspan(last.end);
}

void ByteQueue::commit(std::size_t bytes, const TimePoint* due) {
  segments_.back().end += bytes;
  size_ += bytes;
  const std::uint64_t end = position_ + size_;
  if (due == nullptr) {
    return;
  }
  if (marks_.empty()) {
    released_ = end - bytes;
  }
  const TimePoint earliest = std::max(*due, last_due());
  if (!marks_.empty() && marks_.back().due == earliest && marks_.back().end == end - bytes) {
    marks_.back().end = end;
  } else {
    marks_.push_back({earliest, end});
  }
}

void ByteQueue::trim() {
  if (!segments_.empty() && segments_.back().begin == segments_.back().end) {
    pool_.give_back(std::move(segments_.back().buffer));
    segments_.pop_back();
  }
}

std::size_t ByteQueue::due(TimePoint now) noexcept {
  while (!marks_.empty() && marks_.front().due <= now) {
    released_ = marks_.front().end;
    marks_.pop_front();
  }
  if (marks_.empty()) {
    return size_;
  }
  return released_ > position_ ? static_cast<std::size_t>(released_ - position_) : 0;
}

TimePoint ByteQueue::next_due() const noexcept {
  return marks_.empty() ? kNever : marks_.front().due;
}

TimePoint ByteQueue::last_due() const noexcept {
  return marks_.empty() ? TimePoint() : marks_.back().due;
}

void ByteQueue::hurry(TimePoint latest) noexcept {
  for (Mark& mark : marks_) {
    mark.due = std::min(mark.due, latest);
  }
}

std::span<const char> ByteQueue::front(std::size_t bytes) const noexcept {
  const Segment& first = segments_.front();
  return std::span<const char>(*first.buffer)
      .subspan(first.begin, std::min(bytes, first.end - first.begin));
}

void ByteQueue::drop(std::size_t bytes) {
  size_ -= bytes;
  position_ += bytes;
  while (bytes > 0) {
    Segment& first = segments_.front();
    const std::size_t here = std::min(bytes, first.end - first.begin);
    first.begin += here;
    bytes -= here;
    if (first.begin == first.end) {
      pool_.give_back(std::move(first.buffer));
      segments_.pop_front();
    }
  }
}

void ByteQueue::clear() {
  for (Segment& segment : segments_) {
    pool_.give_back(std::move(segment.buffer));
  }
  segments_.clear();
  marks_.clear();
  position_ += size_;
  size_ = 0;
}

}  // namespace tinet::proxy
