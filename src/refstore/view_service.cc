#include "src/refstore/view_service.h"

#include <algorithm>

namespace tinet::refstore {

ViewService::ViewService(DurableState saved, Time now)
    : state_(std::move(saved)), last_activity_(now) {
  // The members get the full time to show up: their silence so far was ours.
  for (const Member* member : {&state_.view.primary, &state_.view.backup}) {
    if (!member->empty()) {
      servers_[member->address] = {member->incarnation, now};
    }
  }
}

const View& ViewService::ping(const Ping& ping, Time now) {
  forgive_own_pause(now);
  servers_[ping.address] = {ping.incarnation, now};
  record_store(ping);
  acknowledge(ping);
  advance(now);
  return state_.view;
}

void ViewService::tick(Time now) {
  forgive_own_pause(now);
  advance(now);
}

bool ViewService::is_up(const std::string& address, Time now) const {
  const auto found = servers_.find(address);
  return found != servers_.end() && now - found->second.last_ping <= kDeadAfter;
}

std::size_t ViewService::count_up(Time now) const {
  return static_cast<std::size_t>(
      std::count_if(state_.stores.begin(), state_.stores.end(),
                    [&](const StoreRecord& store) { return is_up(store.address, now); }));
}

bool ViewService::misses_peer(Time now) const {
  if (!state_.acknowledged || !lives(state_.view.primary, now)) {
    return true;
  }
  const bool replicated = state_.synced && lives(state_.view.backup, now);
  return !replicated && count_up(now) >= 2;
}

void ViewService::forgive_own_pause(Time now) {
  // A frozen or starved view service hears nobody; without this it would take its own sleep for
  // everybody's death. Pings and ticks come every kPingInterval when it is well.
  const auto gap = now - last_activity_;
  if (gap > kDeadAfter / 2) {
    for (auto& [address, server] : servers_) {
      server.last_ping += gap;
    }
  }
  last_activity_ = now;
}

void ViewService::record_store(const Ping& ping) {
  const auto found =
      std::find_if(state_.stores.begin(), state_.stores.end(),
                   [&](const StoreRecord& store) { return store.address == ping.address; });
  if (found != state_.stores.end()) {
    found->info = ping.info;
    return;
  }
  state_.stores.push_back({state_.stores.size() + 1, ping.address, ping.info});
}

void ViewService::acknowledge(const Ping& ping) {
  if (!state_.view.primary.is(ping.address, ping.incarnation) ||
      ping.view_number != state_.view.number) {
    return;
  }
  state_.acknowledged = true;
  state_.synced = state_.synced || (ping.synced && !state_.view.backup.empty());
}

void ViewService::advance(Time now) {
  const View& view = state_.view;
  if (view.number == 0) {
    if (const Member first = idle_server(now); !first.empty()) {
      change_view(first, {});
    }
    return;
  }
  if (!state_.acknowledged) {
    return;
  }
  if (!lives(view.primary, now)) {
    if (state_.synced && lives(view.backup, now)) {
      change_view(view.backup, idle_server(now));
    }
    return;
  }
  if (view.backup.empty() || !lives(view.backup, now)) {
    const Member next = idle_server(now);
    if (!next.empty() || !view.backup.empty()) {
      change_view(view.primary, next);
    }
  }
}

void ViewService::change_view(Member primary, Member backup) {
  state_.view = {state_.view.number + 1, std::move(primary), std::move(backup)};
  state_.acknowledged = false;
  state_.synced = false;
}

bool ViewService::lives(const Member& member, Time now) const {
  const auto found = servers_.find(member.address);
  return found != servers_.end() && found->second.incarnation == member.incarnation &&
         now - found->second.last_ping <= kDeadAfter;
}

Member ViewService::idle_server(Time now) const {
  for (const StoreRecord& store : state_.stores) {
    const Member candidate = member_at(store.address);
    const bool in_use = candidate == state_.view.primary || candidate == state_.view.backup;
    if (!in_use && lives(candidate, now)) {
      return candidate;
    }
  }
  return {};
}

Member ViewService::member_at(const std::string& address) const {
  const auto server = servers_.find(address);
  if (server == servers_.end()) {
    return {};
  }
  for (const StoreRecord& store : state_.stores) {
    if (store.address == address) {
      return {address, server->second.incarnation, store.id};
    }
  }
  return {};
}

}  // namespace tinet::refstore
