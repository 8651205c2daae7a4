#include <cstdio>

extern "C" void greet() {
    std::printf("%s, %s, %s\n", GREETING, __FILE__, __DATE__);
}
