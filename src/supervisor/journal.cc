#include "src/supervisor/journal.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "src/base/clock.h"

namespace tinet {

namespace {

constexpr std::size_t kRecentMax = 10'000;

}  // namespace

Journal::Journal(const boost::asio::any_io_executor& executor, UniqueFd file)
    : file_(std::move(file)), changes_(executor) {}

void Journal::add(std::string_view actor, std::string_view event, std::string_view instance,
                  std::string_view text, boost::json::object details) {
  boost::json::object line;
  line["seq"] = ++last_seq_;
  line["time_unix_ms"] = unix_ms_now();
  line["monotonic_ns"] = std::chrono::steady_clock::now().time_since_epoch().count();
  line["actor"] = actor;
  line["event"] = event;
  if (!instance.empty()) {
    line["instance"] = instance;
  }
  line["text"] = text;
  for (auto& entry : details) {
    line[entry.key()] = std::move(entry.value());
  }
  if (lost_lines_ > 0) {
    line["lost_lines_before"] = lost_lines_;
  }
  recent_.push_back({last_seq_, boost::json::serialize(line)});
  if (recent_.size() > kRecentMax) {
    recent_.pop_front();
  }
  if (file_) {
    const std::string out = recent_.back().line + "\n";
    const bool written =
        ::write(file_.get(), out.data(), out.size()) == static_cast<ssize_t>(out.size());
    lost_lines_ = written ? 0 : lost_lines_ + 1;
  }
  changes_.notify();
}

std::deque<Journal::Entry> Journal::after(std::uint64_t since) const {
  const auto first =
      std::upper_bound(recent_.begin(), recent_.end(), since,
                       [](std::uint64_t seq, const Entry& e) { return seq < e.seq; });
  return {first, recent_.end()};
}

}  // namespace tinet
