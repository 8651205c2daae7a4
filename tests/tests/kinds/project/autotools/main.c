#include <stdio.h>

int main(void) {
    printf("%s %d, %s, %s\n", GREETING, FLAG, __FILE__, __DATE__);
}
