#pragma once
/// The live HTTP fronts (tidb role) and which of them is the owner. Pure; time is a parameter.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/refstore/view_service.h"

namespace tinet::refstore {

/// A front that has not reported for this long is gone.
inline constexpr std::chrono::milliseconds kFrontLease{1000};

struct Front {
  std::string id;  ///< random per process
  std::string ip;
  std::uint64_t listening_port = 0;
  std::uint64_t status_port = 0;
  friend bool operator==(const Front&, const Front&) = default;
};

class FrontRegistry {
 public:
  /// Renews the front's lease, or makes it known.
  void report(const Front& front, Time now);

  /// The fronts whose lease runs, longest known first.
  [[nodiscard]] std::vector<Front> live(Time now) const;

  /// The front that has been live without a gap for longest: it stays owner until its lease ends.
  [[nodiscard]] std::optional<Front> owner(Time now) const;

 private:
  struct Lease {
    Front front;
    Time renewed;
  };
  std::vector<Lease> leases_;  ///< in order of first report
};

}  // namespace tinet::refstore
