#pragma once
/// Where relays run: sockets, times and the order of work, inside one Asio event loop.
///
/// The sockets of relays are in an epoll set of their own, edge-triggered and registered once,
/// which stands in the Asio loop as one descriptor. That costs two system calls per wake-up, and
/// saves two per transfer: Asio would re-arm, or try in vain, after each. Work is done in short
/// turns, so that whatever else runs in the loop (a control request) gets its turn within
/// milliseconds.

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "src/proxy/buffer_pool.h"
#include "src/proxy/clock.h"
#include "src/proxy/timer_heap.h"

namespace tinet::proxy {

/// Something that is run when there is reason to.
class Task {
 public:
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;
  /// Does what can be done now, without blocking. Does not throw.
  virtual void run(TimePoint now) noexcept = 0;

 protected:
  Task() = default;

 private:
  friend class RelayLoop;
  friend class TimerHeap;
  bool queued_ = false;
  std::size_t heap_index_ = TimerHeap::kNowhere;
  TimePoint due_ = kNever;
};

/// A descriptor in the loop. What its flags say may be out of date; only a call that would block
/// clears them.
struct Watched {
  Task* task = nullptr;  ///< run when something happened
  bool readable = false;
  bool writable = false;
  bool ended = false;   ///< the peer sends no more, once what has arrived is read
  bool failed = false;  ///< the socket has an error; ask take_error()
};

/// Single-threaded; must outlive its tasks, and the executor it.
class RelayLoop {
 public:
  /// From here on the process ignores SIGPIPE, as one that relays must.
  /// @throws Error when there is no descriptor for it
  explicit RelayLoop(const boost::asio::any_io_executor& executor);
  RelayLoop(const RelayLoop&) = delete;
  RelayLoop& operator=(const RelayLoop&) = delete;
  RelayLoop(RelayLoop&&) = delete;
  RelayLoop& operator=(RelayLoop&&) = delete;
  ~RelayLoop();

  /// `watched` must live until its descriptor is closed and the turn has ended (see bury()).
  /// @return false, with errno set, when the kernel refuses
  [[nodiscard]] bool watch(int fd, Watched& watched) noexcept;

  /// Runs the task soon, once however often it is asked for.
  void queue(Task& task);
  /// Runs the task at `due`, instead of at a time set before; kNever: at no time.
  void set_time(Task& task, TimePoint due);
  /// Never runs the task again.
  void forget(Task& task) noexcept;
  /// Keeps `object` until nothing of this turn can refer to it any more.
  void bury(std::shared_ptr<void> object);

  /// Runs the task when a descriptor has become free here, and once more a little later for those
  /// that became free elsewhere.
  void queue_when_descriptors(Task& task);
  /// A descriptor was closed.
  void descriptor_freed();

  [[nodiscard]] BufferPool& pool() noexcept { return pool_; }

 private:
  void wait_for_events();
  void post_turn();
  void turn();
  void run_queued(TimePoint until);
  void run_events();
  void run_due(TimePoint now, TimePoint until);
  void arm_timer();

  /// A turn longer than this would be felt by others in the loop.
  static constexpr std::chrono::milliseconds kTurn{3};
  static constexpr std::chrono::milliseconds kDescriptorRetry{100};
  static constexpr int kEventsMax = 64;

  boost::asio::posix::stream_descriptor epoll_;
  boost::asio::steady_timer timer_;
  TimePoint timer_due_ = kNever;
  TimerHeap times_;
  std::vector<Task*> queue_;
  std::vector<Task*> starved_;
  BufferPool pool_;
  std::vector<std::shared_ptr<void>> buried_;
  bool turn_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tinet::proxy
