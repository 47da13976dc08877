// The one translation unit that holds the bodies of Boost.Asio and Boost.Process v2; every other
// one compiles declarations only (BOOST_ASIO_SEPARATE_COMPILATION in tinet_options).

#include <boost/asio/impl/src.hpp>
// Boost 1.81 uses boost::optional without including it when paths are std::filesystem's.
#include <boost/optional.hpp>
#include <boost/process/v2/src.hpp>
