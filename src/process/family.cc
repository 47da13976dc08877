#include "src/process/family.h"

#include <chrono>
#include <exception>
#include <map>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "src/process/kill_tree.h"
#include "src/process/pidfd.h"

namespace tinet {

/// A leftover that was taken over and killed; exists until it was reaped. Families that end
/// meanwhile wait for it: it may be theirs.
struct Family::Leftover {
  explicit Leftover(pid_t process) : pid(process) { all().emplace(pid, this); }
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  Leftover(Leftover&&) = delete;
  Leftover& operator=(Leftover&&) = delete;
  ~Leftover() { all().erase(pid); }

  /// Of this process, whichever family took them: nobody can tell whose program left what.
  static std::map<pid_t, Leftover*>& all() {
    static std::map<pid_t, Leftover*> leftovers;
    return leftovers;
  }

  pid_t pid;
  std::vector<std::shared_ptr<Family>> waiting{};
};

namespace {

/// How long the end of a loop waits for killed processes, as ProcessWatch does.
constexpr std::chrono::seconds kReapLimit{2};
/// Descriptors are spent on so many leftovers at a time; the others wait, killed, for their turn.
constexpr std::size_t kTakenAtOnce = 128;
/// So often leftovers are looked for before the loop gets its turn again.
constexpr int kLooksMax = 16;
/// When the machine has no descriptor or memory to look with.
constexpr std::chrono::milliseconds kNextTry{100};

/// Children of this process that it did not start and that have not ended. Those that had are
/// reaped, and counted in `reaped`.
/// @throws Error
std::vector<pid_t> unknown_children(std::size_t& reaped) {
  std::vector<pid_t> found;
  for (const pid_t pid : own_children()) {
    if (ProcessWatch::is_watched(pid)) {
      continue;
    }
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      ++reaped;
    } else {
      found.push_back(pid);
    }
  }
  return found;
}

void await_ends(const std::vector<pid_t>& pids, std::chrono::steady_clock::time_point end) {
  for (const pid_t pid : pids) {
    const UniqueFd pidfd = open_pidfd(pid);
    static_cast<void>(wait_ended(pidfd.get(), std::chrono::ceil<std::chrono::milliseconds>(
                                                  end - std::chrono::steady_clock::now())));
  }
}

}  // namespace

std::shared_ptr<Family> Family::create(const boost::asio::any_io_executor& executor) {
  become_subreaper();
  return std::shared_ptr<Family>(new Family(executor));
}

Family::Family(const boost::asio::any_io_executor& executor)
    : waiters_(executor), again_(executor) {}

Family::~Family() {
  if (gone_) {
    return;
  }
  // The loop is being destroyed. The records have killed and reaped the programs; what those had
  // started is ours now.
  const auto end = std::chrono::steady_clock::now() + kReapLimit;
  try {
    for (std::size_t reaped = 1; reaped > 0 && std::chrono::steady_clock::now() < end;) {
      reaped = 0;
      const std::vector<pid_t> left = unknown_children(reaped);
      if (!left.empty()) {
        kill_trees(left);
        await_ends(left, end);
        ++reaped;  // in the next round
      }
    }
  } catch (const std::exception&) {
    return;  // without descriptors or memory there is nothing more to be done here
  }
}

std::shared_ptr<ProcessWatch> Family::admit(const boost::asio::any_io_executor& on, pid_t pid) {
  auto watch = ProcessWatch::start(on, pid);
  programs_.insert(pid);
  // The first waiter: nobody hears of the end before the leftovers have been killed.
  watch->add_waiter([self = shared_from_this(), pid](boost::system::error_code, ExitStatus) {
    self->program_ended(pid);
  });
  return watch;
}

std::vector<ProcessEntry> Family::members() const {
  if (programs_.empty()) {
    return {};
  }
  std::vector<ProcessEntry> found =
      descendants(read_processes(), {programs_.begin(), programs_.end()});
  std::erase_if(found, [](const ProcessEntry& entry) { return entry.ended; });
  return found;
}

void Family::kill() noexcept {
  if (std::exchange(killed_, true)) {
    return;
  }
  if (programs_.empty()) {
    take_leftovers();
    finish_when_empty();
  } else {
    kill_trees({programs_.begin(), programs_.end()});  // their ends do the rest
  }
}

void Family::program_ended(pid_t pid) {
  programs_.erase(pid);
  take_leftovers();
  finish_when_empty();
}

void Family::leftover_ended(Leftover& leftover) {
  Leftover::all().erase(leftover.pid);
  auto waiting = std::move(leftover.waiting);
  if (Leftover::all().empty()) {
    take_leftovers();
  }
  for (const auto& family : waiting) {
    family->finish_when_empty();
  }
  finish_when_empty();
}

/// Kills what has become a child of this process and takes it over. The end of what was taken over
/// leads to the next look, at what that leaves in its turn.
void Family::take_leftovers() noexcept {
  try {
    for (int look = 0; look < kLooksMax; ++look) {
      std::size_t reaped = 0;
      const std::vector<pid_t> left = unknown_children(reaped);
      if (left.empty() && reaped == 0) {
        return;
      }
      if (!left.empty()) {
        kill_trees(left);
      }
      for (const pid_t pid : left) {
        if (Leftover::all().size() < kTakenAtOnce) {
          take_over(pid);
        }
      }
      if (!Leftover::all().empty()) {
        return;
      }
    }
  } catch (const std::exception&) {
    // No descriptor is left, or no memory.
  }
  if (Leftover::all().empty()) {
    look_again_later();
  }
}

void Family::take_over(pid_t pid) {
  const auto watch = ProcessWatch::start(executor(), pid);
  watch->add_waiter(
      [self = shared_from_this(), leftover = std::make_shared<Leftover>(pid)](
          boost::system::error_code, ExitStatus) { self->leftover_ended(*leftover); });
}

void Family::look_again_later() {
  looks_again_ = true;
  again_.expires_after(kNextTry);
  again_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) {
      self->looks_again_ = false;
      self->take_leftovers();
      self->finish_when_empty();
    }
  });
}

void Family::finish_when_empty() {
  if (!killed_ || gone_ || looks_again_ || !programs_.empty()) {
    return;
  }
  if (!Leftover::all().empty()) {
    Leftover::all().begin()->second->waiting.push_back(shared_from_this());
    return;
  }
  gone_ = true;
  boost::asio::post(executor(), [self = shared_from_this()] {
    self->waiters_.complete(ExitStatus::killed(SIGKILL));
  });
}

}  // namespace tinet
