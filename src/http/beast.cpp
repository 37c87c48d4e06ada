// The one translation unit that compiles Beast (see src/CMakeLists.txt).
#include <boost/beast/src.hpp>
