#pragma once
/// Times of tasks, the earliest first. A heap that knows where each task is, so that the time of
/// any of thousands is changed in logarithmic time and without allocation.

#include <cstddef>
#include <limits>
#include <vector>

#include "src/proxy/clock.h"

namespace tinet::proxy {

class Task;

class TimerHeap {
 public:
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  /// Replaces the task's time; kNever takes it out.
  void set(Task& task, TimePoint due);
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  /// kNever when empty.
  [[nodiscard]] TimePoint earliest() const noexcept;
  /// Takes out the earliest task if its time has come, else returns nullptr.
  [[nodiscard]] Task* take_due(TimePoint now);

 private:
  void place(std::size_t index, Task& task) noexcept;
  void remove(std::size_t index);
  std::size_t up(std::size_t index) noexcept;
  void down(std::size_t index) noexcept;

  std::vector<Task*> heap_;
};

}  // namespace tinet::proxy
