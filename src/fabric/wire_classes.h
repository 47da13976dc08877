#pragma once
/// The switch's side of the wire: hands packets over, and keeps the wire's classes equal to the
/// shapes in use. Nothing of it exists until the first shape needs it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "netns/nft/connection.h"
#include "src/fabric/difference.h"
#include "src/fabric/drops.h"
#include "src/fabric/fabric.h"
#include "src/fabric/wiring.h"
#include "src/wire/client.h"

namespace tinet::fabric {

/// What becomes the wire's process.
struct WireCommand {
  std::string program;
  std::vector<std::string> words;
};

class WireClasses {
 public:
  /// @param connection owns the table that hands packets over
  WireClasses(Wiring& wiring, nft::Connection& connection, WireCommand command)
      : wiring_(wiring), connection_(connection), command_(std::move(command)) {}

  /// The wire runs and knows this shape. @throws Error Unavailable, Operation
  void add(ShapeId id, const LinkAction& shape, const ShapeCounts& counts);
  /// Classes of shapes that no treatment uses any more go; packets that wait in them go on. A wire
  /// that did not answer is asked again after an audit only, which has heard of it by then: else
  /// every change would wait for it.
  /// @throws Error Operation
  void follow(const Installed& installed, const Mechanisms& mechanisms);
  /// Classes that were let go although their faults go on, because the change that would have ended
  /// these has failed, hold again. @throws Error Operation; what is left is tried again next time
  void hold_again(const Installed& installed, const Mechanisms& mechanisms);
  /// Ends the holds of a shape. @throws Error Operation
  ReleaseReport release(ShapeId id, bool drop);
  /// What the wire has dropped so far, classes and processes that are gone included. With a process
  /// goes what waits in it.
  [[nodiscard]] std::vector<Count> drops();
  /// Whether packets are handed over.
  [[nodiscard]] bool in_use() const noexcept { return client_.has_value(); }
  /// Packets of these links that wait now.
  [[nodiscard]] std::uint64_t waiting(const std::set<Link>& links) const;
  /// Readable when the process has ended; -1 when there is none.
  [[nodiscard]] int exit_fd() const noexcept { return client_ ? client_->exit_fd() : -1; }
  /// Replaces a wire that died and a table that was changed. @throws Error
  void audit(const Installed& installed, std::vector<Drift>& drift);

  /// Its tables in the switch, for whoever looks for foreign ones.
  [[nodiscard]] std::vector<nft::TableId> tables() const;

 private:
  /// All of it, or nothing. @throws Error Unavailable, Operation
  void start();
  void make_tables();
  void remove_tables() noexcept;
  void make_client();
  /// Whether bridged packets go through the hooks of IP, too.
  void call_ip_hooks(bool call);
  void ensure();
  void read_drops();
  void read_drops(const WireReport& report, bool died);
  void read_unread();
  [[nodiscard]] UniqueFd open_queue();

  Wiring& wiring_;
  nft::Connection& connection_;
  WireCommand command_;
  DropBook drops_;               ///< of the wire's process
  DropBook unread_;              ///< of packets that it was not handed
  std::uint64_t left_ = 0;       ///< packets that waited in processes that died
  std::uint64_t undelayed_ = 0;  ///< packets that passed while there was none
  std::uint64_t told_undelayed_ = 0;
  std::optional<WireClient> client_;
  std::map<std::uint16_t, ShapeCounts> counts_;  ///< of the wire's classes
  bool died_ = false;                            ///< and no audit has told of it
  std::set<ShapeId> let_go_;                     ///< released since hold_again() has looked
  bool native_ = false;
  std::uint32_t guard_port_ = 0;  ///< owner of the guard's table
};

}  // namespace tinet::fabric
