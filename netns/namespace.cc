#include "netns/namespace.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet {
namespace {

const char* creation_hint(int error) {
  switch (error) {
    case EPERM:
      return "run as root, or where unprivileged user namespaces are allowed";
    case ENOSPC:
      return "raise user.max_net_namespaces";
    default:
      return "";
  }
}

UniqueFd open_sysctl(std::string_view path, int flags) {
  return UniqueFd(::open(("/proc/sys/" + std::string(path)).c_str(), flags | O_CLOEXEC));
}

// False when the sysctl does not exist.
bool write_existing(std::string_view path, std::string_view value, KernelGate* gate) {
  const auto fail = [&](int error) {
    throw_errno(error, "cannot write sysctl '" + std::string(path) + "'",
                error == EROFS ? "mount /proc/sys writable (in a container: --privileged)" : "");
  };
  if (const int refused = admit(gate, KernelCall::WriteSysctl); refused != 0) {
    fail(refused);
  }
  const UniqueFd fd = open_sysctl(path, O_WRONLY);
  if (const int error = errno; !fd) {
    if (error == ENOENT) {
      return false;
    }
    fail(error);
  }
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    const int error = errno;
    fail(error);
  }
  return true;
}

}  // namespace

Namespace Namespace::current() {
  UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (const int error = errno; !fd) {
    throw_errno(error, "cannot open the network namespace of this thread", "mount /proc");
  }
  return Namespace(std::move(fd));
}

Namespace create_namespace(KernelGate* gate) {
  int error = admit(gate, KernelCall::CreateNamespace);
  if (error == 0 && ::unshare(CLONE_NEWNET) < 0) {
    error = errno;
  }
  if (error != 0) {
    throw_errno(error, "cannot create a network namespace", creation_hint(error));
  }
  return Namespace::current();
}

void write_sysctl(std::string_view path, std::string_view value, KernelGate* gate) {
  if (!write_existing(path, value, gate)) {
    throw_errno(ENOENT, "cannot write sysctl '" + std::string(path) + "'");
  }
}

bool write_sysctl_if_present(std::string_view path, std::string_view value, KernelGate* gate) {
  return write_existing(path, value, gate);
}

std::string read_sysctl(std::string_view path) {
  const UniqueFd fd = open_sysctl(path, O_RDONLY);
  std::array<char, 256> text{};
  const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
  std::string value(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!value.empty() && value.back() == '\n') {
    value.pop_back();
  }
  return value;
}

NamespaceThread::NamespaceThread(KernelGate* gate) : gate_(gate) {
  // Signals are for the main thread; a thread starts with the mask of the one that makes it.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread_.native_handle(), "tinet-netns");
}

NamespaceThread::~NamespaceThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Namespace NamespaceThread::create() {
  return std::move(create(1).front());
}

std::vector<Namespace> NamespaceThread::create(std::size_t count,
                                               const std::function<void(std::size_t)>& inside) {
  std::vector<Namespace> spaces;
  spaces.reserve(count);
  submit([&] {
    for (std::size_t i = 0; i < count; ++i) {
      spaces.push_back(create_namespace(gate_));
      if (inside) {
        inside(i);
      }
    }
  });
  return spaces;
}

UniqueFd NamespaceThread::open_socket(const Namespace& space, int family, int type, int protocol) {
  return run_in(space, [&] {
    int error = admit(gate_, KernelCall::OpenSocket);
    UniqueFd fd(error == 0 ? ::socket(family, type | SOCK_CLOEXEC, protocol) : -1);
    if (!fd) {
      error = error == 0 ? errno : error;
      throw_errno(error, "cannot open a socket in a network namespace");
    }
    return fd;
  });
}

netlink::Socket NamespaceThread::open_netlink(const Namespace& space, int protocol) {
  netlink::SocketOptions options;
  options.gate = gate_;
  return netlink::Socket(open_socket(space, AF_NETLINK, SOCK_RAW, protocol), options);
}

void NamespaceThread::write_sysctl(const Namespace& space, std::string_view path,
                                   std::string_view value) {
  run_in(space, [&] { tinet::write_sysctl(path, value, gate_); });
}

void NamespaceThread::run(int namespace_fd, const std::function<void()>& errand) {
  submit([&] {
    if (::setns(namespace_fd, CLONE_NEWNET) < 0) {
      const int error = errno;
      throw_errno(error, "cannot enter a network namespace", creation_hint(error));
    }
    errand();
  });
}

void NamespaceThread::submit(const std::function<void()>& errand) {
  std::unique_lock lock(mutex_);
  done_ = false;
  failure_ = nullptr;
  errand_ = &errand;
  changed_.notify_all();
  changed_.wait(lock, [&] { return done_; });
  if (failure_) {
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void NamespaceThread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || errand_ != nullptr; });
    if (errand_ == nullptr) {
      return;
    }
    const auto* errand = std::exchange(errand_, nullptr);
    lock.unlock();
    std::exception_ptr failure;
    try {
      if (!parking_) {
        parking_ = create_namespace(gate_);
      }
      (*errand)();
    } catch (...) {
      failure = std::current_exception();
    }
    park();
    lock.lock();
    failure_ = failure;
    done_ = true;
    changed_.notify_all();
  }
}

void NamespaceThread::park() {
  // Fails only when the first errand could not even make the parking place, and then the thread
  // never left home. Nothing to report either way: the next errand enters its namespace anyway.
  if (parking_) {
    static_cast<void>(::setns(parking_.fd(), CLONE_NEWNET));
  }
}

}  // namespace tinet
