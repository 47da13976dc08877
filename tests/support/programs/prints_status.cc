// prints_status [file PATH | list PATH]...: shows what a program sees of itself and
// of its surroundings. Without words: /proc/self/status, ids, groups, working directory, open
// descriptors and limits.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

void print_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::cout << path << ": cannot open\n";
    return;
  }
  std::cout << file.rdbuf();
}

void print_list(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    std::cout << name << '\n';
  }
  if (error) {
    std::cout << path << ": " << error.message() << '\n';
  }
}

void print_self() {
  print_file("/proc/self/status");
  std::cout << "uid: " << ::getuid() << ' ' << ::geteuid() << '\n';
  std::cout << "cwd: " << std::filesystem::current_path().string() << '\n';
  std::cout << "pgrp: " << (::getpgrp() == ::getpid() ? "leader" : "member") << '\n';
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat info {};
    if (::fstat(fd, &info) == 0) {
      std::cout << "fd: " << fd << '\n';
    }
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  std::cout << "nofile: " << (files.rlim_cur == files.rlim_max ? "hard" : "soft") << '\n';
  const mode_t mask = ::umask(0);
  std::cout << "umask: " << mask << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    print_self();
  }
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string(argv[i]) == "file" ? print_file(argv[i + 1]) : print_list(argv[i + 1]);
  }
  return std::cout.flush() ? 0 : 1;
}
