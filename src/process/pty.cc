#include "src/process/pty.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet {

Pty open_pty(WindowSize size) {
  Pty pty;
  pty.master = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (const int error = errno; !pty.master) {
    throw_errno(error, "cannot open a pseudo terminal");
  }
  if (::grantpt(pty.master.get()) != 0 || ::unlockpt(pty.master.get()) != 0) {
    throw_errno(errno, "cannot unlock a pseudo terminal");
  }
  // By ioctl rather than by name: the name may mean another terminal in another mount namespace.
  pty.slave = UniqueFd(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (const int error = errno; !pty.slave) {
    throw_errno(error, "cannot open the other end of a pseudo terminal");
  }
  set_window_size(pty.master.get(), size);
  return pty;
}

WindowSize window_size(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    return {};
  }
  return {.rows = size.ws_row, .columns = size.ws_col};
}

void set_window_size(int fd, WindowSize size) {
  const winsize wanted{.ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  const int result = ::ioctl(fd, TIOCSWINSZ, &wanted);
  if (const int error = errno; result != 0) {
    throw_errno(error, "cannot set the size of the terminal");
  }
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  if (::tcgetattr(fd_, &saved_) != 0) {
    return;
  }
  termios raw = saved_;
  ::cfmakeraw(&raw);
  active_ = ::tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (active_) {
    static_cast<void>(::tcsetattr(fd_, TCSADRAIN, &saved_));
  }
}

}  // namespace tinet
