#include "src/proxy/direction.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "src/proxy/sockets.h"

namespace tinet::proxy {

void End::look() noexcept {
  if (watched.failed && !broken) {
    watched.failed = false;
    broken = take_error(fd.get()) != 0;
  }
}

Direction::Direction(End& from, End& to, Sets rules, RuleObserver& observer, std::uint64_t number,
                     BufferPool& pool)
    : pool_(pool),
      from_(from),
      to_(to),
      set_(std::move(rules.own)),
      place_(set_->attach(observer)),
      rules_(number),
      queue_(pool),
      pipe_(pool) {
  for (std::shared_ptr<RuleSet>& more : rules.more) {
    const RuleSet::Place place = more->attach(observer);
    more_.emplace_back(std::move(more), place);
  }
  ++count().open;
  ++count().total;
}

Direction::~Direction() {
  --count().open;
  set_->detach(place_);
  for (const auto& [set, place] : more_) {
    set->detach(place);
  }
}

Direction::Outcome Direction::check(TimePoint now) {
  wake_ = kNever;
  unfinished_ = false;
  if (std::exchange(changed_, false)) {
    if (const Outcome outcome = refresh(now); outcome != Outcome::GoesOn) {
      return outcome;
    }
  }
  if (now >= effect().reset_time) {
    ++count().reset;
    return Outcome::Reset;
  }
  if (now >= effect().close_time) {
    ++count().closed;
    return Outcome::Close;
  }
  wake_at(std::min(effect().reset_time, effect().close_time));
  return Outcome::GoesOn;
}

Direction::Outcome Direction::refresh(TimePoint now) {
  const bool has_hole = effect().discard;
  std::vector<const RuleSet::Entries*> all = {&set_->entries()};
  for (const auto& [set, place] : more_) {
    all.push_back(&set->entries());
  }
  rules_.update_sets(all, now, passed_);
  hold_noted_ = hold_noted_ && effect().hold;
  bucket_.set_rate(effect().bytes_per_second, now);
  if (has_hole && !effect().discard) {
    ++count().closed;
    return Outcome::Close;
  }
  if (effect().discard) {
    throw_away();
  }
  // A shorter delay is felt at once: what was to wait longer than anything will from now on need
  // not.
  const TimePoint latest = after(now, effect().longest_delay);
  queue_.hurry(latest);
  end_due_ = std::min(end_due_, latest);
  if (effect().slicer) {
    next_slice_ = std::min(next_slice_, after(now, effect().slicer->pause));
  } else {
    slice_left_ = 0;
    next_slice_ = {};
  }
  return Outcome::GoesOn;
}

void Direction::note_hold() noexcept {
  if (!std::exchange(hold_noted_, true)) {
    ++count().held;
  }
}

/// Bytes or an end that could be passed on. The loop's flag alone may be out of date.
bool Direction::has_something() noexcept {
  if (!queue_.empty() || pipe_.size() > 0) {
    return true;
  }
  char byte = 0;
  if (from_.watched.readable && ::recv(from_.fd.get(), &byte, 1, MSG_PEEK) < 0) {
    from_.watched.readable = errno != EAGAIN;
  }
  return from_.watched.readable;
}

Direction::Outcome Direction::move(TimePoint now) {
  if (const Outcome outcome = check(now); outcome != Outcome::GoesOn) {
    return outcome;
  }
  if (effect().hold) {
    if (!hold_noted_ && has_something()) {
      note_hold();
    }
    return Outcome::GoesOn;
  }
  budget_ = kTurnBytes;
  writes_left_ = kTurnWrites;
  for (;;) {
    if (const Outcome outcome = pass_on(now); outcome != Outcome::GoesOn) {
      return outcome;
    }
    if (!may_read()) {
      break;
    }
    if (budget_ == 0) {
      unfinished_ = true;
      break;
    }
    read(now);
  }
  if (from_.broken && !reset_read_ && (end_read_ || !has_room())) {
    // Nobody makes room for what has arrived before the reset.
    read_failed(now);
  }
  return end_stream(now);
}

bool Direction::has_room() const noexcept {
  if (!effect().delays) {
    return queue_.empty() && pipe_.size() == 0;
  }
  return queue_.size() < (pool_.is_scarce() ? kBufferBytes : kDelayedBytesMax) && !queue_.full();
}

bool Direction::may_read() const noexcept {
  return !end_read_ && !to_.broken && from_.watched.readable && (effect().discard || has_room());
}

void Direction::read(TimePoint now) {
  const bool through_pipe = effect().plain() && queue_.empty() && pipe_.wanted();
  std::ptrdiff_t got = 0;
  std::size_t room = kTurnBytes;
  if (through_pipe) {
    got = pipe_.fill(from_.fd.get(), room);
  } else {
    const std::span<char> buffer = queue_.room();
    room = buffer.size();
    got = ::recv(from_.fd.get(), buffer.data(), room, 0);
    got = got < 0 ? -errno : got;
  }
  if (got <= 0) {
    queue_.trim();
  }
  if (got == -EINTR) {
    return;
  }
  if (got == -EAGAIN) {
    from_.watched.readable = false;
    pipe_.rest();
    return;
  }
  if (got < 0 || (got == 0 && from_.broken)) {
    read_failed(now);
    return;
  }
  if (got == 0) {
    end_read_ = true;
    end_due_ = std::max(queue_.last_due(), now + rules_.draw_delay());
    return;
  }

  const auto bytes = static_cast<std::size_t>(got);
  budget_ -= std::min(bytes, budget_);
  pipe_.note_read(bytes);
  if (!through_pipe) {
    // Less than there was room for: that was all, unless an end stands behind it.
    from_.watched.readable = bytes == room || from_.watched.ended || from_.broken;
    const TimePoint due = effect().delays ? now + rules_.draw_delay() : TimePoint();
    queue_.commit(bytes, effect().delays ? &due : nullptr);
    if (effect().discard) {
      throw_away();
    }
  }
}

void Direction::read_failed(TimePoint now) {
  from_.broken = true;
  end_read_ = true;
  reset_read_ = true;
  end_due_ = std::max(queue_.last_due(), now + rules_.draw_delay());
}

std::size_t Direction::waiting(TimePoint now) noexcept {
  return pipe_.size() > 0 ? pipe_.size() : queue_.due(now);
}

Direction::Outcome Direction::pass_on(TimePoint now) {
  while (const std::size_t bytes = waiting(now)) {
    if (to_.broken) {
      throw_away();
      break;
    }
    if (const Outcome outcome = at_limit(); outcome != Outcome::GoesOn) {
      return outcome;
    }
    if (!to_.watched.writable) {
      break;
    }
    if (writes_left_ == 0) {
      unfinished_ = true;
      break;
    }
    const std::size_t part = allowed(bytes, now);
    if (part == 0) {
      break;
    }
    --writes_left_;
    const bool takes_more = write(part, now);
    if (const Outcome outcome = at_limit(); outcome != Outcome::GoesOn) {
      return outcome;
    }
    if (!takes_more) {
      break;
    }
  }
  wake_at(queue_.next_due());
  return Outcome::GoesOn;
}

Direction::Outcome Direction::at_limit() noexcept {
  if (passed_ >= effect().reset_byte) {
    ++count().reset;
    return Outcome::Reset;
  }
  if (passed_ >= effect().close_byte) {
    ++count().closed;
    return Outcome::Close;
  }
  return Outcome::GoesOn;
}

std::size_t Direction::allowed(std::size_t bytes, TimePoint now) {
  bytes = std::min({bytes, effect().reset_byte - passed_, effect().close_byte - passed_});
  if (effect().slicer) {
    if (now < next_slice_) {
      wake_at(next_slice_);
      return 0;
    }
    if (slice_left_ == 0) {
      slice_left_ = rules_.draw_slice();
    }
    bytes = std::min(bytes, slice_left_);
  }
  if (bucket_.limits()) {
    const std::size_t part = bucket_.available(bytes, now);
    if (part == 0) {
      wake_at(bucket_.when(bytes, now));
    }
    bytes = part;
  }
  return bytes;
}

/// @return false when no more can be written now
bool Direction::write(std::size_t bytes, TimePoint now) {
  std::ptrdiff_t put = 0;
  const bool from_pipe = pipe_.size() > 0;
  if (from_pipe) {
    put = pipe_.drain(to_.fd.get(), bytes);
  } else {
    const std::span<const char> part = queue_.front(bytes);
    bytes = part.size();
    put = ::send(to_.fd.get(), part.data(), bytes, MSG_NOSIGNAL);
    put = put < 0 ? -errno : put;
  }
  if (put > 0) {
    const auto done = static_cast<std::size_t>(put);
    if (!from_pipe) {
      queue_.drop(done);
    }
    passed(done, now);
    if (!from_pipe && done < bytes) {
      to_.watched.writable = false;
      return false;
    }
    return true;
  }
  if (put == -EINTR) {
    return true;
  }
  if (put == -EAGAIN || put == 0) {
    to_.watched.writable = false;
    return false;
  }
  // The other direction reads why, and carries it.
  to_.broken = true;
  to_.watched.readable = true;
  unfinished_ = true;
  throw_away();
  return false;
}

void Direction::passed(std::size_t bytes, TimePoint now) {
  passed_ += bytes;
  count().bytes += bytes;
  ++count().chunks;
  if (bucket_.limits()) {
    bucket_.take(bytes);
  }
  if (effect().slicer) {
    slice_left_ -= std::min(bytes, slice_left_);
    if (slice_left_ == 0) {
      next_slice_ = after(now, effect().slicer->pause);
    }
  }
}

void Direction::throw_away() noexcept {
  count().discarded += queue_.size() + pipe_.size();
  queue_.clear();
  pipe_.clear();
}

Direction::Outcome Direction::end_stream(TimePoint now) {
  const std::size_t bytes = waiting(now);
  const bool is_empty = queue_.empty() && pipe_.size() == 0;
  const bool is_stuck = bytes > 0 && !to_.watched.writable;
  if (reset_read_ ? !is_empty && !is_stuck : !end_read_ || end_sent_ || !is_empty) {
    return Outcome::GoesOn;
  }
  if (now < end_due_) {
    wake_at(end_due_);
    return Outcome::GoesOn;
  }
  if (reset_read_) {
    return Outcome::Reset;
  }
  if (end_reached_ == kNever) {
    end_reached_ = now;
  }
  if (const TimePoint end = after(end_reached_, effect().slow_close); now < end) {
    wake_at(end);
    return Outcome::GoesOn;
  }
  static_cast<void>(::shutdown(to_.fd.get(), SHUT_WR));
  end_sent_ = true;
  return Outcome::GoesOn;
}

}  // namespace tinet::proxy
