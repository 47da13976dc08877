#include "src/process/stop.h"

#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "src/base/error.h"
#include "src/process/process_tree.h"

namespace tinet {

namespace {

/// One stop under way; kept alive by what it waits for.
class Stop : public std::enable_shared_from_this<Stop> {
 public:
  Stop(const Child& child, const Sandbox& sandbox, std::function<void(StopResult)> handler)
      : program_(child.watch()),
        enclosure_(sandbox.enclosure()),
        timer_(child.executor()),
        handler_(std::move(handler)) {}

  void start(const Sandbox& sandbox, const StopOptions& options) {
    program_->add_waiter([self = shared_from_this()](boost::system::error_code, ExitStatus status) {
      self->ended(status);
    });
    if (program_->status()) {
      return;
    }
    if (options.grace.count() <= 0) {
      force();
      return;
    }
    ask(sandbox, options.signal);
    timer_.expires_after(options.grace);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) {
        self->force();
      }
    });
  }

 private:
  void ask(const Sandbox& sandbox, int signal) {
    try {
      static_cast<void>(send_signal(program_->pidfd(), signal));
      static_cast<void>(signal_tree(sandbox, SIGCONT));
    } catch (const Error&) {
      force();  // what cannot be asked is killed, or the stop would wait in vain
    }
  }

  void force() {
    if (program_->status()) {
      return;
    }
    forced_ = true;
    enclosure_->kill();
    program_->kill();
  }

  void ended(ExitStatus status) {
    timer_.cancel();
    const StopResult result{
        .outcome = forced_ || status.signal() == SIGKILL ? StopOutcome::Forced : StopOutcome::Clean,
        .status = status};
    enclosure_->kill();
    enclosure_->add_waiter([self = shared_from_this(), result](
                               boost::system::error_code, ExitStatus) { self->handler_(result); });
  }

  std::shared_ptr<ProcessWatch> program_;
  std::shared_ptr<Enclosure> enclosure_;
  boost::asio::steady_timer timer_;
  std::function<void(StopResult)> handler_;
  bool forced_ = false;
};

}  // namespace

void start_stop(const Child& child, const Sandbox& sandbox, StopOptions options,
                std::function<void(StopResult)> handler) {
  std::make_shared<Stop>(child, sandbox, std::move(handler))->start(sandbox, options);
}

}  // namespace tinet
