#include "tests/bench/usual_tools.h"

#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <unistd.h>

#include "src/base/error.h"
#include "tests/bench/figures.h"

namespace tinet::bench {

namespace {

namespace fs = std::filesystem;
using Commands = std::vector<std::string>;

std::string write(const fs::path& file, const std::string& text) {
  std::ofstream stream(file);
  if (!(stream << text).flush()) {
    throw_operation("cannot write '" + file.string() + "'");
  }
  return file.string();
}

std::function<void()> one_by_one(Commands commands) {
  return [commands = std::move(commands)] {
    for (const std::string& command : commands) {
      run(command);
    }
  };
}

std::function<void()> in_parallel(Commands commands) {
  return [commands = std::move(commands)] {
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::exception_ptr failure;
    for (const std::string& command : commands) {
      threads.emplace_back([&] {
        try {
          run(command);
        } catch (...) {
          const std::scoped_lock lock(mutex);
          failure = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  };
}

std::string address_of(const testing::World& world, Endpoint endpoint) {
  return to_string(world.plan.endpoints.at(endpoint).address);
}

/// Whom each endpoint is to hear nothing from.
std::map<Endpoint, std::vector<Endpoint>> senders_of(const std::vector<Link>& links) {
  std::map<Endpoint, std::vector<Endpoint>> senders;
  for (const Link& link : links) {
    senders[link.to].push_back(link.from);
  }
  return senders;
}

}  // namespace

void name_namespaces(const testing::World& world) {
  for (Endpoint i = 0; i < world.plan.endpoints.size(); ++i) {
    const fs::path link = fs::path("/run/netns") / world.plan.endpoints[i].name;
    std::error_code ignored;
    fs::remove(link, ignored);
    fs::create_symlink("/proc/" + std::to_string(::getpid()) + "/fd/" +
                           std::to_string(world.fabric->namespace_fd(i)),
                       link);
  }
}

Work nft_files(const std::vector<Link>& links, const fs::path& files) {
  run("nft -f " +
      write(files / "table",
            "table bridge bench {\n map decide { type ifname . ifname : verdict; }\n"
            " chain forward { type filter hook forward priority 0; iifname . oifname vmap "
            "@decide; }\n}\n"));
  std::string elements;
  for (const Link& link : links) {
    elements += (elements.empty() ? "\"p" : ", \"p") + std::to_string(link.from) + "\" . \"p" +
                std::to_string(link.to) + "\" : drop";
  }
  const std::string add =
      write(files / "add", "add element bridge bench decide { " + elements + " }\n");
  const std::string remove = write(files / "remove", "flush map bridge bench decide\n");
  return {one_by_one({"nft -f " + add}), one_by_one({"nft -f " + remove})};
}

Work restore_per_node(const testing::World& world, const std::vector<Link>& links,
                      const fs::path& files) {
  const std::string head = "*filter\n:INPUT ACCEPT [0:0]\n";
  const std::string none = write(files / "none", head + "COMMIT\n");
  Commands add;
  Commands remove;
  for (const auto& [node, senders] : senders_of(links)) {
    std::string text = head;
    for (const Endpoint sender : senders) {
      text += "-A INPUT -s " + address_of(world, sender) + " -j DROP\n";
    }
    const std::string& name = world.plan.endpoints.at(node).name;
    const std::string command = "ip netns exec " + name + " iptables-restore ";
    add.push_back(command + write(files / (name + ".restore"), text + "COMMIT\n"));
    remove.push_back(command + none);
  }
  return {one_by_one(std::move(add)), one_by_one(std::move(remove))};
}

Work jepsen(const testing::World& world, const std::vector<Link>& links, const fs::path& files) {
  const std::string heal = write(files / "heal", "set -e\niptables -F -w\niptables -X -w\n");
  Commands add;
  Commands remove;
  for (const auto& [node, senders] : senders_of(links)) {
    std::string script = "set -e\n";
    for (const Endpoint sender : senders) {
      script += "iptables -A INPUT -s " + address_of(world, sender) + " -j DROP -w\n";
    }
    const std::string& name = world.plan.endpoints.at(node).name;
    const std::string command = "nsenter --net=/run/netns/" + name + " sh ";
    add.push_back(command + write(files / (name + ".jepsen"), script));
    remove.push_back(command + heal);
  }
  return {in_parallel(std::move(add)), in_parallel(std::move(remove))};
}

Work blockade(const testing::World& world, const std::vector<Link>& links) {
  std::map<Endpoint, std::set<Endpoint>> blocked;
  for (const Link& link : links) {
    blocked[link.from].insert(link.to);
  }
  std::map<std::set<Endpoint>, std::vector<Endpoint>> groups;
  for (const auto& [node, others] : blocked) {
    groups[others].push_back(node);
  }
  Commands add;
  Commands remove;
  Commands remove_chains;
  int number = 0;
  for (const auto& [others, members] : groups) {
    const std::string chain = "blockade-p" + std::to_string(++number);
    add.push_back("iptables -N " + chain);
    for (const Endpoint member : members) {
      add.push_back("iptables -I FORWARD -s " + address_of(world, member) + " -j " + chain);
      remove.emplace_back("iptables -D FORWARD 1");
    }
    for (const Endpoint other : others) {
      add.push_back("iptables -I " + chain + " -d " + address_of(world, other) + " -j DROP");
    }
    remove_chains.push_back("iptables -F " + chain);
    remove_chains.push_back("iptables -X " + chain);
  }
  remove.insert(remove.end(), remove_chains.begin(), remove_chains.end());
  return {one_by_one(std::move(add)), one_by_one(std::move(remove))};
}

}  // namespace tinet::bench
