#pragma once
/// Ownership of libnftnl's objects. For the encoder and the decoder only; nothing of libnftnl shows
/// in the module's public headers.

#include <memory>
#include <new>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

namespace tinet::nft {

struct Free {
  void operator()(nftnl_table* object) const noexcept { nftnl_table_free(object); }
  void operator()(nftnl_chain* object) const noexcept { nftnl_chain_free(object); }
  void operator()(nftnl_rule* object) const noexcept { nftnl_rule_free(object); }
  void operator()(nftnl_expr* object) const noexcept { nftnl_expr_free(object); }
  void operator()(nftnl_set* object) const noexcept { nftnl_set_free(object); }
  void operator()(nftnl_set_elem* object) const noexcept { nftnl_set_elem_free(object); }
  void operator()(nftnl_obj* object) const noexcept { nftnl_obj_free(object); }
  void operator()(nftnl_expr_iter* object) const noexcept { nftnl_expr_iter_destroy(object); }
  void operator()(nftnl_set_elems_iter* object) const noexcept {
    nftnl_set_elems_iter_destroy(object);
  }
};

using TablePtr = std::unique_ptr<nftnl_table, Free>;
using ChainPtr = std::unique_ptr<nftnl_chain, Free>;
using RulePtr = std::unique_ptr<nftnl_rule, Free>;
using ExpressionPtr = std::unique_ptr<nftnl_expr, Free>;
using SetPtr = std::unique_ptr<nftnl_set, Free>;
using ElementPtr = std::unique_ptr<nftnl_set_elem, Free>;
using ObjectPtr = std::unique_ptr<nftnl_obj, Free>;
using ExpressionIterPtr = std::unique_ptr<nftnl_expr_iter, Free>;
using ElementIterPtr = std::unique_ptr<nftnl_set_elems_iter, Free>;

/// Takes over what a libnftnl allocator returned. @throws std::bad_alloc when that is nothing
template <typename Pointer>
[[nodiscard]] Pointer own(typename Pointer::pointer object) {
  if (object == nullptr) {
    throw std::bad_alloc();
  }
  return Pointer(object);
}

}  // namespace tinet::nft
