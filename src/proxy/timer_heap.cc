#include "src/proxy/timer_heap.h"

#include "src/proxy/relay_loop.h"

namespace tinet::proxy {

void TimerHeap::set(Task& task, TimePoint due) {
  if (task.due_ == due) {
    return;
  }
  task.due_ = due;
  if (due == kNever) {
    remove(task.heap_index_);
    return;
  }
  if (task.heap_index_ == kNowhere) {
    heap_.push_back(&task);
    task.heap_index_ = heap_.size() - 1;
  }
  down(up(task.heap_index_));
}

TimePoint TimerHeap::earliest() const noexcept {
  return heap_.empty() ? kNever : heap_.front()->due_;
}

Task* TimerHeap::take_due(TimePoint now) {
  if (heap_.empty() || heap_.front()->due_ > now) {
    return nullptr;
  }
  Task* task = heap_.front();
  set(*task, kNever);
  return task;
}

void TimerHeap::place(std::size_t index, Task& task) noexcept {
  heap_[index] = &task;
  task.heap_index_ = index;
}

void TimerHeap::remove(std::size_t index) {
  heap_[index]->heap_index_ = kNowhere;
  Task& last = *heap_.back();
  heap_.pop_back();
  if (index < heap_.size()) {
    place(index, last);
    down(up(index));
  }
}

std::size_t TimerHeap::up(std::size_t index) noexcept {
  Task& task = *heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->due_ <= task.due_) {
      break;
    }
    place(index, *heap_[parent]);
    index = parent;
  }
  place(index, task);
  return index;
}

void TimerHeap::down(std::size_t index) noexcept {
  Task& task = *heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) {
      ++child;
    }
    if (child >= heap_.size() || heap_[child]->due_ >= task.due_) {
      break;
    }
    place(index, *heap_[child]);
    index = child;
  }
  place(index, task);
}

}  // namespace tinet::proxy
