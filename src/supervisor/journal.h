#pragma once
/// The cluster's history: one JSON line per event, appended to STATE/journal.jsonl and kept in
/// memory (the newest 10000) for `tinet events`. Only the supervisor's loop writes it.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "src/base/unique_fd.h"
#include "src/supervisor/changes.h"

namespace tinet {

class Journal {
 public:
  /// @param file opened for appending; may be empty: memory only
  Journal(const boost::asio::any_io_executor& executor, UniqueFd file);

  /// Adds seq, time_unix_ms and monotonic_ns, appends and wakes followers. A failing write (ENOSPC)
  /// never stops the cluster: the event stays in memory and the next one that can be written says
  /// how many were lost.
  /// @param actor    who did it: "user", "tinet", "kernel", or an instance
  /// @param event    short stable word, e.g. "fault-applied"
  /// @param instance the instance it is about, or empty
  /// @param text     one sentence for people
  void add(std::string_view actor, std::string_view event, std::string_view instance,
           std::string_view text, boost::json::object details = {});

  struct Entry {
    std::uint64_t seq = 0;
    std::string line;  ///< serialized, without line end
  };

  /// Entries with seq > since, oldest first, of those still in memory.
  [[nodiscard]] std::deque<Entry> after(std::uint64_t since) const;
  [[nodiscard]] Changes& changes() noexcept { return changes_; }

 private:
  UniqueFd file_;
  Changes changes_;
  std::deque<Entry> recent_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t lost_lines_ = 0;
};

}  // namespace tinet
