#pragma once
/// What holds the processes of a sandbox together; Sandbox hides which of the two kinds it is.

#include <memory>
#include <vector>

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>

#include "src/process/end_waiters.h"
#include "src/process/process_table.h"
#include "src/process/process_watch.h"

namespace tinet {

/// How a forked process gets inside. Data for code that may make plain system calls only.
struct EntryPlan {
  int pidfd = -1;               ///< of a process whose namespaces to enter; -1: none. Borrowed
  int flags = 0;                ///< of them, for setns(2), without the PID namespace
  bool adopts_orphans = false;  ///< the process becomes the parent of its orphaned descendants
};

/// Lives until nothing is left inside: what waits for that keeps it alive. Single-threaded: all
/// calls come from the loop's thread.
class Enclosure {
 public:
  Enclosure() = default;
  Enclosure(const Enclosure&) = delete;
  Enclosure& operator=(const Enclosure&) = delete;
  Enclosure(Enclosure&&) = delete;
  Enclosure& operator=(Enclosure&&) = delete;
  virtual ~Enclosure() = default;

  [[nodiscard]] virtual const boost::asio::any_io_executor& executor() const noexcept = 0;
  /// Whether programs may still be put inside.
  [[nodiscard]] virtual bool alive() const noexcept = 0;
  /// The process that stands for it; 0 when none does.
  [[nodiscard]] virtual pid_t reaper_pid() const noexcept = 0;
  [[nodiscard]] virtual EntryPlan entry() const noexcept = 0;
  /// Takes over the unreaped child `pid`, which has entered, and watches it on `on`.
  /// @throws Error; the child has been killed and reaped then
  [[nodiscard]] virtual std::shared_ptr<ProcessWatch> admit(const boost::asio::any_io_executor& on,
                                                            pid_t pid) = 0;

  /// The processes inside that have not ended. Reads /proc.
  /// @throws Error
  [[nodiscard]] virtual std::vector<ProcessEntry> members() const = 0;

  /// SIGKILL to everything inside. Does not wait. Idempotent.
  virtual void kill() noexcept = 0;
  /// Calls `waiter` once when nothing is left inside; through the loop, never from here.
  virtual EndWaiters::Id add_waiter(EndWaiters::Waiter waiter) = 0;
  virtual void cancel_waiter(EndWaiters::Id id) = 0;
};

}  // namespace tinet
