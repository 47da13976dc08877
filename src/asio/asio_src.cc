// The one translation unit that holds the bodies of Boost.Asio and Boost.Process v2; every other
// one compiles declarations only (BOOST_ASIO_SEPARATE_COMPILATION in tinet_options).

#include <boost/asio/impl/src.hpp>
// With std::filesystem paths, Boost.Process 1.81 forgets to include these two.
#include <boost/optional.hpp>
#include <boost/type_traits/remove_pointer.hpp>
// After what it forgets to include.
#include <boost/process/v2/src.hpp>
