#pragma once
/// The replicated state: keys and values, and the table that makes puts happen at most once. Pure
/// and deterministic: two states that have applied the same operations in the same order are equal.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinet::refstore {

inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kValueBytesMax = 1 << 20;
/// Clients that the duplicate table remembers; the one that was quiet longest is forgotten first.
inline constexpr std::size_t kClientsMax = 65536;

struct Op {
  enum class Kind {
    Get,
    Put,      ///< the key gets the value
    PutHash,  ///< the key gets chain_hash(previous value + value); the previous value is returned
  };
  Kind kind = Kind::Get;
  std::string client_id{};  ///< puts only
  std::uint64_t seq = 0;    ///< puts only: counts up per client, one operation at a time
  std::string key{};
  std::string value{};  ///< puts only
  friend bool operator==(const Op&, const Op&) = default;
};

struct OpResult {
  enum class Status {
    Ok,
    NoKey,     ///< Get: the key was never put
    StaleSeq,  ///< the client has already gone on to a later operation; nothing was done
  };
  Status status = Status::Ok;
  std::string value;  ///< Get: the value; PutHash: the previous value, "" when there was none
  friend bool operator==(const OpResult&, const OpResult&) = default;
};

/// FNV-1a, 64 bit, as decimal text: the link function of the hash chains of PutHash.
[[nodiscard]] std::string chain_hash(std::string_view text);

/// One row of the duplicate table.
struct ClientRecord {
  std::string client_id;
  std::uint64_t seq = 0;         ///< last operation applied
  std::uint64_t applied_at = 0;  ///< its index
  std::string previous;          ///< what it returned, when it was a PutHash
  friend bool operator==(const ClientRecord&, const ClientRecord&) = default;
};

/// A part of a state on its way to a new backup.
struct Chunk {
  std::uint64_t number = 0;   ///< counts from 0
  bool last = false;          ///< the state is complete with this one
  std::uint64_t applied = 0;  ///< index of the last operation in the whole state
  std::vector<std::pair<std::string, std::string>> values{};
  std::vector<ClientRecord> clients{};
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

class KvState {
 public:
  /// Does the operation, or repeats the answer when the client's seq was applied before.
  OpResult apply(const Op& op);

  /// Number of operations applied, gets and duplicates included.
  [[nodiscard]] std::uint64_t applied() const noexcept { return applied_; }
  [[nodiscard]] std::size_t keys() const noexcept { return values_.size(); }
  /// Equal for equal states: over all keys, values and the duplicate table.
  [[nodiscard]] std::uint64_t digest() const;

  /// Adds the content of a chunk to this state.
  void absorb(const Chunk& chunk);

 private:
  friend class SnapshotReader;

  void remember(ClientRecord record);

  std::map<std::string, std::string> values_;
  std::map<std::string, ClientRecord> clients_;
  std::map<std::uint64_t, std::string> clients_by_age_;  ///< applied_at -> client
  std::uint64_t applied_ = 0;
};

/// Cuts a state into chunks of bounded size, in key order. Keeps positions as keys, so a state that
/// changes between two calls gives a useless but never an invalid result.
class SnapshotReader {
 public:
  /// @param chunk_bytes a chunk ends with the first entry that reaches this size
  SnapshotReader(const KvState& state, std::size_t chunk_bytes)
      : state_(state), chunk_bytes_(chunk_bytes) {}

  /// The next chunk, nullopt after the last one. An empty state has one chunk.
  [[nodiscard]] std::optional<Chunk> next();

 private:
  const KvState& state_;
  std::size_t chunk_bytes_;
  std::uint64_t number_ = 0;
  std::optional<std::string> last_key_;
  std::optional<std::string> last_client_;
  bool done_ = false;
};

}  // namespace tinet::refstore
