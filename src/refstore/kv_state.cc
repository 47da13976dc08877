#include "src/refstore/kv_state.h"

#include <utility>

namespace tinet::refstore {
namespace {

constexpr std::uint64_t kFnvOffset = 14695981039346656037ULL;
constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvOffset) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  }
  return hash;
}

/// With the length first, so that ("ab","c") and ("a","bc") differ.
std::uint64_t fnv1a_field(std::string_view text, std::uint64_t hash) {
  return fnv1a(text, fnv1a(std::to_string(text.size()) + ":", hash));
}

template <typename Map>
typename Map::const_iterator after(const Map& map, const std::optional<std::string>& key) {
  return key ? map.upper_bound(*key) : map.begin();
}

}  // namespace

std::string chain_hash(std::string_view text) {
  return std::to_string(fnv1a(text));
}

OpResult KvState::apply(const Op& op) {
  ++applied_;
  if (op.kind == Op::Kind::Get) {
    const auto found = values_.find(op.key);
    return found == values_.end() ? OpResult{OpResult::Status::NoKey, {}}
                                  : OpResult{OpResult::Status::Ok, found->second};
  }
  if (const auto known = clients_.find(op.client_id); known != clients_.end()) {
    if (op.seq == known->second.seq) {
      return {OpResult::Status::Ok, known->second.previous};
    }
    if (op.seq < known->second.seq) {
      return {OpResult::Status::StaleSeq, {}};
    }
  }

  std::string& value = values_[op.key];
  std::string previous;
  if (op.kind == Op::Kind::PutHash) {
    previous = value;
    value = chain_hash(previous + op.value);
  } else {
    value = op.value;
  }
  remember({op.client_id, op.seq, applied_, previous});
  return {OpResult::Status::Ok, previous};
}

void KvState::remember(ClientRecord record) {
  ClientRecord& slot = clients_[record.client_id];
  clients_by_age_.erase(slot.applied_at);
  slot = std::move(record);
  clients_by_age_[slot.applied_at] = slot.client_id;
  if (clients_.size() > kClientsMax) {
    clients_.erase(clients_by_age_.begin()->second);
    clients_by_age_.erase(clients_by_age_.begin());
  }
}

std::uint64_t KvState::digest() const {
  std::uint64_t hash = fnv1a(std::to_string(applied_));
  for (const auto& [key, value] : values_) {
    hash = fnv1a_field(value, fnv1a_field(key, hash));
  }
  for (const auto& [id, client] : clients_) {
    hash = fnv1a_field(id, hash);
    hash = fnv1a_field(std::to_string(client.seq) + "@" + std::to_string(client.applied_at), hash);
    hash = fnv1a_field(client.previous, hash);
  }
  return hash;
}

void KvState::absorb(const Chunk& chunk) {
  for (const auto& [key, value] : chunk.values) {
    values_[key] = value;
  }
  for (const ClientRecord& client : chunk.clients) {
    remember(client);
  }
  applied_ = chunk.applied;
}

std::optional<Chunk> SnapshotReader::next() {
  if (done_) {
    return std::nullopt;
  }
  Chunk chunk{.number = number_++, .applied = state_.applied()};
  std::size_t bytes = 0;
  auto value = after(state_.values_, last_key_);
  for (; value != state_.values_.end() && bytes < chunk_bytes_; ++value) {
    bytes += value->first.size() + value->second.size();
    chunk.values.emplace_back(*value);
    last_key_ = value->first;
  }
  auto client = after(state_.clients_, last_client_);
  for (; client != state_.clients_.end() && bytes < chunk_bytes_; ++client) {
    bytes += client->first.size() + client->second.previous.size();
    chunk.clients.push_back(client->second);
    last_client_ = client->first;
  }
  done_ = value == state_.values_.end() && client == state_.clients_.end();
  chunk.last = done_;
  return chunk;
}

}  // namespace tinet::refstore
