#pragma once
/// Text with holes, as topology files use it: "--peer-urls=http://{ip}:{port.peer}".
///
///   {name} {index} {ip} {ip6} {zone} {component} {tag} {subnet}   the instance and its cluster
///   {listen_ip}   where its programs listen: {ip}, but behind a relay another one
///   {dir} {data_dir} {tmp_dir} {log_dir} {log}                    its paths
///   {port.SERVICE} {count.COMPONENT} {var.NAME}                   numbers and computed values
///   {published.SERVICE} {published_host.SERVICE} {published_port.SERVICE}   connect lines only
///   {zones.COMPONENT} {store}                                     words of the start flags
///   {join COMPONENT "SEPARATOR" "TEXT"}   TEXT once per instance of COMPONENT, holes filled for it
///   {{ and }}                             literal braces

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tinet {

/// Line of a topology file, for errors: "sleepers.yaml:12".
struct SourcePlace {
  std::string file;
  int line = 0;  ///< counted from 1
};
[[nodiscard]] std::string to_string(const SourcePlace& place);

/// What fills the holes.
class TemplateScope {
 public:
  TemplateScope() = default;
  TemplateScope(const TemplateScope&) = delete;
  TemplateScope& operator=(const TemplateScope&) = delete;
  virtual ~TemplateScope() = default;
  /// Value of a name that parse_topology() has checked.
  [[nodiscard]] virtual std::string value(std::string_view name) const = 0;
  /// One scope per instance of `component`, in index order, handed to `use`.
  virtual void for_each(const std::string& component,
                        const std::function<void(const TemplateScope&)>& use) const = 0;
};

/// A parsed template. Immutable; cheap to copy.
class Template {
 public:
  Template() = default;
  /// @throws Error Usage with the place, for an unfinished hole or a malformed join
  Template(std::string text, SourcePlace place);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const SourcePlace& place() const { return place_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  struct Hole {
    std::string name;  ///< "ip", "port.client"
    std::string join;  ///< component of the surrounding join; empty outside
  };
  /// Every hole, also those inside joins, for validation.
  [[nodiscard]] std::vector<Hole> holes() const;
  /// Components that are joined over.
  [[nodiscard]] std::set<std::string> joined() const;

  [[nodiscard]] std::string expand(const TemplateScope& scope) const;

 private:
  struct Literal {
    std::string text;
  };
  struct Name {
    std::string name;
  };
  struct Join;
  using Part = std::variant<Literal, Name, Join>;
  struct Join {
    std::string component;
    std::string separator;
    std::vector<Template> item;  ///< exactly one
  };

  [[nodiscard]] Part parse_hole(std::string_view inside) const;

  std::string text_;
  SourcePlace place_;
  std::vector<Part> parts_;
};

}  // namespace tinet
