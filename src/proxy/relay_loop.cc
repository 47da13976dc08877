#include "src/proxy/relay_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <sys/epoll.h>

#include <boost/asio/post.hpp>

#include "src/base/error.h"

namespace tinet::proxy {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

int new_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (const int error = errno; fd < 0) {
    throw_errno(error, "cannot make an epoll set for the relay");
  }
  return fd;
}

void note(Watched& watched, std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    watched.readable = true;
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    watched.writable = true;
  }
  watched.ended = watched.ended || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  watched.failed = watched.failed || (events & EPOLLERR) != 0;
}

}  // namespace

RelayLoop::RelayLoop(const asio::any_io_executor& executor)
    : epoll_(executor, new_epoll()), timer_(executor) {
  // splice(2) knows no MSG_NOSIGNAL.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  wait_for_events();
}

RelayLoop::~RelayLoop() {
  *alive_ = false;
  buried_.clear();
}

bool RelayLoop::watch(int fd, Watched& watched) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watched;
  return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void RelayLoop::queue(Task& task) {
  if (!task.queued_) {
    task.queued_ = true;
    queue_.push_back(&task);
    post_turn();
  }
}

void RelayLoop::set_time(Task& task, TimePoint due) {
  times_.set(task, due);
  arm_timer();
}

void RelayLoop::forget(Task& task) noexcept {
  times_.set(task, kNever);
  std::replace(queue_.begin(), queue_.end(), &task, static_cast<Task*>(nullptr));
  std::erase(starved_, &task);
}

void RelayLoop::bury(std::shared_ptr<void> object) {
  buried_.push_back(std::move(object));
  post_turn();
}

void RelayLoop::queue_when_descriptors(Task& task) {
  if (std::find(starved_.begin(), starved_.end(), &task) == starved_.end()) {
    starved_.push_back(&task);
  }
  set_time(task, Clock::now() + kDescriptorRetry);
}

void RelayLoop::descriptor_freed() {
  for (Task* task : std::exchange(starved_, {})) {
    queue(*task);
  }
}

void RelayLoop::wait_for_events() {
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this, alive = alive_](error_code error) {
                      if (!*alive || error) {
                        return;
                      }
                      run_events();
                      turn();
                      wait_for_events();
                    });
}

void RelayLoop::post_turn() {
  if (!std::exchange(turn_posted_, true)) {
    asio::post(epoll_.get_executor(), [this, alive = alive_] {
      if (*alive) {
        turn_posted_ = false;
        turn();
      }
    });
  }
}

void RelayLoop::turn() {
  const TimePoint start = Clock::now();
  run_due(start, start + kTurn);
  run_queued(start + kTurn);
  arm_timer();
  buried_.clear();
  if (!queue_.empty()) {
    post_turn();
  }
}

void RelayLoop::run_queued(TimePoint until) {
  std::size_t done = 0;
  // What a task queues again waits for the next turn: this one ends at the present end.
  const std::size_t count = queue_.size();
  TimePoint now = Clock::now();
  while (done < count && now < until) {
    Task* task = queue_[done++];
    if (task != nullptr) {
      task->queued_ = false;
      task->run(now);
      now = Clock::now();
    }
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(done));
}

void RelayLoop::run_events() {
  std::array<epoll_event, kEventsMax> events;
  TimePoint now = Clock::now();
  const TimePoint until = now + kTurn;
  // Asked again while there is something: dense small messages then cost no way through Asio each.
  while (now < until) {
    const int count = ::epoll_wait(epoll_.native_handle(), events.data(), kEventsMax, 0);
    if (count <= 0) {
      break;
    }
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      auto& watched = *static_cast<Watched*>(event.data.ptr);
      note(watched, event.events);
      if (watched.task != nullptr) {
        watched.task->run(now);
      }
    }
    now = Clock::now();
  }
}

void RelayLoop::run_due(TimePoint now, TimePoint until) {
  // A task may set itself a time that has come already; it is not run again before the next turn.
  std::size_t left = times_.size();
  while (left-- > 0 && Clock::now() < until) {
    Task* task = times_.take_due(now);
    if (task == nullptr) {
      break;
    }
    task->run(now);
  }
}

void RelayLoop::arm_timer() {
  // One that is armed too early only finds nothing to do; changing it costs more.
  const TimePoint earliest = times_.earliest();
  if (earliest >= timer_due_) {
    return;
  }
  timer_due_ = earliest;
  timer_.expires_at(std::chrono::time_point_cast<Clock::duration>(earliest));
  timer_.async_wait([this, alive = alive_](error_code error) {
    if (*alive && !error) {
      timer_due_ = kNever;
      turn();
      arm_timer();
    }
  });
}

}  // namespace tinet::proxy
