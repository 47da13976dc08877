#include "src/topology/template.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/topology/base64.h"
#include "src/topology/expression.h"

namespace tinet {
namespace {

/// Two instances, n-0 and n-1, of component "n".
class TwoInstances : public TemplateScope {
 public:
  explicit TwoInstances(std::string name = "n-0") : name_(std::move(name)) {}
  [[nodiscard]] std::string value(std::string_view name) const override {
    if (name == "name") {
      return name_;
    }
    return name == "count.n" ? "2" : name == "zone" ? "" : "<" + std::string(name) + ">";
  }
  void for_each(const std::string& /*component*/,
                const std::function<void(const TemplateScope&)>& use) const override {
    use(TwoInstances("n-0"));
    use(TwoInstances("n-1"));
  }

 private:
  std::string name_;
};

std::string expand(const std::string& text) {
  return Template(text, {"f", 1}).expand(TwoInstances());
}

bool condition(const std::string& text) {
  return holds(parse_condition(text, {"f", 1}), TwoInstances());
}

TEST(Template, FillsHoles) {
  EXPECT_EQ(expand("a{name}b{ name }{port.x}"), "an-0bn-0<port.x>");
  EXPECT_EQ(expand(""), "");
  EXPECT_EQ(expand("plain"), "plain");
}

TEST(Template, TakesDoubledBracesLiterally) {
  EXPECT_EQ(expand("{{}}"), "{}");
  EXPECT_EQ(expand("{{{name}}}"), "{n-0}");
  EXPECT_EQ(expand("{\"a\"}"), "<\"a\">");
}

TEST(Template, JoinsOverInstances) {
  EXPECT_EQ(expand("{join n \",\" \"{name}=http://{ip}:{port.peer}\"}"),
            "n-0=http://<ip>:<port.peer>,n-1=http://<ip>:<port.peer>");
  EXPECT_EQ(expand("[{join n \"\" \"{{{name}}}\"}]"), "[{n-0}{n-1}]");
  EXPECT_EQ(expand("{join n \" \" \"\"}"), " ");
}

TEST(Template, RefusesMalformedText) {
  for (const char* text :
       {"{", "}", "{a", "{a{b}}", "{join}", "{join n}", "{join n \",\"}", "{join n , \"{ip}\"}",
        "{join n \",\" \"{ip\"}", "{join n \",\" \"a\" \"b\"}", "{join n \",\" \"a}"}) {
    EXPECT_THROW(Template(text, {"f", 3}), Error) << text;
  }
}

TEST(Condition, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(condition("count.n >= 2"));
  EXPECT_FALSE(condition("count.n > 2"));
  EXPECT_TRUE(condition("count.n < 10"));
  EXPECT_TRUE(condition("count.n == 02"));
  EXPECT_TRUE(condition("name == 'n-0'"));
  EXPECT_TRUE(condition("name != 'n 1'"));
  EXPECT_FALSE(condition("name > 'a'"));
  EXPECT_TRUE(condition("name"));
  EXPECT_FALSE(condition("zone"));
  EXPECT_FALSE(condition("0"));
}

TEST(Condition, RefusesMalformedText) {
  for (const char* text : {"", "a b", ">=", "a >=", ">= 3", "a >= 3 4", "a = 3", "'open"}) {
    EXPECT_THROW(static_cast<void>(parse_condition(text, {"f", 1})), Error) << text;
  }
}

TEST(Var, ChoosesOneOfTwo) {
  const auto value = [](const std::string& text) {
    return evaluate(parse_var(text, {"f", 1}), TwoInstances());
  };
  EXPECT_EQ(value("7"), "7");
  EXPECT_EQ(value("'a b'"), "a b");
  EXPECT_EQ(value("3 if count.n >= 3 else 1"), "1");
  EXPECT_EQ(value("name if count.n else 1"), "n-0");
  EXPECT_THROW(static_cast<void>(value("3 if count.n >= 3")), Error);
  EXPECT_THROW(static_cast<void>(value("if else")), Error);
}

TEST(Base64, GoesBothWays) {
  for (const std::string& text :
       std::vector<std::string>{"", "f", "fo", "foo", std::string("\0\xff\x80", 3)}) {
    EXPECT_EQ(detail::base64_decode(detail::base64_encode(text)), text);
  }
  EXPECT_EQ(detail::base64_encode("foo"), "Zm9v");
  EXPECT_EQ(detail::base64_encode("fo"), "Zm8=");
  EXPECT_EQ(detail::base64_decode("Zm9"), std::nullopt);
  EXPECT_EQ(detail::base64_decode("Z==="), std::nullopt);
  EXPECT_EQ(detail::base64_decode("Zm=v"), std::nullopt);
  EXPECT_EQ(detail::base64_decode("Zm8=Zm8="), std::nullopt);
}

}  // namespace
}  // namespace tinet
