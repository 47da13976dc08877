#pragma once
/// A table for one trial of nf_tables. Internal to netns.

#include <string>
#include <utility>
#include <vector>

#include "netns/nft/connection.h"

namespace tinet {

/// An owned table of the calling thread's namespace that lives as long as this object.
class ScratchTable {
 public:
  /// @throws Error
  explicit ScratchTable(nft::Family family)
      : connection_(nft::Connection::open()), id_{family, "probe"} {
    nft::Batch batch;
    batch.add_table({.id = id_, .owner = true},
                    "create a table of family '" + std::string(to_string(family)) + "'");
    commit(connection_, std::move(batch).seal());
  }

  [[nodiscard]] const nft::TableId& id() const noexcept { return id_; }
  [[nodiscard]] nft::Connection& connection() noexcept { return connection_; }
  void apply(nft::Batch batch) { commit(connection_, std::move(batch).seal()); }

  /// One base chain with one rule; `what` is the verb and object of a failure. @throws Error
  void try_rule(nft::Hook hook, std::vector<nft::Expression> expressions, const std::string& what) {
    nft::Batch batch;
    batch.add_chain({.table = id_, .name = "probe", .hook = std::move(hook)}, what)
        .add_rule({.table = id_, .chain = "probe", .expressions = std::move(expressions)}, what);
    apply(std::move(batch));
  }

 private:
  nft::Connection connection_;
  nft::TableId id_;
};

}  // namespace tinet
