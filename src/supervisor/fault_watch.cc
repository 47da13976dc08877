#include "src/supervisor/fault_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fcntl.h>

#include "src/base/error.h"
#include "src/base/unique_fd.h"

namespace tinet {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// Applied again that much before the fabric's last entry takes over.
constexpr milliseconds kRefreshLead{20};
/// An apply that keeps asking for the next one leaves the loop that much for other work.
constexpr milliseconds kRefreshPause{5};
/// How often traffic is looked for, as a part of the time that a fault is given.
constexpr int kListensPerMatch = 8;
/// An audit may take that much of the loop's time: one part of so many.
constexpr int kAuditShare = 20;
/// A process of the fabric's that ends sooner than this after the one before waits for so long.
constexpr milliseconds kHelperPause{1'000};

MonoTime now() {
  return std::chrono::steady_clock::now();
}

bool waits_for_bytes(const Fault& fault) {
  return std::any_of(fault.clauses.begin(), fault.clauses.end(),
                     [](const FaultClause& clause) { return clause.match.after_bytes; });
}

/// Whether nothing but a full queue makes this fault drop packets.
bool drops_by_queue_only(const Fault& fault) {
  return !fault.clauses.empty() &&
         std::all_of(fault.clauses.begin(), fault.clauses.end(), [](const FaultClause& clause) {
           const LinkAction& action = clause.action;
           return action.shapes() && !action.cut && action.bursts.empty() &&
                  action.loss.value == 0 && action.lost_replies.value == 0;
         });
}

}  // namespace

FaultWatch::FaultWatch(const asio::any_io_executor& executor, Fabric& fabric, Journal& journal,
                       Changes& changes, const FaultBook& book, const ProbeLedger& ledger,
                       std::function<void()> reapply, WatchTimes times)
    : fabric_(fabric),
      journal_(journal),
      changes_(changes),
      book_(book),
      ledger_(ledger),
      reapply_(std::move(reapply)),
      times_(times),
      refresh_(executor),
      matches_(executor),
      audit_(executor),
      helper_(executor) {
  arm_audit(times_.audit_at_rest);
}

void FaultWatch::changed(std::optional<MonoTime> refresh_at) {
  arm_refresh(refresh_at);
  arm_matches();
  arm_audit(times_.audit_after_change);
  watch_helper();
}

void FaultWatch::traffic_begins() {
  processes_ = true;
  arm_matches();
}

std::shared_ptr<void> FaultWatch::while_probing() {
  std::shared_ptr<void> token = probing_.lock();
  if (!token) {
    if (listening_) {
      listen(now());
    }
    token = std::make_shared<char>();
    probing_ = token;
  }
  probed_ = true;
  return token;
}

void FaultWatch::shut_down() {
  shut_down_ = true;
  refresh_.cancel();
  matches_.cancel();
  audit_.cancel();
  helper_.close();
}

void FaultWatch::arm_refresh(std::optional<MonoTime> at) {
  refresh_.cancel();
  if (!at || shut_down_) {
    return;
  }
  refresh_.expires_at(std::max(*at - kRefreshLead, now() + kRefreshPause));
  refresh_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !shut_down_) {
      reapply_();
    }
  });
}

bool FaultWatch::matched_nothing(const Fault& fault, const PacketCounts& packets) const {
  const auto met = traffic_met_.find(fault.id);
  return met != traffic_met_.end() && met->second >= times_.match_within &&
         packets.matched() == 0 && !waits_for_bytes(fault);
}

bool FaultWatch::is_waited_for(const FaultBook::Entry& entry) const {
  return !entry.fault.links.empty() && looked_at_.count(entry.fault.id) == 0;
}

bool FaultWatch::anything_waits() const {
  const auto& entries = book_.entries();
  return processes_ && !shut_down_ &&
         std::any_of(entries.begin(), entries.end(),
                     [&](const auto& entry) { return is_waited_for(entry.second); });
}

void FaultWatch::arm_matches() {
  std::erase_if(looked_at_, [&](FaultId id) { return book_.find(id) == nullptr; });
  std::erase_if(traffic_met_, [&](const auto& met) {
    return book_.find(met.first) == nullptr && book_.find_ended(met.first) == nullptr;
  });
  if (!anything_waits()) {
    listening_ = false;
    matches_.cancel();
  } else if (!listening_) {
    listening_ = true;
    heard_.reset();
    sent_.reset();
    listened_ = now();
    listen(listened_);
    listen_again();
  }
}

void FaultWatch::listen_again() {
  matches_.expires_after(times_.match_within / kListensPerMatch);
  matches_.async_wait([this](const boost::system::error_code& error) {
    if (error || shut_down_ || !listening_) {
      return;
    }
    listen(now());
    look_for_matches();
    listening_ = anything_waits();
    if (listening_) {
      listen_again();
    }
  });
}

/// What was sent up to now is nobody's; the next look compares with this one.
void FaultWatch::forget_traffic(MonoTime time) {
  listened_ = time;
  heard_.reset();
  try {
    sent_ = fabric_.traffic();
  } catch (const Error&) {
    sent_.reset();
  }
}

/// Counts the time since the last look as one of traffic when something was sent not long ago:
/// programs that talk do so in turns.
void FaultWatch::listen(MonoTime time) {
  if (probed_) {
    forget_traffic(time);
    probed_ = !probing_.expired();
    return;
  }
  const std::chrono::nanoseconds quiet_max = times_.match_within / 2;
  try {
    const auto sent = fabric_.traffic();
    if (!sent || (sent_ && *sent != *sent_)) {
      heard_ = time;
    }
    sent_ = sent;
  } catch (const Error&) {
    // The next audit tells what is wrong with the network.
  }
  if (heard_ && time - *heard_ <= quiet_max) {
    for (const auto& [id, entry] : book_.entries()) {
      const std::chrono::nanoseconds met = time - std::max(entry.since, listened_);
      if (is_waited_for(entry) && met.count() > 0) {
        traffic_met_[id] += std::min(met, quiet_max);
      }
    }
  }
  listened_ = time;
}

/// Whether it met no packet; nothing when the fabric cannot tell now.
std::optional<bool> FaultWatch::found_no_match(const Fault& fault) const {
  try {
    return matched_nothing(fault, ledger_.without_probes(fault.id, fabric_.packets(fault.id)));
  } catch (const Error&) {
    return std::nullopt;  // the next audit tells what is wrong with the network
  }
}

void FaultWatch::look_for_matches() {
  bool told = false;
  for (const auto& [id, entry] : book_.entries()) {
    const auto met = traffic_met_.find(id);
    if (!is_waited_for(entry) || met == traffic_met_.end() || met->second < times_.match_within) {
      continue;
    }
    const auto no_match = found_no_match(entry.fault);
    if (!no_match) {
      continue;
    }
    looked_at_.insert(id);
    if (*no_match) {
      journal_.add("tinet", "fault-matched-nothing", "",
                   to_string(id) + ": no packet was meant in " +
                       format_duration(times_.match_within) +
                       " of traffic; does anything talk over these links?",
                   {{"fault", to_string(id)}});
      told = true;
    }
  }
  if (told) {
    changes_.notify();
  }
}

void FaultWatch::arm_audit(milliseconds after) {
  audit_.cancel();
  if (shut_down_) {
    return;
  }
  audit_.expires_after(after);
  audit_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !shut_down_) {
      audit();
    }
  });
}

/// Faults that need a process of their own do nothing without it, so it is replaced at once; one
/// that ends again and again, at leisure.
void FaultWatch::watch_helper() {
  const int fd = shut_down_ ? -1 : fabric_.helper_exit_fd();
  if (fd == helper_fd_) {
    return;
  }
  helper_.close();
  helper_fd_ = fd;
  if (fd < 0) {
    return;
  }
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) {
    return;  // then the next audit finds out, as where the loop takes no more descriptors
  }
  boost::system::error_code refused;
  if (helper_.assign(copy.get(), refused); refused) {
    return;
  }
  static_cast<void>(copy.release());
  helper_.async_wait(asio::posix::descriptor_base::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error || shut_down_) {
                         return;
                       }
                       helper_.close();
                       helper_fd_ = -1;
                       const bool again = helper_ended_ && now() - *helper_ended_ < kHelperPause;
                       helper_ended_ = now();
                       arm_audit(again ? kHelperPause : milliseconds(0));
                     });
}

FaultWatch::FoundDrift FaultWatch::look_for_drift(MonoTime start) {
  const auto is_new = [&](const Drift& drift) {
    return std::none_of(open_drift_.begin(), open_drift_.end(),
                        [&](const Drift& open) { return open.what == drift.what; });
  };
  FoundDrift found;
  try {
    for (Drift& drift : fabric_.audit(start)) {
      if (drift.repaired || is_new(drift)) {
        journal_.add("kernel", "drift", "",
                     drift.what + (drift.repaired ? "; repaired" : "; could not be repaired"),
                     {{"repaired", drift.repaired}});
      }
      if (drift.repaired) {
        found.repaired = true;
      } else {
        found.still_there.push_back(std::move(drift));
      }
    }
  } catch (const Error& error) {
    Drift unknown{std::string("the network cannot be checked: ") + error.what()};
    if (is_new(unknown)) {
      journal_.add("tinet", "audit-failed", "", error.what());
    }
    found.still_there.push_back(std::move(unknown));
  }
  return found;
}

/// The counts do not tell a full queue from another loss, so only faults that drop nothing by
/// themselves are looked at.
/// @param tell no: what waited was lost for another reason, which has its own event
void FaultWatch::look_for_full_queues(MonoTime time, bool tell) {
  std::erase_if(queue_drops_, [&](const auto& told) { return book_.find(told.first) == nullptr; });
  for (const auto& [id, entry] : book_.entries()) {
    if (!drops_by_queue_only(entry.fault)) {
      continue;
    }
    const std::uint64_t dropped = ledger_.without_probes(id, fabric_.packets(id)).dropped;
    ToldDrops& told = queue_drops_[id];
    if (!tell) {
      told.packets = std::max(told.packets, dropped);
      continue;
    }
    if (dropped <= told.packets ||
        (told.packets > 0 && time - told.when < times_.queue_full_every)) {
      continue;
    }
    journal_.add("kernel", "queue-full", "",
                 to_string(id) + ": " + std::to_string(dropped - told.packets) +
                     " packets found their queue full and were dropped",
                 {{"fault", to_string(id)}, {"packets", dropped - told.packets}});
    told = {time, dropped};
  }
}

void FaultWatch::audit() {
  const MonoTime start = now();
  FoundDrift found = look_for_drift(start);
  std::vector<Drift>& still_there = found.still_there;
  try {
    look_for_full_queues(start, !found.repaired);
  } catch (const Error&) {
    // What is wrong with the network has been told.
  }
  const bool same =
      std::equal(still_there.begin(), still_there.end(), open_drift_.begin(), open_drift_.end(),
                 [](const Drift& a, const Drift& b) { return a.what == b.what; });
  open_drift_ = std::move(still_there);
  if (!same) {
    changes_.notify();
  }
  const auto& entries = book_.entries();
  const bool active = std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return !entry.second.fault.links.empty();
  });
  const auto took = std::chrono::duration_cast<milliseconds>(now() - start);
  arm_audit(std::max(active ? times_.audit_with_faults : times_.audit_at_rest, took * kAuditShare));
  watch_helper();
}

}  // namespace tinet
