#pragma once
/// Pseudo terminals for `exec` and `shell`, and the caller's own terminal in raw mode.

#include <string>

#include <termios.h>

#include "src/base/unique_fd.h"

namespace tinet {

struct Pty {
  UniqueFd master;  ///< read what the program prints, write what the user types
  UniqueFd slave;   ///< for SpawnOptions::pty_slave_fd; close it in the caller after the spawn
};

struct WindowSize {
  unsigned short rows = 24;
  unsigned short columns = 80;
  friend bool operator==(const WindowSize&, const WindowSize&) = default;
};

/// Opens a pair in the caller's devpts, both ends close-on-exec. A read from the master fails with
/// EIO when the last slave has been closed: that is the end of the output.
/// @throws Error
/// @see pts(4)
[[nodiscard]] Pty open_pty(WindowSize size = {});

/// Size of the terminal `fd`; 24x80 when it is none or does not know.
[[nodiscard]] WindowSize window_size(int fd) noexcept;

/// Sets the size; the foreground processes of the terminal get SIGWINCH when it changed. Call it
/// on the master with window_size() of the user's terminal whenever SIGWINCH arrives.
/// @throws Error when `fd` is no terminal
void set_window_size(int fd, WindowSize size);

/// The user's terminal in raw mode for the time of a scope: keys go through untouched, also ^C.
/// Nothing happens when `fd` is no terminal.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  RawTerminal(RawTerminal&&) = delete;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

  [[nodiscard]] bool active() const noexcept { return active_; }

 private:
  int fd_;
  bool active_ = false;
  termios saved_{};
};

}  // namespace tinet
