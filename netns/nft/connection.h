#pragma once
/// A network namespace's nf_tables: committing batches and reading back what is there. Needs
/// CAP_NET_ADMIN in the user namespace that owns the network namespace; reading too.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netns/netlink/socket.h"
#include "netns/nft/batch.h"
#include "netns/nft/objects.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"
#include "src/base/error.h"

namespace tinet::nft {

/// Owns the NETLINK_NETFILTER socket. Tables with `owner` live as long as it does.
class Connection {
 public:
  /// In the calling thread's namespace. @throws Error
  [[nodiscard]] static Connection open(const netlink::SocketOptions& options = {});
  /// Over a socket opened elsewhere, e.g. NamespaceThread::open_netlink(ns, NETLINK_NETFILTER).
  explicit Connection(netlink::Socket socket) : socket_(std::move(socket)) {}

  [[nodiscard]] netlink::Socket& socket() noexcept { return socket_; }

  /// Whether a datagram of so many bytes can be sent; raises the send buffer as far as privilege
  /// allows (root: any size; in a user namespace: twice net.core.wmem_max, about 400 kB).
  [[nodiscard]] bool fits(std::size_t bytes) { return socket_.reserve_send(bytes); }

 private:
  netlink::Socket socket_;
};

/// Why a batch was refused; nothing of it was done.
struct CommitResult {
  std::vector<netlink::Refusal> refusals;  ///< per message; empty: everything was done
  bool stale = false;                      ///< the generation had moved on: read, rebuild, retry
  [[nodiscard]] bool ok() const noexcept { return refusals.empty() && !stale; }
};

/// Sends the batch and reads the kernel's verdicts.
/// @throws Error Operation when it does not fit into one datagram (see Connection::fits), or when
/// the
///         socket fails
[[nodiscard]] CommitResult try_commit(Connection& connection, const SealedBatch& batch);

/// As try_commit(), but a refusal is thrown with every message that was refused.
/// @throws Error Unavailable (EPERM, EOPNOTSUPP), Conflict (stale, EEXIST, EBUSY), Operation
void commit(Connection& connection, const SealedBatch& batch);

/// The ruleset's generation: changes with every commit, of anybody. @throws Error
[[nodiscard]] std::uint32_t generation(Connection& connection);

/// @param family Family::Any for all. @throws Error
[[nodiscard]] std::vector<Table> list_tables(Connection& connection, Family family = Family::Any);
[[nodiscard]] std::vector<Chain> list_chains(Connection& connection, const TableId& table);
/// Rules of one chain in their order; an empty name means all chains.
[[nodiscard]] std::vector<Rule> list_rules(Connection& connection, const TableId& table,
                                           std::string_view chain = {});
[[nodiscard]] std::vector<SetSpec> list_sets(Connection& connection, const TableId& table);
/// Elements of one set, in no particular order; expired ones are not listed. A missing set throws.
[[nodiscard]] std::vector<Element> list_elements(Connection& connection, const TableId& table,
                                                 const std::string& set);

/// What a set holds for each of the keys; nullopt where it holds nothing, or what has expired.
/// Costs the same for every key, however large the set is; list_elements() costs the kernel a walk
/// from the set's beginning for every few hundred elements.
[[nodiscard]] std::vector<std::optional<Element>> find_elements(Connection& connection,
                                                                const TableId& table,
                                                                const std::string& set,
                                                                std::span<const Bytes> keys);

enum class Reset { No, Yes };
/// All named counters of a table; with Reset::Yes each is set to zero as it is read.
[[nodiscard]] std::vector<Counter> list_counters(Connection& connection, const TableId& table,
                                                 Reset reset = Reset::No);
[[nodiscard]] std::vector<LimitObject> list_limits(Connection& connection, const TableId& table);
/// With Reset::Yes each starts anew as it is read: nothing is used up.
[[nodiscard]] std::vector<QuotaObject> list_quotas(Connection& connection, const TableId& table,
                                                   Reset reset = Reset::No);

}  // namespace tinet::nft
