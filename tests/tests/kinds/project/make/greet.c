#include <stdio.h>

void greet(const char *name) {
    printf("%s, %s, %s\n", name, __FILE__, __DATE__);
}
