#include "src/cli/progress_view.h"

#include <algorithm>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/cli/json_view.h"
#include "src/cli/output.h"
#include "src/cli/status_view.h"

namespace tinet::cli {

namespace {

/// Lines that fit on the terminal; a table that scrolls cannot be drawn over.
std::size_t screen_lines() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2;
  return known ? size.ws_row - 2U : 22U;
}

/// One screen line per row, whatever the reason is.
std::string shortened(const std::string& text) {
  constexpr std::size_t kMax = 60;
  return text.size() <= kMax ? text : text.substr(0, kMax - 3) + "...";
}

}  // namespace

ProgressView::ProgressView(Context& context, std::vector<std::string> instances)
    : context_(context) {
  for (auto& name : instances) {
    rows_.push_back({.name = std::move(name)});
  }
}

void ProgressView::update(const boost::json::value& progress) {
  const std::string name = text_of(progress, "instance");
  auto row = std::find_if(rows_.begin(), rows_.end(),
                          [&](const Row& candidate) { return candidate.name == name; });
  if (row == rows_.end()) {
    rows_.push_back({.name = name});
    row = rows_.end() - 1;
  }
  row->state = text_of(progress, "state");
  row->waiting_for = text_of(progress, "waiting_for");
  if (context_.globals.quiet) {
    return;
  }
  if (context_.streams.err_is_terminal) {
    draw();
  } else {
    context_.note(text_of(progress, "text"));
  }
}

void ProgressView::clear() {
  if (lines_drawn_ > 0) {
    context_.streams.err << "\033[" << lines_drawn_ << "A\033[J" << std::flush;
    lines_drawn_ = 0;
  }
}

void ProgressView::draw() {
  const std::size_t limit = screen_lines();
  Table table({"INSTANCE", "STATE", "WAITING FOR"});
  std::size_t shown = 0;
  std::size_t ready = 0;
  for (const auto& row : rows_) {
    const bool is_ready = row.state == "ready";
    ready += is_ready ? 1 : 0;
    // In a large cluster only those that still need something are worth a line.
    if ((rows_.size() > limit && is_ready) || shown + 2 > limit) {
      continue;
    }
    table.row({{row.name}, {row.state, state_color(row.state)}, {shortened(row.waiting_for)}});
    ++shown;
  }
  const std::string text = table.render(context_.err_color());
  clear();
  context_.streams.err << text << ready << " of " << rows_.size() << " ready\n" << std::flush;
  lines_drawn_ = shown + 2;
}

}  // namespace tinet::cli
