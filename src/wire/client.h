#pragma once
/// The owner's end of the wire: starts its process, tells it the classes, reads its counts.
/// Remembers what it has told, so that a process that died can be replaced.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "src/base/unique_fd.h"
#include "src/wire/board.h"
#include "src/wire/protocol.h"
#include "src/wire/shape.h"
#include "src/wire/shared_memory.h"

namespace tinet {

struct WireClientOptions {
  /// Opens a NETLINK_NETFILTER socket in the switch's namespace. Each process needs one of its own:
  /// the queue, and tables that the socket owns, live as long as any descriptor of it.
  std::function<UniqueFd()> open_queue{};
  std::string program = "/proc/self/exe";  ///< a program that calls run_wire()
  std::vector<std::string> argv = {"tinet", "__wire"};
  std::chrono::milliseconds deadline{5'000};  ///< for each answer, the first included
  /// For further answers once one did not come in time, until one does: a frozen process is not
  /// waited for again and again.
  std::chrono::milliseconds deadline_when_silent{500};
};

/// What ensure() found.
enum class WireState { Running, Started };

/// Blocks for one round trip per call, about 0.1 ms, but for counts(). Single-threaded; the process
/// is killed when the thread that called ensure() ends.
class WireClient {
 public:
  /// Starts nothing yet.
  explicit WireClient(WireClientOptions options) : options_(std::move(options)) {}
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;
  WireClient(WireClient&&) = delete;
  WireClient& operator=(WireClient&&) = delete;
  /// Ends the process, which delivers the packets that wait, and reaps it; kills it when it does
  /// not end.
  ~WireClient();

  /// Starts the process unless it runs, and tells a new one every class.
  /// @return Started when it had to; if it ran before, packets that waited in it are lost
  /// @throws Error Unavailable (also when the queue has another listener), Operation
  WireState ensure();

  /// Whether the process runs; reaps it when it does not.
  [[nodiscard]] bool alive();
  /// Whether an answer did not come in time, and none has since.
  [[nodiscard]] bool silent() const noexcept { return silent_; }
  /// 0 when there is none.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable when the process has ended; -1 when there is none. Changes with ensure().
  [[nodiscard]] int exit_fd() const noexcept { return pidfd_.get(); }

  // Each of these is remembered for the next process even when it throws.

  /// @see WireEngine::set_class. @throws Error Usage (a value out of range; nothing is remembered),
  /// Operation (no process, no answer)
  void set_class(std::uint16_t number, const WireShape& shape);
  void remove_class(std::uint16_t number);
  /// Ends the holds of these classes, removed ones too. @return how many packets were held
  std::uint64_t release(std::span<const std::uint16_t> numbers, HeldPackets held);

  /// Reads back what the process does with a class, or that it has none, and compares it with what
  /// it was told. @throws Error Operation
  [[nodiscard]] bool holds(std::uint16_t number);
  /// The same for all of them; tells it again where that differs.
  /// @return the classes that differed, also those that it should not have. @throws Error Operation
  [[nodiscard]] std::vector<std::uint16_t> audit();

  /// What the process has counted until now. Asks nobody, so a frozen process can be read, too.
  [[nodiscard]] WireReport counts() const { return read_board(board_.bytes()); }
  /// The same when it has read what was queued before, see SettleWire. @throws Error Operation
  [[nodiscard]] WireReport stats();
  /// The last counts of processes that have ended since the last call, in their order. What waits
  /// in them was dropped by the kernel.
  [[nodiscard]] std::vector<WireReport> take_ended() { return std::exchange(ended_, {}); }

  [[nodiscard]] const std::map<std::uint16_t, WireShape>& classes() const noexcept {
    return classes_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  void end() noexcept;
  [[nodiscard]] WireReply call(const WireRequest& request);
  void tell(const WireRequest& request);
  [[nodiscard]] WireClassList read_classes(std::uint16_t after, std::uint16_t at_most);
  [[nodiscard]] WireReply await_reply(std::uint32_t sequence);

  WireClientOptions options_;
  std::map<std::uint16_t, WireShape> classes_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  UniqueFd control_;
  SharedMapping board_;
  std::vector<WireReport> ended_;
  std::uint32_t sequence_ = 0;
  bool silent_ = false;
};

}  // namespace tinet
