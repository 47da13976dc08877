#pragma once
/// Stops an instance: asks, waits, forces. No polling.

#include <chrono>
#include <functional>

#include <signal.h>

#include <boost/asio/async_result.hpp>

#include "src/process/sandbox.h"
#include "src/process/spawn.h"

namespace tinet {

struct StopOptions {
  int signal = SIGTERM;                     ///< asks the program to end
  std::chrono::milliseconds grace{10'000};  ///< how long it may take; 0: force at once
};

enum class StopOutcome {
  Clean,   ///< the program ended by itself within the grace
  Forced,  ///< it had to be killed
};

struct StopResult {
  StopOutcome outcome;
  ExitStatus status;  ///< of the program
};

/// Plain form of async_stop(); the handler is called once, through the child's loop.
void start_stop(const Child& child, const Sandbox& sandbox, StopOptions options,
                std::function<void(StopResult)> handler);

/// Sends the signal, then SIGCONT (a paused program could not act on the first), waits for the end
/// up to the grace, then kills. Completes when the program *and everything else in the sandbox*
/// is gone: the sandbox is killed in any case, so leftovers of a clean end go too. A program that
/// has already ended is Clean.
///
/// Child and sandbox may be destroyed before the completion: that kills at once and completes with
/// Forced. Signature void(StopResult); it cannot fail and cannot be cancelled.
template <typename Token>
auto async_stop(const Child& child, const Sandbox& sandbox, StopOptions options, Token&& token) {
  return boost::asio::async_initiate<Token, void(StopResult)>(
      [&child, &sandbox, options](auto handler) {
        auto executor = boost::asio::get_associated_executor(handler, child.executor());
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        start_stop(child, sandbox, options, [shared, executor](StopResult result) {
          boost::asio::dispatch(executor, [shared, result] { std::move (*shared)(result); });
        });
      },
      token);
}

}  // namespace tinet
