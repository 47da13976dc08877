#pragma once
/// The enclosure without namespaces: programs and their descendants, held together by who is whose
/// child alone. Needs no privilege.

#include <memory>
#include <set>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "src/process/enclosure.h"

namespace tinet {

/// Programs started by the caller, and what they started. Each program is a *child subreaper*
/// (PR_SET_CHILD_SUBREAPER, kept by exec), and so is the caller. So a descendant whose parent ends,
/// a daemon, becomes a child of its program; and of the caller when the program has ended. The
/// caller watches every child that it starts (ProcessWatch); a child that it does not know is
/// therefore what an ended program of some family left behind, and is killed and reaped as soon as
/// the end of a program, or a kill(), makes it look.
///
/// Unlike in a PID namespace, then, what a program left behind dies when the program has ended and
/// not only with the whole sandbox: nobody could tell later whose it was. And a program that sets
/// out to get away can: clone(2) with CLONE_PARENT makes a process that is no descendant; it lasts
/// until the next look. In the caller's own end only programs die with it (PR_SET_PDEATHSIG), not
/// their descendants: run the caller under a guard (guard.h).
///
/// The process must have no children but those of this module while families exist.
class Family final : public Enclosure, public std::enable_shared_from_this<Family> {
 public:
  /// Makes the calling process a subreaper for good.
  /// @throws Error
  static std::shared_ptr<Family> create(const boost::asio::any_io_executor& executor);

  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  Family(Family&&) = delete;
  Family& operator=(Family&&) = delete;
  /// With its loop destroyed, kills what is left and waits for it, at most 2 s.
  ~Family() override;

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept override {
    return waiters_.executor();
  }
  /// False after kill().
  [[nodiscard]] bool alive() const noexcept override { return !killed_; }
  [[nodiscard]] pid_t reaper_pid() const noexcept override { return 0; }
  [[nodiscard]] EntryPlan entry() const noexcept override { return {.adopts_orphans = true}; }
  [[nodiscard]] std::shared_ptr<ProcessWatch> admit(const boost::asio::any_io_executor& on,
                                                    pid_t pid) override;
  [[nodiscard]] std::vector<ProcessEntry> members() const override;
  void kill() noexcept override;
  /// The status is always "killed by SIGKILL".
  EndWaiters::Id add_waiter(EndWaiters::Waiter waiter) override {
    return waiters_.add(std::move(waiter));
  }
  void cancel_waiter(EndWaiters::Id id) override { waiters_.cancel(id); }

 private:
  struct Leftover;

  explicit Family(const boost::asio::any_io_executor& executor);
  void program_ended(pid_t pid);
  void leftover_ended(Leftover& leftover);
  void take_leftovers() noexcept;
  void take_over(pid_t pid);
  void look_again_later();
  void finish_when_empty();

  EndWaiters waiters_;
  boost::asio::steady_timer again_;
  /// Not reaped yet. Pids, not records: records keep this object alive until they have been reaped.
  std::set<pid_t> programs_;
  bool killed_ = false;
  bool looks_again_ = false;
  bool gone_ = false;
};

}  // namespace tinet
