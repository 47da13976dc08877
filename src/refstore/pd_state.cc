#include "src/refstore/pd_state.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/refstore/messages.h"
#include "src/refstore/version.h"

namespace tinet::refstore {
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

fs::path state_file(const std::string& directory) {
  return fs::path(directory) / "refstore-pd.json";
}

void replace_file(const fs::path& path, const std::string& text) {
  const fs::path fresh = path.string() + ".new";
  std::ofstream out(fresh, std::ios::trunc);
  out << text << '\n';
  out.close();
  if (!out) {
    throw_operation("cannot write '" + fresh.string() + "'");
  }
  std::error_code error;
  fs::rename(fresh, path, error);
  if (error) {
    throw_errno(error.value(), "cannot replace '" + path.string() + "'");
  }
}

}  // namespace

PdState load_pd_state(const std::string& directory) {
  const fs::path path = state_file(directory);
  if (!fs::exists(path)) {
    return {};
  }
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    const json::object object = parse_object(text);
    PdState state{number_field(object, "cluster_id"), number_field(object, "term"), {}};
    state.views.view = view_from(object_field(object, "view"));
    state.views.acknowledged = flag_field(object, "acknowledged");
    state.views.synced = flag_field(object, "synced");
    const json::object& stores = object_field(object, "stores");
    for (const auto& [address, store] : stores) {
      state.views.stores.push_back(store_from(store.as_object()));
    }
    return state;
  } catch (const std::exception& error) {
    throw_operation("cannot read '" + path.string() + "': " + error.what());
  }
}

void save_pd_state(const std::string& directory, const PdState& state) {
  json::object stores;
  for (const StoreRecord& store : state.views.stores) {
    stores[store.address] = to_json(store);
  }
  const json::object object{{"reference", true},
                            {"cluster_id", state.cluster_id},
                            {"term", state.term},
                            {"view", to_json(state.views.view)},
                            {"acknowledged", state.views.acknowledged},
                            {"synced", state.views.synced},
                            {"stores", std::move(stores)}};
  replace_file(state_file(directory), json::serialize(object));
}

void prepare_data_dir(const std::string& directory, const std::string& role,
                      const std::string& name) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    throw_errno(error.value(), "cannot create data directory '" + directory + "'");
  }
  const json::object identity{
      {"reference", true}, {"version", kVersion}, {"role", role}, {"name", name}};
  replace_file(fs::path(directory) / "refstore.json", json::serialize(identity));
}

}  // namespace tinet::refstore
