#pragma once
/// One nftables transaction under construction (Batch) and ready to be sent (SealedBatch). Pure.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netns/nft/objects.h"
#include "netns/nft/rule.h"
#include "netns/nft/types.h"

struct nlmsghdr;

namespace tinet::nft {

/// A transaction that can be sent, any number of times.
class SealedBatch {
 public:
  /// Size of the one datagram that it takes.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.size(); }
  /// Messages between the batch's begin and end.
  [[nodiscard]] std::size_t size() const noexcept { return what_.size(); }
  [[nodiscard]] bool empty() const noexcept { return what_.empty(); }
  /// One line per message, e.g. "add 3 elements to 'bridge tinet layer8'".
  [[nodiscard]] const std::vector<std::string>& descriptions() const noexcept { return what_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  friend class Batch;
  std::vector<std::byte> bytes_;
  std::vector<std::string> what_;
};

/// Collects changes; the kernel does all of them or none. Objects made earlier in a batch can be
/// used later in it. The optional `what` replaces the generated description (verb and object).
class Batch {
 public:
  Batch();

  Batch& add_table(const Table& table, std::string what = {});
  Batch& delete_table(const TableId& table, std::string what = {});

  Batch& add_chain(const Chain& chain, std::string what = {});
  Batch& delete_chain(const TableId& table, const std::string& chain, std::string what = {});
  /// Deletes all rules of a chain.
  Batch& flush_chain(const TableId& table, const std::string& chain, std::string what = {});

  /// Appends the rule to its chain.
  Batch& add_rule(const Rule& rule, std::string what = {});

  Batch& add_set(const SetSpec& set, std::string what = {});
  Batch& delete_set(const TableId& table, const std::string& set, std::string what = {});

  /// Adding an element that is there with the same data is no error (its timeout stays as it was);
  /// with other data it is EEXIST. Any number of elements.
  Batch& add_elements(const SetSpec& set, std::span<const Element> elements, std::string what = {});
  /// Deleting an element that is not there fails the batch (ENOENT).
  Batch& delete_elements(const SetSpec& set, std::span<const Element> elements,
                         std::string what = {});
  /// Deletes the elements `before`, which may have expired meanwhile, and adds `after`, in a way
  /// that also replaces data and timeouts of keys that are in both, on every kernel since 6.1: adds
  /// `before` again (harmless when it is there, and makes the delete safe when it just expired),
  /// deletes it, adds `after`. No packet sees a state in between.
  Batch& replace_elements(const SetSpec& set, std::span<const Element> before,
                          std::span<const Element> after, std::string what = {});
  Batch& flush_set(const TableId& table, const std::string& set, std::string what = {});

  /// Starts at the given packets and bytes.
  Batch& add_counter(const Counter& counter, std::string what = {});

  /// Adding a limit that is there leaves it as it is; to change its numbers delete it and what
  /// refers to it, and add all again, in one batch.
  Batch& add_limit(const LimitObject& limit, std::string what = {});
  Batch& delete_limit(const TableId& table, const std::string& limit, std::string what = {});
  /// Adding a quota that is there gives it the new size; what was used up stays used up.
  Batch& add_quota(const QuotaObject& quota, std::string what = {});
  Batch& delete_quota(const TableId& table, const std::string& quota, std::string what = {});

  [[nodiscard]] std::size_t size() const noexcept { return what_.size(); }
  [[nodiscard]] bool empty() const noexcept { return what_.empty(); }
  /// Size of the datagram so far, to split a change that is too large for one.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return used_; }

  /// Closes the transaction.
  /// @param generation commit only if nobody changed the ruleset since (see generation())
  [[nodiscard]] SealedBatch seal(std::optional<std::uint32_t> generation = std::nullopt) &&;

 private:
  /// Room for one message of at most `room` bytes; `fill` writes its payload.
  template <typename Fill>
  Batch& message(std::uint16_t type, std::uint16_t flags, Family family, std::size_t room,
                 std::string what, Fill&& fill);
  Batch& elements(std::uint16_t type, std::uint16_t flags, const SetSpec& set,
                  std::span<const Element> elements, const std::string& what);
  template <typename Object>
  Batch& put_object(const Object& object, const char* kind, std::string what);
  Batch& delete_object(const TableId& table, const std::string& name, MapKind of, const char* kind,
                       std::string what);
  char* reserve(std::size_t room);

  std::vector<std::byte> bytes_;
  std::size_t used_ = 0;
  std::size_t last_ = 0;  ///< offset of the last message
  std::vector<std::string> what_;
  std::uint32_t next_set_id_ = 1;
};

}  // namespace tinet::nft
