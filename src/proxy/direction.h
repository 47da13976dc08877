#pragma once
/// One direction of a connection: bytes from one end to the other, under the rules of that
/// direction.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/proxy/byte_queue.h"
#include "src/proxy/effect.h"
#include "src/proxy/relay_loop.h"
#include "src/proxy/rule_set.h"
#include "src/proxy/splice_pipe.h"
#include "src/proxy/token_bucket.h"

namespace tinet::proxy {

/// One of a connection's two sockets.
struct End {
  UniqueFd fd{};
  Watched watched{};
  bool broken = false;  ///< reset, timed out or otherwise gone: neither reads nor writes any more
  bool over = false;    ///< sends nothing any more; used when the connection is being closed

  /// Notices an error that the loop was told of.
  void look() noexcept;
};

/// Reads only what it can pass on or has room for, so a receiver that does not read stops the
/// sender. An end of the stream is passed on as such, and a reset as a reset, in their place behind
/// the bytes before them; a reset does not wait for a receiver that does not read.
class Direction {
 public:
  /// Counts a connection that a hold stops, once until the hold ends.
  void note_hold() noexcept;

  /// What the connection is to do.
  enum class Outcome {
    GoesOn,
    Close,  ///< end both directions in order
    Reset,  ///< reset both ends
  };

  /// Whose rules it obeys.
  struct Sets {
    std::shared_ptr<RuleSet> own;  ///< keeps the counts
    std::vector<std::shared_ptr<RuleSet>> more;
  };

  /// `from` and `to` must outlive it. @param observer told when the rules change
  Direction(End& from, End& to, Sets rules, RuleObserver& observer, std::uint64_t number,
            BufferPool& pool);
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;
  Direction(Direction&&) = delete;
  Direction& operator=(Direction&&) = delete;
  ~Direction();

  /// The rules have changed.
  void mark_changed() noexcept { changed_ = true; }
  /// Takes changed rules over, and sees whether a time has come. The only step before the other end
  /// is there.
  [[nodiscard]] Outcome check(TimePoint now);
  /// check(), then moves what may be moved.
  [[nodiscard]] Outcome move(TimePoint now);

  [[nodiscard]] const Effect& effect() const noexcept { return rules_.effect(); }
  [[nodiscard]] ActiveRules& rules() noexcept { return rules_; }
  [[nodiscard]] Counters& count() noexcept { return set_->count(); }

  /// The end of the stream was passed on.
  [[nodiscard]] bool ended() const noexcept { return end_sent_; }
  /// When to call again without an event.
  [[nodiscard]] TimePoint wake() const noexcept { return wake_; }
  /// There is more to do at once.
  [[nodiscard]] bool unfinished() const noexcept { return unfinished_; }

 private:
  /// At most so many bytes in one call, then it is others' turn.
  static constexpr std::size_t kTurnBytes = 256U << 10U;
  /// At most so many writes in one call: a slicer may make them one byte each.
  static constexpr int kTurnWrites = 256;
  /// Room for a delayed link: 80 MB/s at 100 ms.
  static constexpr std::size_t kDelayedBytesMax = 8U << 20U;

  [[nodiscard]] Outcome refresh(TimePoint now);
  [[nodiscard]] bool has_something() noexcept;
  [[nodiscard]] bool has_room() const noexcept;
  [[nodiscard]] bool may_read() const noexcept;
  void read(TimePoint now);
  void read_failed(TimePoint now);
  [[nodiscard]] Outcome pass_on(TimePoint now);
  [[nodiscard]] Outcome at_limit() noexcept;
  [[nodiscard]] std::size_t waiting(TimePoint now) noexcept;
  [[nodiscard]] std::size_t allowed(std::size_t bytes, TimePoint now);
  [[nodiscard]] bool write(std::size_t bytes, TimePoint now);
  void passed(std::size_t bytes, TimePoint now);
  void throw_away() noexcept;
  [[nodiscard]] Outcome end_stream(TimePoint now);
  void wake_at(TimePoint time) noexcept { wake_ = std::min(wake_, time); }

  BufferPool& pool_;
  End& from_;
  End& to_;
  std::shared_ptr<RuleSet> set_;
  RuleSet::Place place_;
  std::vector<std::pair<std::shared_ptr<RuleSet>, RuleSet::Place>> more_;
  ActiveRules rules_;
  ByteQueue queue_;
  SplicePipe pipe_;  ///< its bytes are before those of the queue
  TokenBucket bucket_;
  TimePoint next_slice_{};
  std::size_t slice_left_ = 0;

  std::uint64_t passed_ = 0;
  std::size_t budget_ = 0;  ///< bytes still to be read in this call
  int writes_left_ = 0;     ///< in this call
  TimePoint wake_ = kNever;
  bool changed_ = true;
  bool unfinished_ = false;
  bool hold_noted_ = false;

  bool end_read_ = false;  ///< end of stream or reset: nothing comes any more
  bool reset_read_ = false;
  bool end_sent_ = false;
  TimePoint end_due_{};             ///< of the end or the reset, behind all bytes
  TimePoint end_reached_ = kNever;  ///< when it could be passed on; slow close counts from here
};

}  // namespace tinet::proxy
