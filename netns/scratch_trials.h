#pragma once
/// Trials of what faults other than plain drops need, for the list of scratch_probes(). Internal to
/// netns.

#include "netns/scratch_probes.h"

namespace tinet {

/// Each does the thing in the calling thread's namespace. @throws Error what failed
void try_dynset_counter(Scratch& scratch);
void try_inner_header(Scratch& scratch);
void try_jhash(Scratch& scratch);
void try_egress_duplicate(Scratch& scratch);
void try_bridge_queue(Scratch& scratch);
void try_source_mac_rewrite(Scratch& scratch);
void try_socket_destroy(Scratch& scratch);
void try_rto_max(Scratch& scratch);

}  // namespace tinet
