#include "src/proxy/buffer_pool.h"

#include <fcntl.h>

namespace tinet::proxy {

std::unique_ptr<Buffer> BufferPool::take() {
  ++used_;
  if (idle_.empty()) {
    // Not make_unique: it would fill 64 KiB with zeros that nobody reads.
    return std::unique_ptr<Buffer>(new Buffer);
  }
  auto buffer = std::move(idle_.back());
  idle_.pop_back();
  return buffer;
}

void BufferPool::give_back(std::unique_ptr<Buffer> buffer) {
  --used_;
  if (idle_.size() < kIdleMax) {
    idle_.push_back(std::move(buffer));
  }
}

std::unique_ptr<Pipe> BufferPool::take_pipe() {
  if (!idle_pipes_.empty()) {
    auto pipe = std::move(idle_pipes_.back());
    idle_pipes_.pop_back();
    return pipe;
  }
  int ends[2] = {-1, -1};
  if (pipes_ >= kPipesMax || ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return nullptr;
  }
  auto pipe = std::make_unique<Pipe>(Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])});
  // Without it (a user's limit on pipe memory is reached) the pipe is small, and still works.
  static_cast<void>(::fcntl(pipe->in.get(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes)));
  ++pipes_;
  return pipe;
}

void BufferPool::give_back(std::unique_ptr<Pipe> pipe) {
  if (idle_pipes_.size() < kIdlePipesMax) {
    idle_pipes_.push_back(std::move(pipe));
  } else {
    --pipes_;
  }
}

}  // namespace tinet::proxy
