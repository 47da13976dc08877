#pragma once
/// What is told of faults and links: documents made from the book, the fabric's counters and what
/// the watch noticed. Nothing changes here.

#include <map>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "src/fabric/fabric.h"
#include "src/model/plan.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/fault_book.h"
#include "src/supervisor/fault_watch.h"
#include "src/supervisor/probe_ledger.h"

namespace tinet {

/// The mechanism of faults that act on processes, not on links.
inline constexpr std::string_view kProcessMechanism = "signal";

/// The packet that `why` is asked about, as words: empty means any.
struct WhyWords {
  std::string from;
  std::string to;
  std::string port;      ///< a number, or a service of the receiver
  std::string protocol;  ///< any tcp udp icmp
};

class FaultReports {
 public:
  FaultReports(const ClusterPlan& plan, Fabric& fabric, const FaultBook& book,
               const FaultWatch& watch, const ProbeLedger& ledger)
      : plan_(plan), fabric_(fabric), book_(book), watch_(watch), ledger_(ledger) {}

  /// What a fault has done to packets of others than tinet's probes.
  [[nodiscard]] PacketCounts packets(FaultId fault) const {
    return ledger_.without_probes(fault, fabric_.packets(fault));
  }

  /// The object of an active fault, or of one that is about to be.
  [[nodiscard]] boost::json::object document(const Fault& fault) const;
  /// Active faults; `all` adds ended ones with "ended":"healed|expired".
  [[nodiscard]] boost::json::array documents(bool all) const;
  /// As links_document(); where the network is not as it should be, with "drift":[texts].
  [[nodiscard]] boost::json::array links() const;
  /// @throws Error Usage for unknown names, ports and protocols
  [[nodiscard]] boost::json::object why(const WhyWords& words) const;
  /// What is wrong with the network and could not be repaired, as texts.
  [[nodiscard]] boost::json::array drift() const;
  /// Per instance "ok", "cut" or "impaired".
  [[nodiscard]] std::map<Endpoint, std::string> network() const;
  /// "f1 (partition tikv-0), f3".
  [[nodiscard]] std::string reasons(const std::vector<FaultId>& faults) const;

 private:
  [[nodiscard]] FaultFacts facts(const Fault& fault, bool atomic) const;
  [[nodiscard]] std::string way_back(const Effect& there, const Effect& back) const;
  [[nodiscard]] boost::json::object ended_document(const FaultBook::Ended& ended) const;

  const ClusterPlan& plan_;
  Fabric& fabric_;
  const FaultBook& book_;
  const FaultWatch& watch_;
  const ProbeLedger& ledger_;
};

}  // namespace tinet
