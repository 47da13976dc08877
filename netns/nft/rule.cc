#include "netns/nft/rule.h"

namespace tinet::nft {

bool same_rule(const Rule& a, const Rule& b) noexcept {
  return a.table == b.table && a.chain == b.chain && a.expressions == b.expressions &&
         a.comment == b.comment;
}

}  // namespace tinet::nft
