// The one translation unit that compiles Asio (see src/CMakeLists.txt).
#include <boost/asio/impl/src.hpp>
