#include "src/supervisor/fault_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "src/base/error.h"

namespace tinet {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// Applied again that much before the fabric's last entry takes over.
constexpr milliseconds kRefreshLead{20};
/// An apply that keeps asking for the next one leaves the loop that much for other work.
constexpr milliseconds kRefreshPause{5};
/// An audit may take that much of the loop's time: one part of so many.
constexpr int kAuditShare = 20;

MonoTime now() {
  return std::chrono::steady_clock::now();
}

bool waits_for_bytes(const Fault& fault) {
  return std::any_of(fault.clauses.begin(), fault.clauses.end(),
                     [](const FaultClause& clause) { return clause.match.after_bytes; });
}

}  // namespace

FaultWatch::FaultWatch(const asio::any_io_executor& executor, Fabric& fabric, Journal& journal,
                       Changes& changes, const FaultBook& book, std::function<void()> reapply,
                       WatchTimes times)
    : fabric_(fabric),
      journal_(journal),
      changes_(changes),
      book_(book),
      reapply_(std::move(reapply)),
      times_(times),
      refresh_(executor),
      matches_(executor),
      audit_(executor) {
  arm_audit(times_.audit_at_rest);
}

void FaultWatch::changed(std::optional<MonoTime> refresh_at) {
  arm_refresh(refresh_at);
  arm_matches();
  arm_audit(times_.audit_after_change);
}

void FaultWatch::traffic_begins() {
  if (!traffic_since_) {
    traffic_since_ = now();
    arm_matches();
  }
}

void FaultWatch::shut_down() {
  shut_down_ = true;
  refresh_.cancel();
  matches_.cancel();
  audit_.cancel();
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

bool FaultWatch::matched_nothing(const Fault& fault, const PacketCounts& packets, MonoTime since,
                                 MonoTime until) const {
  return !fault.links.empty() && traffic_since_ && packets.matched() == 0 &&
         !waits_for_bytes(fault) && until - std::max(since, *traffic_since_) >= times_.match_within;
}

void FaultWatch::arm_matches() {
  matches_.cancel();
  std::erase_if(looked_at_, [&](FaultId id) { return book_.find(id) == nullptr; });
  if (!traffic_since_ || shut_down_) {
    return;
  }
  std::optional<MonoTime> next;
  for (const auto& [id, entry] : book_.entries()) {
    if (!entry.fault.links.empty() && looked_at_.count(id) == 0) {
      const MonoTime due = std::max(entry.since, *traffic_since_) + times_.match_within;
      next = next ? std::min(*next, due) : due;
    }
  }
  if (!next) {
    return;
  }
  matches_.expires_at(*next);
  matches_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !shut_down_) {
      look_for_matches();
      arm_matches();
    }
  });
}

void FaultWatch::look_for_matches() {
  const MonoTime time = now();
  bool told = false;
  for (const auto& [id, entry] : book_.entries()) {
    if (entry.fault.links.empty() || looked_at_.count(id) > 0 ||
        time < std::max(entry.since, *traffic_since_) + times_.match_within) {
      continue;
    }
    looked_at_.insert(id);
    if (matched_nothing(entry.fault, fabric_.packets(id), entry.since, time)) {
      journal_.add("tinet", "fault-matched-nothing", "",
                   to_string(id) + ": no packet was meant for " +
                       format_duration(times_.match_within) +
                       "; does anything talk over these links?",
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

void FaultWatch::audit() {
  const MonoTime start = now();
  try {
    std::set<std::string> still_there;
    for (const Drift& drift : fabric_.audit(start)) {
      if (!drift.repaired) {
        still_there.insert(drift.what);
      }
      if (drift.repaired || open_drift_.count(drift.what) == 0) {
        journal_.add("kernel", "drift", "",
                     drift.what + (drift.repaired ? "; repaired" : "; could not be repaired"),
                     {{"repaired", drift.repaired}});
      }
    }
    open_drift_ = std::move(still_there);
    audit_fails_ = false;
  } catch (const Error& error) {
    if (!audit_fails_) {
      journal_.add("tinet", "audit-failed", "", error.what());
    }
    audit_fails_ = true;
  }
  const auto& entries = book_.entries();
  const bool active = std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return !entry.second.fault.links.empty();
  });
  const auto took = std::chrono::duration_cast<milliseconds>(now() - start);
  arm_audit(std::max(active ? times_.audit_with_faults : times_.audit_at_rest, took * kAuditShare));
}

}  // namespace tinet
