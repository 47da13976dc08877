// An instance's program that wants out. It tries what must be refused, prints "WHAT: ERRNO" for
// each attempt, "WHAT: ALLOWED" for one that worked, and "done" at the end.
//   hostile SUPERVISOR_PID PATH...     every PATH is tried as a control socket and as a directory

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// To be called right after the system call, while errno is its own.
void report(const std::string& what, long result) {
  const int error = errno;
  const char* name = result < 0 ? ::strerrorname_np(error) : "ALLOWED";
  std::printf("%s: %s\n", what.c_str(), name == nullptr ? "error" : name);
}

void try_open(const std::string& path, int flags) {
  report("open " + path, ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK));
}

void try_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  report("connect " + path, ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

void try_paths(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    try_connect(path);
    try_open(path, O_RDONLY | O_DIRECTORY);
  }
}

/// A working directory from another mount namespace would lead around the mounts of this one.
void try_paths_from_the_top(const std::vector<std::string>& paths) {
  for (int i = 0; i < 64 && ::chdir("..") == 0; ++i) {
  }
  for (const auto& path : paths) {
    try_connect(path.substr(1));
  }
}

void try_processes(pid_t supervisor) {
  const std::string outside = "/proc/" + std::to_string(supervisor);
  for (const auto& process : {outside, std::string("/proc/1")}) {
    for (const char* file : {"/root", "/cwd", "/fd/0", "/ns/net", "/ns/mnt", "/ns/user", "/mem"}) {
      try_open(process + file, O_RDONLY);
    }
  }
  report("signal the supervisor", ::kill(supervisor, 0));
  for (const pid_t pid : {supervisor, 1}) {
    const std::string name = pid == 1 ? "the reaper" : "the supervisor";
    report("trace " + name, ::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr));
    const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
    report("take a descriptor of " + name, ::syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    report("enter the namespaces of " + name, ::setns(static_cast<int>(pidfd), CLONE_NEWNET));
  }
  // The first process of a PID namespace ignores what comes from inside: nothing may happen.
  static_cast<void>(::kill(1, SIGKILL));
  static_cast<void>(::kill(1, SIGTERM));
}

/// The kernel's verdict on one request.
long netlink_verdict(int family, std::uint16_t type, std::uint16_t flags) {
  struct {
    nlmsghdr header;
    std::array<char, 64> zeros;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
  struct {
    nlmsghdr header;
    nlmsgerr error;
    std::array<char, 1024> rest;
  } answer{};
  if (fd < 0 || ::send(fd, &request, sizeof request, 0) < 0 ||
      ::recv(fd, &answer, sizeof answer, 0) < 0) {
    return -1;
  }
  errno = answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : 0;
  return errno == 0 ? 0 : -1;
}

void try_network() {
  report("add an address", netlink_verdict(NETLINK_ROUTE, RTM_NEWADDR, NLM_F_CREATE));
  report("add a link", netlink_verdict(NETLINK_ROUTE, RTM_NEWLINK, NLM_F_CREATE));
  report("remove a link", netlink_verdict(NETLINK_ROUTE, RTM_DELLINK, 0));
  report("add a neighbour", netlink_verdict(NETLINK_ROUTE, RTM_NEWNEIGH, NLM_F_CREATE));
  report("read the rules",
         netlink_verdict(NETLINK_NETFILTER, (NFNL_SUBSYS_NFTABLES << 8U) | NFT_MSG_GETTABLE, 0));
  report("open a packet socket", ::socket(AF_PACKET, SOCK_RAW, 0));
  report("open a raw socket", ::socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
}

void try_privileges() {
  report("mount", ::mount("none", "/mnt", "tmpfs", 0, nullptr));
  report("unmount /tmp", ::umount2("/tmp", MNT_DETACH));
  report("make a device", ::mknod("hostile-device", S_IFBLK | 0600, makedev(1, 1)));
  report("change the root", ::chroot("."));
  report("set groups", ::setgroups(0, nullptr));
  report("rename the host", ::sethostname("hostile", 7));
  report("make a network namespace", ::unshare(CLONE_NEWNET));
  report("make a mount namespace", ::unshare(CLONE_NEWNS));
  const int own = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  report("enter a network namespace", ::setns(own, CLONE_NEWNET));
  if (::getuid() != 0) {
    report("become root", ::setresuid(0, 0, 0));
  }
}

/// Whether a setuid program runs with the rights of its owner.
void try_setuid_program() {
  if (::getuid() == 0) {
    return;  // it is what it would become
  }
  for (const char* program : {"/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/su"}) {
    struct stat attributes {};
    if (::stat(program, &attributes) != 0 || (attributes.st_mode & S_ISUID) == 0) {
      continue;
    }
    const pid_t child = ::fork();
    if (child == 0) {
      const int null = ::open("/dev/null", O_RDWR);
      static_cast<void>(::dup2(null, 1));
      static_cast<void>(::dup2(null, 2));
      ::execl(program, program, "--help", nullptr);
      ::_exit(127);
    }
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    std::ifstream status("/proc/" + std::to_string(child) + "/status");
    std::string word;
    while (status >> word && word != "Uid:") {
    }
    uid_t real = 0;
    uid_t effective = 0;
    status >> real >> effective;
    errno = EPERM;
    report(std::string("gain by ") + program, status && effective != 0 ? -1 : 0);
    ::waitpid(child, nullptr, 0);
  }
}

/// Whoever may make a user namespace has every capability in there, and none over what is outside.
void try_in_a_user_namespace(const std::vector<std::string>& paths) {
  const int own_network = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    report("make a user namespace", -1);
    return;
  }
  report("userns: add a link", netlink_verdict(NETLINK_ROUTE, RTM_NEWLINK, NLM_F_CREATE));
  report("userns: read the rules",
         netlink_verdict(NETLINK_NETFILTER, (NFNL_SUBSYS_NFTABLES << 8U) | NFT_MSG_GETTABLE, 0));
  for (const char* point : {"/tmp", "/proc", "/etc/hosts"}) {
    report(std::string("userns: unmount ") + point, ::umount2(point, MNT_DETACH));
  }
  for (const auto& path : paths) {
    report("userns: unmount " + path, ::umount2(path.c_str(), MNT_DETACH));
  }
  report("userns: bind / without what is mounted in it",
         ::mount("/", "/mnt", nullptr, MS_BIND, nullptr));
  try_open("/proc/1/root", O_RDONLY);
  try_paths(paths);
  if (::unshare(CLONE_NEWNET) == 0) {
    struct if_nameindex* links = ::if_nameindex();
    const bool sees_more = links != nullptr && links[0].if_index != 0 && links[1].if_index != 0;
    errno = ENODEV;
    report("userns: see the bridge", sees_more ? 0 : -1);
    ::if_freenameindex(links);
    report("userns: go back as its administrator", ::setns(own_network, CLONE_NEWNET));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto supervisor = static_cast<pid_t>(std::strtol(argv[1], nullptr, 10));
  const std::vector<std::string> paths(argv + 2, argv + argc);
  try_processes(supervisor);
  try_network();
  try_privileges();
  try_setuid_program();
  try_paths(paths);
  const pid_t child = ::fork();
  if (child == 0) {
    try_in_a_user_namespace(paths);
    std::fflush(stdout);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  try_paths_from_the_top(paths);
  std::puts("done");
  return 0;
}
