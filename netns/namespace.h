#pragma once
/// Network namespaces, held by descriptor only: nothing on disk, and everything in them goes when
/// the last descriptor and the last process in them are gone.

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "netns/kernel_gate.h"
#include "netns/netlink/socket.h"
#include "src/base/unique_fd.h"

namespace tinet {

/// Owns a descriptor of a network namespace.
class Namespace {
 public:
  Namespace() noexcept = default;
  explicit Namespace(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  /// The calling thread's namespace. @throws Error
  [[nodiscard]] static Namespace current();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

 private:
  UniqueFd fd_;
};

/// Moves the calling thread into a fresh network namespace. Needs CAP_SYS_ADMIN in the thread's
/// user namespace; about 0.4 ms.
/// @throws Error Unavailable (EPERM), Operation (ENOSPC: user.max_net_namespaces), each with a hint
[[nodiscard]] Namespace create_namespace(KernelGate* gate = nullptr);

/// Writes a sysctl of the calling thread's network namespace.
/// @param path below /proc/sys, e.g. "net/ipv6/conf/default/disable_ipv6"
/// @throws Error
void write_sysctl(std::string_view path, std::string_view value, KernelGate* gate = nullptr);

/// Like write_sysctl(), but a sysctl that does not exist here (its module is not loaded, or the
/// kernel is older) is no error. @return whether it was written
bool write_sysctl_if_present(std::string_view path, std::string_view value,
                             KernelGate* gate = nullptr);

/// @return its text without the trailing newline; empty when it does not exist or can't be read
[[nodiscard]] std::string read_sysctl(std::string_view path);

/// A worker thread that enters namespaces on behalf of its caller, who never leaves its own. The
/// caller blocks meanwhile, so closures may use the caller's variables freely. Between two errands
/// the worker waits in an empty namespace of its own and keeps no other one alive; it never goes
/// back to where it came from, which a user namespace would not allow.
///
/// Make it after unshare(CLONE_NEWUSER), which fails in a process with threads. Its calls are to be
/// made by one thread at a time. All signals are blocked in the worker.
class NamespaceThread {
 public:
  /// Starts the thread; namespaces are touched at the first errand only.
  /// @param gate asked before each kernel call; must outlive the thread
  explicit NamespaceThread(KernelGate* gate = nullptr);
  NamespaceThread(const NamespaceThread&) = delete;
  NamespaceThread& operator=(const NamespaceThread&) = delete;
  NamespaceThread(NamespaceThread&&) = delete;
  NamespaceThread& operator=(NamespaceThread&&) = delete;
  ~NamespaceThread();

  /// Makes one namespace, or `count` of them in one errand (about 0.4 ms each). `inside(i)` runs in
  /// the i-th new namespace right after it was made: the place for sysctls and sockets.
  /// @throws Error as create_namespace(), or what `inside` throws; then none is left
  [[nodiscard]] Namespace create();
  [[nodiscard]] std::vector<Namespace> create(std::size_t count,
                                              const std::function<void(std::size_t)>& inside = {});

  /// Runs `work` inside `space` and hands back its value or exception.
  /// @throws Error Unavailable when the namespace can't be entered
  template <typename Work>
  std::invoke_result_t<Work> run_in(const Namespace& space, Work&& work) {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      run(space.fd(), [&] { work(); });
    } else {
      std::optional<std::invoke_result_t<Work>> result;
      run(space.fd(), [&] { result.emplace(work()); });
      return std::move(*result);
    }
  }

  /// A socket that lives in `space`, close-on-exec. @throws Error
  [[nodiscard]] UniqueFd open_socket(const Namespace& space, int family, int type, int protocol);
  /// A netlink socket that lives in `space` and asks the same gate. @throws Error
  [[nodiscard]] netlink::Socket open_netlink(const Namespace& space, int protocol);
  /// @throws Error
  void write_sysctl(const Namespace& space, std::string_view path, std::string_view value);

  [[nodiscard]] KernelGate* gate() const noexcept { return gate_; }

 private:
  void run(int namespace_fd, const std::function<void()>& errand);
  void submit(const std::function<void()>& errand);
  void loop();
  void park();

  KernelGate* gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* errand_ = nullptr;
  std::exception_ptr failure_;
  bool done_ = false;
  bool stopping_ = false;
  Namespace parking_;
  std::thread thread_;
};

}  // namespace tinet
